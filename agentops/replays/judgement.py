"""Compare a replay with its run, and judge differences as better or worse by what people decided originally.

A recorded replay must equal its recording word for word. A live model words everything differently, so other modes are
compared by effect: proposals, verdicts, the reply's claims and the outcome.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentops.lib.money import display
from agentops.models import Replay, ReplayStep, Step
from agentops.replays import alignment
from agentops.replays.alignment import AlignedRow, Side
from agentops.replays.recording import Recording
from agentops.runs import turn
from approvals import kinds
from approvals.effects.kinds import KINDS
from approvals.models import Action, Decision
from approvals.policy.verdicts import Outcome

ALONE, PERSON, BLOCKED = Outcome.AUTO_APPROVE.value, Outcome.REQUIRE_APPROVAL.value, Outcome.BLOCK.value
# A person's original decision -> the replay's verdict on the same effect -> the result. Anything else is "different".
BY_VERDICT = {
    Decision.Verdict.APPROVE: {ALONE: "better", BLOCKED: "worse"},
    Decision.Verdict.REJECT: {ALONE: "worse", BLOCKED: "better"},
    Decision.Verdict.EDIT: {ALONE: "worse", BLOCKED: "different"},
}
_THEN = {ALONE: "was auto-approved", PERSON: "needed approval", BLOCKED: "was blocked"}
_NOW = {ALONE: "would be auto-approved", PERSON: "would need approval", BLOCKED: "would be blocked"}


@dataclass(frozen=True)
class ReplayFinding:
    """A difference: its `code`, its `result` (different, better or worse), and `what` differs, as a sentence."""

    code: str
    result: str
    what: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def rows(recording: Recording, saved: Sequence[ReplayStep]) -> list[AlignedRow]:
    """Return the steps of both runs, aligned."""
    return alignment.align([_then(step) for step in recording.steps], [_now(step) for step in saved])


def judge(replay: Replay, recording: Recording, saved: Sequence[ReplayStep]) -> tuple[str, list[ReplayFinding]]:
    """Return the result (a Replay.Result value) and the findings behind it."""
    if replay.mode == Replay.Mode.RECORDED:
        findings = list(_word_for_word(rows(recording, saved)))
    else:
        findings = list(_by_effects(recording, saved))
    run = recording.run
    if replay.outcome != run.outcome:
        findings.append(ReplayFinding("outcome", "different", f"Outcome: {_end(replay)}, originally {_end(run)}."))
    elif replay.mode == Replay.Mode.RECORDED and replay.reason != run.reason:
        findings.append(ReplayFinding("reason", "different", f"Reason: “{replay.reason}”, originally “{run.reason}”."))
    results = {finding.result for finding in findings}
    worst_first = (Replay.Result.WORSE, Replay.Result.BETTER, Replay.Result.DIFFERENT)
    return next((each.value for each in worst_first if each.value in results), Replay.Result.SAME.value), findings


def _word_for_word(aligned: Sequence[AlignedRow]) -> Any:
    for row in aligned:
        if row.now is None and row.then is not None:
            yield ReplayFinding("step", "different", f"Step {row.then.index} ({row.then.name}) is missing.")
        elif row.then is None and row.now is not None:
            yield ReplayFinding("step", "different", f"Step {row.now.index} ({row.now.name}) is new.")
        elif row.then is not None and row.now is not None:
            # Runs from before triage messages were recorded have nothing to compare them with.
            differs = [name for name in row.differs if name != "messages" or row.then.values["messages"]]
            differs += ["status"] if row.then.status != row.now.status else []
            if differs:
                what = ", ".join(alignment.LABELS.get(name, name).lower() for name in differs)
                yield ReplayFinding("step", "different", f"Step {row.then.index} ({row.then.name}) differs: {what}.")


def _by_effects(recording: Recording, saved: Sequence[ReplayStep]) -> Any:
    left = [step for step in saved if step.effect]
    actions = [row for kind in KINDS for row in recording.actions(kind)]
    proposed = {action.pk: recording.as_proposed(action).params for action in actions}
    taken: dict[int, ReplayStep] = {}
    # Match equal effects first: otherwise an action could take the step that equals a later action.
    for fits in (_same_effect, _same_kind):
        # Match the last reply first, because it is the one that the customer received.
        for action in sorted(actions, key=_replies_last):
            if action.pk not in taken and (found := fits(left, action, proposed[action.pk])):
                taken[action.pk] = found
                left.remove(found)
    for action in actions:
        decision = recording.decisions.get(action.pk)
        if action.pk in taken:
            yield from _changed(action, decision, proposed[action.pk], taken[action.pk])
        else:
            yield _missing(action, decision)
    for step in left:
        effect = step.effect or {}
        yield ReplayFinding(
            "new", "different", f"{_named(effect['kind'], effect)} is new and {_NOW[effect['verdict']]}."
        )


def _is_reply(action: Action) -> bool:
    """Whether the action is the run's reply, which each replay words differently."""
    return KINDS.of(action).once_a_run


def _replies_last(action: Action) -> tuple[bool, int]:
    return (True, -action.pk) if _is_reply(action) else (False, 0)


def _same_effect(left: Sequence[ReplayStep], action: Action, proposed: dict[str, Any]) -> ReplayStep | None:
    """Return the step with the action's effect, as proposed or as a person edited it. Replies never match."""
    of_kind = [(step, step.effect["proposed"]) for step in left if step.effect and step.effect["kind"] == action.kind]
    if _is_reply(action):
        return None
    same = (step for params in (proposed, action.params) for step, now in of_kind if kinds.same_effect(now, params))
    return next(same, None)


def _same_kind(left: Sequence[ReplayStep], action: Action, _: dict[str, Any]) -> ReplayStep | None:
    of_kind = [step for step in left if step.effect and step.effect["kind"] == action.kind]
    return next(iter(of_kind[::-1] if _is_reply(action) else of_kind), None)


def _changed(action: Action, decision: Decision | None, proposed: dict[str, Any], step: ReplayStep) -> Any:
    effect = step.effect or {}
    decided = decision.verdict if decision else None
    name = _named(action.kind, {"amount": action.amount, "currency": action.currency, "order_id": action.order_id})
    decision_applies = True
    if _is_reply(action):
        other = _claims(effect["proposed"]) != _claims(proposed)
        refused = decided in (Decision.Verdict.REJECT, Decision.Verdict.EDIT)
        # People may have refused the wording, so their decision says nothing about a reply in other words.
        decision_applies = not other and (not refused or effect["proposed"].get("text") == proposed.get("text"))
        if other:
            result = "better" if refused and effect["verdict"] != BLOCKED else "different"
            yield ReplayFinding("claims", result, f"The reply makes different claims ({_decided(decision)}).")
    elif not kinds.same_effect(effect["proposed"], proposed):
        as_edited = decided == Decision.Verdict.EDIT and kinds.same_effect(effect["proposed"], action.params)
        # A person may well approve another refund than the one rejected, so only one without approval is worse.
        if decided == Decision.Verdict.REJECT:
            result = BY_VERDICT[Decision.Verdict.REJECT].get(effect["verdict"], "different")
        else:
            better = as_edited and effect["verdict"] != BLOCKED
            result = "better" if better else _worse_if_approved(decision)
        how = "as the person had edited it" if as_edited else f"with other parameters ({_decided(decision)})"
        yield ReplayFinding("params", result, f"{name} is proposed {how}.")
        return
    if effect["verdict"] != action.verdict:
        by_person = BY_VERDICT.get(Decision.Verdict(decided), {}) if decided and decision_applies else {}
        result = by_person.get(effect["verdict"], "different")
        then, now = _THEN[action.verdict], _NOW[effect["verdict"]]
        yield ReplayFinding("verdict", result, f"{name} {now}. Originally it {then} ({_decided(decision)}).")


def _missing(action: Action, decision: Decision | None) -> ReplayFinding:
    rejected = decision is not None and decision.verdict == Decision.Verdict.REJECT
    result = "better" if rejected else _worse_if_approved(decision)
    given = {"amount": action.amount, "currency": action.currency, "order_id": action.order_id}
    return ReplayFinding("missing", result, f"{_named(action.kind, given)} is not proposed ({_decided(decision)}).")


def _worse_if_approved(decision: Decision | None) -> str:
    return "worse" if decision and decision.verdict == Decision.Verdict.APPROVE else "different"


def _claims(params: dict[str, Any]) -> list[str]:
    return sorted(
        kinds.canonical({name: claim.get(name) for name in ("kind", "order_id", "amount", "currency")})
        for claim in params.get("claims", [])
    )


def _decided(decision: Decision | None) -> str:
    return f"{decision.get_verdict_display().lower()} by {decision.by}" if decision else "no decision by a person"


def _named(kind: str, effect: dict[str, Any]) -> str:
    label = KINDS.label(kind)
    amount = f" of {display(effect['amount'], effect['currency'])}" if effect.get("amount") is not None else ""
    return f"{label}{amount}{' for ' + effect['order_id'] if effect.get('order_id') else ''}"


def _end(row: Any) -> str:
    return row.get_outcome_display().lower() if row.outcome else "no outcome"


def _then(step: Step) -> Side:
    action = step.action
    # An absorbed duplicate has the first proposal's verdict, and a replay judges an effect once as well.
    own = action is not None and step.status in (turn.DONE, turn.FAILED, turn.WAITING)
    verdict = {"verdict": action.verdict, "reasons": action.reasons} if own and action is not None else None
    return alignment.side(step, verdict=verdict)


def _now(step: ReplayStep) -> Side:
    return alignment.side(step, verdict=step.effect, source=step.source, note=step.note)
