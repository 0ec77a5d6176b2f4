"""From a resolved request to an action with a verdict: one key, one row, once (docs/design.md, 5.1 and 5.2).

The money path reads: resolution -> proposals -> decisions -> execution -> reconcile.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.lib.money import display
from approvals import kinds, locks, states, transitions
from approvals.audit import events
from approvals.effects import facts as policy_facts
from approvals.effects import payload, reservations, resolution
from approvals.effects.resolution import Resolved
from approvals.models import Action
from approvals.policy import versions
from approvals.policy.rules import Facts, Outcome, evaluate
from tickets.models import Message, Ticket


def resolve(kind: kinds.Kind, arguments: Any, ticket: Ticket, *, mendable: bool = False) -> Resolved:
    """As resolution.resolve does, and raises; with the customer's tags where the rules in force ask for them."""
    resolved = resolution.resolve(kind, arguments, ticket, mendable=mendable)
    rules = versions.rules_of(versions.current())
    return resolution.with_tags(resolved, ticket) if rules.autonomy.tags else resolved


def record(resolved: Resolved, *, ticket_id: str, run_id: int | None, actor: str = events.AGENT) -> Action:
    """The action for this request: the one that exists already (an absorbed duplicate), or a new one, judged.

    Raises Refused: `key_conflict` where the ticket already has another action of this kind,
    `amount_exceeds_refundable` where others took the money in between.
    """
    with transaction.atomic(savepoint=False):
        ticket = locks.ticket(ticket_id)
        existing = list(Action.objects.filter(ticket=ticket, kind=resolved.kind.name).order_by("sequence"))
        twin, further = against(resolved, existing, run_id=run_id)
        if twin:
            return absorb(twin)
        return _judge(_propose(resolved, ticket, run_id, existing, actor), resolved, ticket, further)


def against(resolved: Resolved, existing: Sequence[Action], *, run_id: int | None) -> tuple[Action | None, bool]:
    """The one of the ticket's `existing` actions of this kind that has the same effect, if any, and whether this is a
    further effect beside theirs. Raises Refused("key_conflict")."""
    rivals = [row for row in existing if not resolved.kind.once_a_run or row.run_id == run_id]
    twins = _twins(resolved, rivals, run_id)
    twin = next((row for row in twins if kinds.same_effect(row.params, resolved.params)), None)
    return (twin, False) if twin else (None, not resolved.fixed and _further(resolved, rivals))


def absorb(twin: Action) -> Action:
    """Counts a duplicate that this action is the answer to. Call it in the transaction of what asked for it."""
    Action.objects.filter(pk=twin.pk).update(duplicates_absorbed=F("duplicates_absorbed") + 1)
    events.record(
        actor=events.AGENT,
        verb="action.duplicate_absorbed",
        object_type="action",
        object_id=twin.pk,
        after={"key": twin.idempotency_key, "kind": twin.kind},
    )
    return twin


def made_before(kind: kinds.Kind, arguments: Any, *, ticket_id: str) -> Action | None:
    """The ticket's action that this asks for again in the same words: it is the answer even where the order would no
    longer allow it. Whoever gives it as the answer lets it `absorb` the duplicate. Raises Refused."""
    existing = Action.objects.filter(ticket=ticket_id, kind=kind.name).order_by("sequence")
    return in_the_same_words(kind, arguments, existing)


def in_the_same_words(kind: kinds.Kind, arguments: Any, existing: Iterable[Action]) -> Action | None:
    """The first of these actions that the arguments ask for, as far as the model names it. Raises Refused."""
    given = kinds.parse(kind.arguments, arguments)
    if kind.once_a_run or getattr(given, "further", False):
        return None
    asked = given.model_dump(mode="json", exclude={"reason", "further"}, exclude_none=True)
    return next(
        (
            action
            for action in existing
            if all(_same(name, value, action.params.get(name)) for name, value in asked.items())
        ),
        None,
    )


def _same(name: str, asked: Any, made: Any) -> bool:
    if name == "order_id":
        return str(asked).lstrip("#") == str(made).lstrip("#")
    return bool(asked == made)


def _twins(resolved: Resolved, rivals: list[Action], run_id: int | None) -> list[Action]:
    """Which actions this may be the same as: a second effect that is asked for by name only another such one, and
    none that came to nothing. A person's words are said anew where they did not arrive, or the customer wrote since."""
    by_hand = resolved.kind.once_a_run and run_id is None
    if not (resolved.further or by_hand):
        return rivals
    possible = [row for row in rivals if row.status not in states.WITHOUT_EFFECT]
    if by_hand:
        return [row for row in possible if not _written_since(row)]
    return [row for row in possible if row.facts.get("further")]


def _written_since(reply: Action) -> bool:
    """Whether the customer has written since this reply arrived."""
    said = Message.objects.filter(ticket=reply.ticket_id)
    arrived = said.filter(direction=Message.Direction.OUTBOUND, external_id=reply.idempotency_key)
    since = said.filter(direction=Message.Direction.INBOUND, pk__gt=OuterRef("pk"))
    return arrived.filter(Exists(since)).exists()


def _further(resolved: Resolved, rivals: list[Action]) -> bool:
    """Whether this is a second effect, which the model must ask for by name. A reply may follow one that was
    rejected, and people may write as many as they like."""
    if not rivals:
        return False
    without_effect = all(row.status in states.WITHOUT_EFFECT for row in rivals)
    retriable = resolved.kind.once_a_run and (without_effect or rivals[0].run_id is None)
    if resolved.further or retriable:
        return True
    last = rivals[-1]
    amount = f" of {display(last.amount, last.currency)}" if last.amount is not None else ""
    raise Refused(
        "key_conflict",
        f"This ticket already has a {last.get_kind_display().lower()}{amount} ({last.idempotency_key}, {last.status})"
        " with other parameters. A second, separate effect is proposed with further=true, and a person decides it.",
        existing=[{"key": row.idempotency_key, "status": row.status, "params": row.params} for row in rivals],
    )


def _propose(resolved: Resolved, ticket: Ticket, run_id: int | None, existing: list[Action], actor: str) -> Action:
    sequence = existing[-1].sequence + 1 if existing else 1
    key = f"{ticket.pk}:{resolved.kind.name}:{sequence}"
    if resolved.order_id:
        reservations.lock(resolved.order_id)
        policy_facts.serialise(resolved.currency, ticket.customer_id)
        _still_left(resolved)
    action = Action.objects.create(
        ticket=ticket,
        run_id=run_id,
        kind=resolved.kind.name,
        sequence=sequence,
        idempotency_key=key,
        **payload.freeze(resolved.kind, resolved.params, key=key, ticket=ticket),
        reason=resolved.params["reason"],
        target=resolved.target[:254],
        order_id=resolved.order_id,
        amount=resolved.amount,
        currency=resolved.currency,
        snapshot=resolution.snapshot(resolved),
        policy_version=versions.current(),
        verdict=Outcome.BLOCK,
    )
    events.record(
        actor=actor,
        verb="action.proposed",
        object_type="action",
        object_id=action.pk,
        after={"key": key, "params": resolved.params, "status": action.status},
    )
    return action


def _still_left(resolved: Resolved) -> None:
    assert resolved.reading is not None
    assert resolved.amount is not None
    left = reservations.left(resolved.reading, payment_id=resolved.params.get("payment_id"))
    left = min(left, reservations.left(resolved.reading))
    if resolved.amount > left:
        shown = display(left, resolved.currency)
        message = f"Only {shown} of order {resolved.order_id} can still be refunded."
        raise Refused("amount_exceeds_refundable", message, refundable=left, currency=resolved.currency)


def _judge(action: Action, resolved: Resolved, ticket: Ticket, further: bool) -> Action:
    left = reservations.left(resolved.reading, without=action.pk) if resolved.reading else None
    facts = policy_facts.of(resolved, ticket, left=left, further=further, by_agent=action.run_id is not None)
    version = action.policy_version
    rules = versions.rules_of(version)
    verdict = evaluate(rules, facts)
    judged: dict[str, Any] = {
        "verdict": verdict.outcome,
        "reasons": [reason.model_dump(mode="json") for reason in verdict.reasons],
        "facts": asdict(facts),
    }
    actor = events.SYSTEM if resolved.fixed else events.AGENT
    told = {"verdict": verdict.outcome, "reasons": judged["reasons"], "policy_version": version.pk}
    for name, value in judged.items():
        setattr(action, name, value)
    match verdict.outcome:
        case Outcome.AUTO_APPROVE:
            transitions.move(action, states.APPROVED, actor=actor, verb="action.auto_approved", told=told,
                             approved_at=Now(), **judged)  # fmt: skip
        case Outcome.REQUIRE_APPROVAL:
            transitions.move(action, states.AWAITING_APPROVAL, actor=actor, verb="action.queued", told=told,
                             **judged)  # fmt: skip
            transitions.ask(action, hours=rules.approval_hours, snapshot=_shown(action, facts))
        case Outcome.BLOCK:
            transitions.move(action, states.BLOCKED, actor=actor, verb="action.blocked", told=told, **judged)
    return action


def _shown(action: Action, facts: Facts) -> dict[str, Any]:
    return {"ungrounded": list(facts.ungrounded)} if action.kind == "reply" else action.snapshot
