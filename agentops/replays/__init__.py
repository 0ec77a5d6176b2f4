"""Replays: a finished run again, from its ticket's first step, with nothing that leaves but what its mode names.

`asking` begins one, `running` does it (with the engine's own decider and steps), `recording` is what the run has on
record, `effects` what a side-effecting call would have been. `alignment` lays both runs side by side, `judgement` says
whether the difference is for the better.
"""
