"""Judge a replay's side-effecting calls and decide on an outcome, without proposing, sending or storing anything.

The actions here are values that are never saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentops.lib import redact
from agentops.models import Replay, ReplayStep, Step
from agentops.replays.recording import NotRecorded, Recording
from agentops.runs import steps, tools
from approvals import kinds, states
from approvals.effects import duplicates, proposals
from approvals.effects.facts import gather_facts
from approvals.effects.kinds import KINDS, verdict_on
from approvals.effects.kinds.base import Arguments, Kind, Resolved
from approvals.effects.recorded_facts import recorded_facts
from approvals.effects.resolution import Sources
from approvals.grounding import claims
from approvals.models import Action, Decision
from approvals.policy import verdicts, versions
from approvals.policy.verdicts import Outcome, Verdict

_FIELDS = ("kind", "params", "idempotency_key", "order_id", "amount", "currency", "status", "sequence")


@dataclass(frozen=True)
class EffectOutcome:
    """How a call ends in a replay, where that comes from, and a note that explains it."""

    status: str
    source: ReplayStep.Source
    note: str
    decision: Decision | None = None


def repeat_recorded(recording: Recording, step: Step, recorded: Step) -> dict[str, Any]:
    """Finish the step as recorded, with a verdict by the original rules and facts. Return its effect."""
    action = recorded.action
    assert action is not None
    verdict = verdict_on(recorded_facts(action), versions.policy_rules(action.policy_version))
    again = action.run_id != recording.run.pk or any(
        row.action_id == action.pk for row in recording.steps if row.index < recorded.index
    )
    output = redact.data(tools.action_result(action, tools.decision_on(action), again=again))
    shown = recorded.output or {}
    status = str(shown["action"]["status"])
    # If the action has changed since, only the recorded output says what the model saw.
    steps.finish_action(step, status, output if status == action.status else shown, action.error_class)
    return _effect(action, verdict, action.policy_version_id, recorded=action.pk)


def judge_effect(
    replay: Replay, recording: Recording, step: Step, done: Sequence[Step], made: Sequence[Action]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    """Judge the call by the replay's rules and finish the step with its outcome. Return the effect and the outcome.

    The effect is None for a duplicate of an earlier proposal. Raises Refused, NotRecorded and, in live mode,
    ProviderError.
    """
    kind = KINDS.by_tool(step.name)
    assert kind is not None
    given = kind.parse(steps.arguments(step))
    existing = [row for row in [*recording.earlier, *made] if row.kind == kind.name]
    duplicate = duplicates.find_identical(kind, given, existing)
    sources = (recording.live if replay.mode == Replay.Mode.LIVE else recording.sources)(lambda: made)
    proposed = [recording.as_proposed(row) for row in recording.actions(kind.name)]
    recorded = duplicates.find_identical(kind, given, proposed)
    further = False
    resolved = None
    if duplicate is None:
        resolved = _resolve(replay, kind, given, step, done, sources, recorded)
        duplicate, further = proposals.check_against(resolved, existing, run_id=recording.run.pk)
    if duplicate is not None or resolved is None:
        assert duplicate is not None
        # An action of this replay has no row, so its decision is the one on the recorded action with the same effect.
        same = (row for row in recording.actions(kind.name) if kinds.same_effect(row.params, duplicate.params))
        before = duplicate if duplicate.pk else next(same, None)
        decision = tools.decision_on(before) if before else None
        output = redact.data(tools.action_result(duplicate, decision, again=True))
        steps.finish_action(step, duplicate.status, output, duplicate.error_class)
        return None, EffectOutcome(duplicate.status, ReplayStep.Source.RECORDED, "Same as the earlier proposal.")
    recorded = recorded or next(
        (row for row in proposed if kinds.same_effect(row.params, resolved.params.stored)), None
    )
    return _judge(replay, recording, step, resolved, recorded, further=further, sources=sources, sequence=len(existing))


def _resolve(
    replay: Replay,
    kind: Kind[Any, Any],
    given: Arguments,
    step: Step,
    done: Sequence[Step],
    sources: Sources,
    recorded: Action | None,
) -> Resolved[Any]:
    """Resolve the call, or take the recorded action's parameters if the recording can't answer."""
    # Today's order already contains the run's own effect, which would then count against itself.
    if recorded is not None and replay.mode == Replay.Mode.LIVE:
        return KINDS.of(recorded).of(recorded)
    mendable = kind.once_a_run and not any(row.error_code == claims.INCOMPLETE for row in done)
    try:
        resolved: Resolved[Any] = kind.resolve(given, step.run.ticket, mendable=mendable, sources=sources)
        return resolved
    except NotRecorded:
        if recorded is None:
            raise
        return KINDS.of(recorded).of(recorded)


def _judge(
    replay: Replay,
    recording: Recording,
    step: Step,
    resolved: Resolved[Any],
    recorded: Action | None,
    *,
    further: bool,
    sources: Sources,
    sequence: int,
) -> tuple[dict[str, Any], EffectOutcome]:
    assert replay.policy_version is not None
    facts = _facts(replay, recording, step, resolved, recorded, further=further, sources=sources)
    verdict = verdict_on(facts, versions.policy_rules(replay.policy_version))
    decision = recording.decisions.get(recorded.pk) if recorded else None
    outcome = _outcome(verdict, recorded, decision)
    action = Action(
        ticket_id=recording.run.ticket_id,
        run_id=recording.run.pk,
        kind=resolved.kind.name,
        policy_version=replay.policy_version,
        sequence=sequence + 1,
        idempotency_key=f"{recording.run.ticket_id}:{resolved.kind.name}:{sequence + 1}",
        status=outcome.status,
        params=resolved.params.stored,
        order_id=resolved.order_id,
        amount=resolved.money.amount if resolved.money else None,
        currency=resolved.money.currency if resolved.money else "",
        reasons=[reason.model_dump(mode="json") for reason in verdict.reasons],
        facts=facts.stored(),
    )
    if recorded is not None and outcome.source == ReplayStep.Source.RECORDED and outcome.status != states.BLOCKED:
        # `recorded` is as proposed; a person may have edited it, and what was edited is what took effect.
        edited = next(row for row in recording.actions(recorded.kind) if row.pk == recorded.pk)
        for name in ("params", "amount", "error_code", "error_class", "error_message"):
            setattr(action, name, getattr(edited, name))
    output = redact.data(tools.action_result(action, outcome.decision, again=False))
    steps.finish_action(step, action.status, output, action.error_class)
    effect = _effect(action, verdict, replay.policy_version.pk, recorded=recorded.pk if recorded else None)
    return {**effect, "proposed": resolved.params.stored}, outcome


def _facts(
    replay: Replay,
    recording: Recording,
    step: Step,
    resolved: Resolved[Any],
    recorded: Action | None,
    *,
    further: bool,
    sources: Sources,
) -> verdicts.Facts:
    """Return the recorded facts for the same effect. A reply is judged on the effects of this replay instead."""
    if recorded is not None and not resolved.kind.once_a_run:
        return replace(recorded_facts(recorded), further=further)
    actions = [row for kind in KINDS for row in recording.actions(kind)]
    tags = next((recorded_facts(row).tags for row in actions if row.facts), None)
    at = None if replay.mode == Replay.Mode.LIVE else recording.run.started_at
    left = sources.left(resolved.reading) if resolved.reading else None
    resolved = replace(resolved, tags=tags, left=left)
    return gather_facts(resolved, step.run.ticket, further=further, sources=sources, at=at)


def _outcome(verdict: Verdict, recorded: Action | None, decision: Decision | None) -> EffectOutcome:
    """Return the recorded outcome if the same effect met the same kind of verdict, or an assumed one.

    An assumption lets the replay continue; the step is marked with it.
    """
    if verdict.outcome == Outcome.BLOCK:
        return EffectOutcome(states.BLOCKED, ReplayStep.Source.RECORDED, "The policy would block this.")
    person = verdict.outcome == Outcome.REQUIRE_APPROVAL
    settled = recorded is not None and recorded.status in states.SETTLED and recorded.status != states.BLOCKED
    if recorded is not None and settled and person == (recorded.verdict == Outcome.REQUIRE_APPROVAL):
        originally = f"{decision.by} {decision.get_verdict_display().lower()}" if decision else "same as before"
        note = f"Would need approval. Originally: {originally}." if person else "Would be auto-approved, as before."
        return EffectOutcome(recorded.status, ReplayStep.Source.RECORDED, note, decision)
    note = "Would need approval. Assumed approved." if person else "Would be auto-approved. Assumed done."
    return EffectOutcome(states.SUCCEEDED, ReplayStep.Source.ASSUMED, note)


def _effect(action: Action, verdict: Verdict, version: int, *, recorded: int | None) -> dict[str, Any]:
    return {
        **{name: getattr(action, name) for name in _FIELDS},
        "facts": {"further": bool(action.facts.get("further"))},
        "proposed": action.params,
        "verdict": verdict.outcome.value,
        "reasons": [reason.model_dump(mode="json") for reason in verdict.reasons],
        "policy_version": version,
        "recorded": recorded,
    }


def effects_so_far(replay: Replay, recording: Recording, done: Sequence[ReplayStep]) -> list[Action]:
    """Return the effects of the replay so far, as values."""
    return [
        Action(
            ticket_id=recording.run.ticket_id,
            run_id=recording.run.pk,
            policy_version=replay.policy_version,
            reasons=row.effect["reasons"],
            facts=row.effect["facts"],
            **{name: row.effect[name] for name in _FIELDS},
        )
        for row in done
        if row.effect and replay.mode != Replay.Mode.RECORDED
    ]
