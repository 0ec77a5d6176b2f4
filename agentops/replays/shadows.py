"""A replay's run and steps in the form the engine uses. They are never saved; a ReplayStep keeps what matters."""

from typing import Any

from agentops.models import Replay, ReplayStep, Run, Step
from agentops.models.run import StepRecord
from agentops.runs import turn
from approvals.effects.kinds import KINDS
from approvals.models import Action
from approvals.policy.verdicts import Outcome

COPIED = tuple(field.name for field in StepRecord._meta.local_fields)
_COUNTERS = ("triage", "turns", "tokens", "cost_usd")


def shadow_run(replay: Replay) -> Run:
    """Return the run as its steps need it, with the replay's own counters."""
    run = replay.run
    return Run(
        pk=run.pk,
        ticket=run.ticket,
        number=run.number,
        through_message=run.through_message,
        started_at=run.started_at,
        **{name: getattr(replay, name) for name in _COUNTERS},
    )


def shadow_step(row: ReplayStep, run: Run) -> Step:
    return with_action(Step(run=run, **{name: getattr(row, name) for name in COPIED}), row.effect, row.replay.mode)


def with_action(step: Step, effect: dict[str, Any] | None, mode: str) -> Step:
    """Give the step an action with what `next_step` and the routing need: its status, the verdict's reasons, and
    whether it would have waited for a person. A recorded replay takes from the recording what followed then."""
    shown = step.output.get("action") if step.kind == turn.TOOL and isinstance(step.output, dict) else None
    if KINDS.by_tool(step.name) and isinstance(shown, dict):
        step.action = Action(status=shown["status"], reasons=effect["reasons"] if effect else [])
        asked = effect is not None and effect["verdict"] == Outcome.REQUIRE_APPROVAL
        step.waited_for_person = asked and mode != Replay.Mode.RECORDED
    return step


def replay_step(replay: Replay, step: Step, effect: dict[str, Any] | None, *, source: str, note: str) -> ReplayStep:
    """Return the step as a ReplayStep, not yet saved."""
    copied = {name: getattr(step, name) for name in COPIED}
    return ReplayStep(replay=replay, effect=effect, source=source, note=note, **copied)


def counters(run: Run) -> dict[str, Any]:
    """Return the counters that the run's steps changed."""
    return {name: getattr(run, name) for name in _COUNTERS}
