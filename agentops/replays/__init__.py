"""Replays: a finished run repeated from its first step, without side effects.

`queueing` queues a replay and `running` performs it, with the engine's own decider and steps. `recording` gives access
to the original run's data, `worlds` limits what each mode may reach, and `effects` judges side-effecting calls without
making them. `alignment` pairs the steps of both runs, and `judgement` says whether a difference is better or worse.
"""
