"""What a side-effecting call of a replay would have been: the policy's verdict, and what is taken to have become of
it. Nothing is proposed, sent or stored: the actions here are values that are never saved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentops.lib import redact
from agentops.models import Replay, ReplayStep, Step
from agentops.replays.recording import NotRecorded, Recording
from agentops.runs import steps, tools
from approvals import kinds, states
from approvals.effects import facts as policy_facts
from approvals.effects import proposals
from approvals.effects.kinds import KINDS, verdict_on
from approvals.effects.kinds.base import Arguments, Kind, Resolved
from approvals.effects.resolution import Sources
from approvals.grounding import claims
from approvals.models import Action, Decision
from approvals.policy import rules, versions
from approvals.policy.rules import Outcome, Verdict

_FIELDS = ("kind", "params", "idempotency_key", "order_id", "amount", "currency", "status", "sequence")


@dataclass(frozen=True)
class EffectOutcome:
    """How an effect ends in a replay, and why that is so."""

    status: str
    source: ReplayStep.Source
    note: str
    decision: Decision | None = None


def repeat_recorded(recording: Recording, step: Step, then: Step) -> dict[str, Any]:
    """The same call as it was: judged again by the rules and facts of then, and told of again."""
    action = then.action
    assert action is not None
    verdict = verdict_on(policy_facts.recorded_facts(action), versions.policy_rules(action.policy_version))
    again = action.run_id != recording.run.pk or any(
        row.action_id == action.pk for row in recording.steps if row.index < then.index
    )
    output = redact.data(tools.action_result(action, tools.decision_on(action), again=again))
    told = then.output or {}
    status = str(told["action"]["status"])
    # Where it has gone on since, the model was told of then.
    steps.finish_action(step, status, output if status == action.status else told, action.error_class)
    return _effect(action, verdict, action.policy_version_id, recorded=action.pk)


def judge_effect(
    replay: Replay, recording: Recording, step: Step, done: Sequence[Step], made: Sequence[Action]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    """Judges the call by the replay's rules and says what becomes of it; the step is told so. The effect is None for
    one that was made before in this replay. Raises Refused, NotRecorded and, in a live one, ProviderError."""
    kind = KINDS.by_tool(step.name)
    assert kind is not None
    given = kind.parse(steps.arguments(step))
    existing = [row for row in [*recording.earlier, *made] if row.kind == kind.name]
    twin = proposals.find_identical(kind, given, existing)
    sources = (recording.live if replay.mode == Replay.Mode.LIVE else recording.sources)(lambda: made)
    recorded = [recording.as_proposed(row) for row in recording.actions(kind.name)]
    then = proposals.find_identical(kind, given, recorded)
    further = False
    resolved = None
    if twin is None:
        resolved = _resolved(replay, kind, given, step, done, sources, then)
        twin, further = proposals.check_against(resolved, existing, run_id=recording.run.pk)
    if twin is not None or resolved is None:
        assert twin is not None
        same = (row for row in recording.actions(kind.name) if kinds.same_effect(row.params, twin.params))
        before = twin if twin.pk else next(same, None)
        decision = tools.decision_on(before) if before else None
        output = redact.data(tools.action_result(twin, decision, again=True))
        steps.finish_action(step, twin.status, output, twin.error_class)
        return None, EffectOutcome(twin.status, ReplayStep.Source.RECORDED, "Same as the earlier proposal.")
    then = then or next((row for row in recorded if kinds.same_effect(row.params, resolved.stored)), None)
    return _judged(replay, recording, step, resolved, then, further=further, sources=sources, sequence=len(existing))


def _resolved(
    replay: Replay,
    kind: Kind[Any, Any],
    given: Arguments,
    step: Step,
    done: Sequence[Step],
    sources: Sources,
    then: Action | None,
) -> Resolved[Any]:
    """An effect that the run had too is known. Live, its order has it by now: it is not held against it again."""
    if then is not None and replay.mode == Replay.Mode.LIVE:
        return KINDS.of(then).of(then)
    mendable = kind.once_a_run and not any(row.error_code == claims.INCOMPLETE for row in done)
    try:
        resolved: Resolved[Any] = kind.resolve(given, step.run.ticket, mendable=mendable, sources=sources)
        return resolved
    except NotRecorded:
        if then is None:
            raise
        return KINDS.of(then).of(then)


def _judged(
    replay: Replay,
    recording: Recording,
    step: Step,
    resolved: Resolved[Any],
    then: Action | None,
    *,
    further: bool,
    sources: Sources,
    sequence: int,
) -> tuple[dict[str, Any], EffectOutcome]:
    assert replay.policy_version is not None
    facts = _facts(replay, recording, step, resolved, then, further=further, sources=sources)
    verdict = verdict_on(facts, versions.policy_rules(replay.policy_version))
    decision = recording.decisions.get(then.pk) if then else None
    became = _became(verdict, then, decision)
    action = Action(
        ticket_id=recording.run.ticket_id,
        run_id=recording.run.pk,
        kind=resolved.kind.name,
        sequence=sequence + 1,
        idempotency_key=f"{recording.run.ticket_id}:{resolved.kind.name}:{sequence + 1}",
        status=became.status,
        params=resolved.stored,
        order_id=resolved.order_id,
        amount=resolved.money.amount if resolved.money else None,
        currency=resolved.money.currency if resolved.money else "",
        reasons=[reason.model_dump(mode="json") for reason in verdict.reasons],
        facts=facts.stored(),
    )
    if then is not None and became.source == ReplayStep.Source.RECORDED and became.status != states.BLOCKED:
        ended = next(row for row in recording.actions(then.kind) if row.pk == then.pk)  # as a person made it
        for name in ("params", "amount", "error_code", "error_class", "error_message"):
            setattr(action, name, getattr(ended, name))
    output = redact.data(tools.action_result(action, became.decision, again=False))
    steps.finish_action(step, action.status, output, action.error_class)
    effect = _effect(action, verdict, replay.policy_version.pk, recorded=then.pk if then else None)
    return {**effect, "proposed": resolved.stored}, became


def _facts(
    replay: Replay,
    recording: Recording,
    step: Step,
    resolved: Resolved[Any],
    then: Action | None,
    *,
    further: bool,
    sources: Sources,
) -> rules.Facts:
    """Those of then for the same effect; a reply is held against what has happened in this replay."""
    if then is not None and not resolved.kind.once_a_run:
        return replace(policy_facts.recorded_facts(then), further=further)
    known = [row for kind in KINDS for row in recording.actions(kind)]
    tags = next((policy_facts.recorded_facts(row).tags for row in known if row.facts), None)
    at = None if replay.mode == Replay.Mode.LIVE else recording.run.started_at
    left = sources.left(resolved.reading) if resolved.reading else None
    resolved = replace(resolved, tags=tags, left=left)
    return policy_facts.gather_facts(resolved, step.run.ticket, further=further, sources=sources, at=at)


def _became(verdict: Verdict, then: Action | None, decision: Decision | None) -> EffectOutcome:
    """What happened then, where that is what would happen; else what is assumed, so that the replay can go on."""
    if verdict.outcome == Outcome.BLOCK:
        return EffectOutcome(states.BLOCKED, ReplayStep.Source.RECORDED, "The policy would block this.")
    person = verdict.outcome == Outcome.REQUIRE_APPROVAL
    settled = then is not None and then.status in states.SETTLED and then.status != states.BLOCKED
    if then is not None and settled and person == (then.verdict == Outcome.REQUIRE_APPROVAL):
        who = f"{decision.by} {decision.get_verdict_display().lower()}" if decision else "same as before"
        note = f"Would need approval. Originally: {who}." if person else "Would be auto-approved, as before."
        return EffectOutcome(then.status, ReplayStep.Source.RECORDED, note, decision)
    said = "Would need approval. Assumed approved." if person else "Would be auto-approved. Assumed done."
    return EffectOutcome(states.SUCCEEDED, ReplayStep.Source.ASSUMED, said)


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
    """The effects of the replay so far, as values."""
    return [
        Action(
            ticket_id=recording.run.ticket_id,
            run_id=recording.run.pk,
            reasons=row.effect["reasons"],
            facts=row.effect["facts"],
            **{name: row.effect[name] for name in _FIELDS},
        )
        for row in done
        if row.effect and replay.mode != Replay.Mode.RECORDED
    ]
