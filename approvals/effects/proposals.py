"""Turn a resolved request into an action with a verdict: one key, one row, once (docs/design.md, 5.1 and 5.2).

The money path reads: kinds -> proposals -> decisions -> execution -> settlement -> lookup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
from approvals.effects.kinds import verdict_on
from approvals.effects.kinds.base import Arguments, Kind, Resolved
from approvals.models import Action
from approvals.policy import versions
from approvals.policy.rules import Outcome
from tickets.models import Message, Ticket


def resolve_arguments(
    kind: Kind[Any, Any], given: Arguments, ticket: Ticket, *, mendable: bool = False
) -> Resolved[Any]:
    """Resolve the arguments with Kind.resolve, and read the customer's tags if the rules in force need them. Raises the
    same errors as Kind.resolve."""
    resolved: Resolved[Any] = kind.resolve(given, ticket, mendable=mendable)
    if not versions.policy_rules(versions.current_policy()).autonomy.tags:
        return resolved
    return replace(resolved, tags=resolution.read_tags(ticket, customer=resolved.customer, reading=resolved.reading))


def record_proposal(
    resolved: Resolved[Any], *, ticket_id: str, run_id: int | None, actor: str = events.AGENT
) -> Action:
    """Return the action for this request: the existing one (an absorbed duplicate), or a new one with its verdict.

    Raises Refused: `key_conflict` if the ticket already has a different action of this kind,
    `amount_exceeds_refundable` if the money was used in the meantime.
    """
    with transaction.atomic(savepoint=False):
        ticket = locks.lock_ticket(ticket_id)
        existing = list(Action.objects.filter(ticket=ticket, kind=resolved.kind.name).order_by("sequence"))
        twin, further = check_against(resolved, existing, run_id=run_id)
        if twin:
            return absorb_duplicate(twin)
        resolved = _reserve(resolved, ticket)
        return _judge(_propose(resolved, ticket, run_id, existing, actor), resolved, ticket, further)


def check_against(
    resolved: Resolved[Any], existing: Sequence[Action], *, run_id: int | None
) -> tuple[Action | None, bool]:
    """Return the ticket's existing action with the same effect, if any, and whether the request is for a further
    effect. `existing` are the ticket's actions of this kind. Raises Refused("key_conflict")."""
    rivals = [row for row in existing if not resolved.kind.once_a_run or row.run_id == run_id]
    twins = _twins(resolved, rivals, run_id)
    twin = next((row for row in twins if kinds.same_effect(row.params, resolved.stored)), None)
    return (twin, False) if twin else (None, not resolved.fixed and _further(resolved, rivals))


def absorb_duplicate(twin: Action) -> Action:
    """Count a duplicate request that was answered with this action. Call it in the transaction of that request."""
    Action.objects.filter(pk=twin.pk).update(duplicates_absorbed=F("duplicates_absorbed") + 1)
    events.record_event(
        actor=events.AGENT,
        verb="action.duplicate_absorbed",
        object_type="action",
        object_id=twin.pk,
        after={"key": twin.idempotency_key, "kind": twin.kind},
    )
    return twin


def find_earlier(kind: Kind[Any, Any], given: Arguments, *, ticket_id: str) -> Action | None:
    """Return the ticket's action with identical arguments, if any. It is the answer even if the order would no longer
    allow a new one. A caller that returns it must call `absorb_duplicate`."""
    existing = Action.objects.filter(ticket=ticket_id, kind=kind.name).order_by("sequence")
    return find_identical(kind, given, existing)


def find_identical(kind: Kind[Any, Any], given: Arguments, existing: Iterable[Action]) -> Action | None:
    """Return the first of these actions whose parameters match all arguments that the model gave."""
    if kind.once_a_run or getattr(given, "further", False):
        return None
    asked = given.model_dump(mode="json", exclude={"reason", "further"}, exclude_none=True)
    made = (row for row in existing if all(_same(name, value, row.params.get(name)) for name, value in asked.items()))
    return next(made, None)


def _same(name: str, asked: Any, made: Any) -> bool:
    if name == "order_id":
        return str(asked).lstrip("#") == str(made).lstrip("#")
    return bool(asked == made)


def _twins(resolved: Resolved[Any], rivals: list[Action], run_id: int | None) -> list[Action]:
    """Return the candidates for deduplication. With `further`, only other further actions that may still take effect. A
    person's reply is not a duplicate if the earlier one failed, or if the customer has written since."""
    by_hand = resolved.kind.once_a_run and run_id is None
    if not (resolved.further or by_hand):
        return rivals
    possible = [row for row in rivals if row.status not in states.WITHOUT_EFFECT]
    if by_hand:
        return [row for row in possible if not _written_since(row)]
    return [row for row in possible if row.facts.get("further")]


def _written_since(reply: Action) -> bool:
    """Return whether the customer has written since this reply was delivered."""
    said = Message.objects.filter(ticket=reply.ticket_id)
    arrived = said.filter(direction=Message.Direction.OUTBOUND, external_id=reply.idempotency_key)
    since = said.filter(direction=Message.Direction.INBOUND, pk__gt=OuterRef("pk"))
    return arrived.filter(Exists(since)).exists()


def _further(resolved: Resolved[Any], rivals: list[Action]) -> bool:
    """Return whether this is a second effect, which the model must request explicitly. A reply may follow a rejected
    one, and people may send any number of replies. Raises Refused("key_conflict")."""
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
        f"This ticket already has a {kinds.noun(last.kind)}{amount} ({last.idempotency_key}, {last.status})"
        " with other parameters. A second, separate effect is proposed with further=true, and a person decides it.",
        existing=[{"key": row.idempotency_key, "status": row.status, "params": row.params} for row in rivals],
    )


def _reserve(resolved: Resolved[Any], ticket: Ticket) -> Resolved[Any]:
    """Lock the order's money and check that enough is left. Raises Refused."""
    if resolved.order_id:
        reservations.lock_order(resolved.order_id)
    if resolved.money is None:
        return resolved
    policy_facts.lock_sums(resolved.money.currency, ticket.customer_id)
    resolved = resolved.with_left()
    resolved.require_left()
    return resolved


def _propose(resolved: Resolved[Any], ticket: Ticket, run_id: int | None, existing: list[Action], actor: str) -> Action:
    sequence = existing[-1].sequence + 1 if existing else 1
    key = f"{ticket.pk}:{resolved.kind.name}:{sequence}"
    action = Action.objects.create(
        ticket=ticket,
        run_id=run_id,
        kind=resolved.kind.name,
        sequence=sequence,
        idempotency_key=key,
        **payload.freeze(resolved.kind, resolved.params, key=key, ticket=ticket),
        reason=resolved.stored["reason"],
        target=resolved.target[:254],
        order_id=resolved.order_id,
        amount=resolved.money.amount if resolved.money else None,
        currency=resolved.money.currency if resolved.money else "",
        snapshot=resolved.snapshot,
        policy_version=versions.current_policy(),
        verdict=Outcome.BLOCK,
    )
    events.record_event(
        actor=actor,
        verb="action.proposed",
        object_type="action",
        object_id=action.pk,
        after={"key": key, "params": action.params, "status": action.status},
    )
    return action


def _judge(action: Action, resolved: Resolved[Any], ticket: Ticket, further: bool) -> Action:
    version = action.policy_version
    rules = versions.policy_rules(version)
    facts = policy_facts.gather_facts(resolved, ticket, further=further, by_agent=action.run_id is not None)
    verdict = verdict_on(facts, rules)
    reasons = [reason.model_dump(mode="json") for reason in verdict.reasons]
    action.verdict, action.reasons, action.facts = verdict.outcome, reasons, facts.stored()
    fields: dict[str, Any] = {"verdict": verdict.outcome, "reasons": reasons, "facts": action.facts}
    to, verb = {
        Outcome.AUTO_APPROVE: (states.APPROVED, "action.auto_approved"),
        Outcome.REQUIRE_APPROVAL: (states.AWAITING_APPROVAL, "action.queued"),
        Outcome.BLOCK: (states.BLOCKED, "action.blocked"),
    }[verdict.outcome]
    if to == states.APPROVED:
        fields["approved_at"] = Now()
    actor = events.SYSTEM if resolved.fixed else events.AGENT
    details = {"verdict": verdict.outcome, "reasons": reasons, "policy_version": version.pk}
    transitions.move(action, to, actor=actor, verb=verb, details=details, **fields)
    if to == states.AWAITING_APPROVAL:
        transitions.request_approval(action, hours=rules.approval_hours, snapshot=resolved.kind.to_ask(action, facts))
    return action
