"""A replay's run and steps in the form the engine uses. They are never saved; a ReplayStep keeps what matters."""

from typing import Any

from agentops.models import Replay, ReplayStep, Run, Step
from agentops.models.run import StepRecord
from agentops.runs import turn
from approvals.effects.kinds import KINDS
from approvals.models import Action

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
    return with_action(Step(run=run, **{name: getattr(row, name) for name in COPIED}), row.effect)


def with_action(step: Step, effect: dict[str, Any] | None) -> Step:
    """Give the step an action with what `next_step` and the routing need: its status and the verdict's reasons."""
    shown = step.output.get("action") if step.kind == turn.TOOL and isinstance(step.output, dict) else None
    if KINDS.by_tool(step.name) and isinstance(shown, dict):
        step.action = Action(status=shown["status"], reasons=effect["reasons"] if effect else [])
    return step


def replay_step(replay: Replay, step: Step, effect: dict[str, Any] | None, *, source: str, note: str) -> ReplayStep:
    """Return the step as a ReplayStep, not yet saved."""
    copied = {name: getattr(step, name) for name in COPIED}
    return ReplayStep(replay=replay, effect=effect, source=source, note=note, **copied)


def counters(run: Run) -> dict[str, Any]:
    """Return the counters that the run's steps changed."""
    return {name: getattr(run, name) for name in _COUNTERS}
