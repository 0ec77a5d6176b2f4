"""Perform one step of a replay, against the recording or a live service. The caller saves the result."""

from typing import Any

from agentops.lib.errors import Refused
from agentops.models import Replay, ReplayStep, Step
from agentops.replays import effects, worlds
from agentops.replays.effects import EffectOutcome
from agentops.replays.recording import NotRecorded, Recording, call_key
from agentops.runs import steps, tools, turn
from approvals.effects.kinds import KINDS


def perform(
    replay: Replay, recording: Recording, world: steps.World, step: Step, done: list[Step], saved: list[ReplayStep]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    """Perform the step and return its effect, if any, and outcome. Raises ProviderError and RecordingEnded."""
    recorded = replay.mode == Replay.Mode.RECORDED
    model = EffectOutcome("", ReplayStep.Source.RECORDED if recorded else ReplayStep.Source.LIVE, "")
    if step.status == Step.Status.FAILED:  # a call that is not made
        return None, model
    try:
        if step.kind == turn.TRIAGE:
            steps.do_triage(step.run, step, world)
            _use_recorded_cost(replay, step, recording.triage)
        elif step.kind == turn.LLM:
            steps.do_llm(step.run, step, done, world)
            _use_recorded_cost(replay, step, recording.turn(sum(row.kind == turn.LLM for row in done)))
        elif KINDS.by_tool(step.name):
            return _perform_effect(replay, recording, step, done, saved)
        elif step.name == tools.WITHDRAW:
            raise worlds.RecordedResult(_recorded_withdrawal(recording, step))
        else:
            steps.do_read(step.run, step, world)
            live = replay.mode == Replay.Mode.LIVE
            return None, EffectOutcome("", ReplayStep.Source.LIVE if live else ReplayStep.Source.RECORDED, "")
    except worlds.RecordedResult as copied:
        _copy(step, copied.step)
    except NotRecorded as missing:
        steps.refuse(step, Refused("not_recorded", str(missing)))
        return None, EffectOutcome("", ReplayStep.Source.NOT_RECORDED, str(missing)[:300])
    except Refused as refused:
        steps.refuse(step, refused)
    return None, model


def _recorded_withdrawal(recording: Recording, step: Step) -> Step:
    """Return the recorded step that withdrew, or tried to withdraw, the same action. Raises NotRecorded and Refused."""
    key = tools.parse_withdrawal(steps.arguments(step)).action
    for then in recording.steps:
        if then.name == tools.WITHDRAW and f'"{key}"' in str(then.input["arguments"]):
            return then
    raise NotRecorded(f"{tools.WITHDRAW} {key}")


def _use_recorded_cost(replay: Replay, step: Step, recorded_step: Step | None) -> None:
    """Give a recorded replay's step the recorded cost, which includes calls that were lost on the way."""
    if replay.mode == Replay.Mode.RECORDED and recorded_step is not None:
        step.run.cost_usd += recorded_step.cost_usd - step.cost_usd
        step.cost_usd = recorded_step.cost_usd


def _perform_effect(
    replay: Replay, recording: Recording, step: Step, done: list[Step], saved: list[ReplayStep]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    if replay.mode != Replay.Mode.RECORDED:
        return effects.judge_effect(replay, recording, step, done, effects.effects_so_far(replay, recording, saved))
    if kind := KINDS.by_tool(step.name):
        kind.parse(steps.arguments(step))
    text = str(step.input["arguments"])
    recorded_step = recording.call(step.name, text, worlds.count_calls(done, call_key(step.name, text)))
    if recorded_step is None:
        raise NotRecorded(f"{step.name} {text}")
    if recorded_step.action is None:
        raise worlds.RecordedResult(recorded_step)
    return effects.repeat_recorded(recording, step, recorded_step), EffectOutcome("", ReplayStep.Source.RECORDED, "")


def _copy(step: Step, recorded_step: Step) -> None:
    for name in ("status", "output", "error_code", "error_class", "error_message", "cost_usd"):
        setattr(step, name, getattr(recorded_step, name))
    step.run.cost_usd += recorded_step.cost_usd


def set_model(replay: Replay, step: Step, recorded_step: Step | None) -> None:
    """Set the step's model: the one that answered the recorded step, or the one under test, or as routed today."""
    recorded = recorded_step if replay.mode == Replay.Mode.RECORDED else None
    name = recorded.name if recorded else replay.llm_model
    if name:
        step.name = step.input["model"] = name
    if recorded and "route" in recorded.input:
        step.input["route"] = recorded.input["route"]
