"""A replay's run and steps as the engine knows them. They are never saved; what is kept of them is a ReplayStep."""

from typing import Any

from agentops.models import Replay, ReplayStep, Run, Step
from agentops.models.run import StepRecord
from agentops.runs import turn
from approvals import kinds
from approvals.models import Action

COPIED = tuple(field.name for field in StepRecord._meta.local_fields)
_COUNTERS = ("triage", "turns", "tokens", "cost_usd")


def shadow_run(replay: Replay) -> Run:
    """The run as its steps need it, with the replay's own counts."""
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
    """The step with what the decider and the routing ask of its action: how it ended, and the verdict's reasons."""
    told = step.output.get("action") if step.kind == turn.TOOL and isinstance(step.output, dict) else None
    if step.name in kinds.BY_TOOL and isinstance(told, dict):
        step.action = Action(status=told["status"], reasons=effect["reasons"] if effect else [])
    return step


def replay_step(replay: Replay, step: Step, effect: dict[str, Any] | None, *, source: str, note: str) -> ReplayStep:
    """The step as the replay keeps it; not yet saved."""
    copied = {name: getattr(step, name) for name in COPIED}
    return ReplayStep(replay=replay, effect=effect, source=source, note=note, **copied)


def counters(run: Run) -> dict[str, Any]:
    """What the replay counts as its run's steps do."""
    return {name: getattr(run, name) for name in _COUNTERS}
