"""Turn a resolved request into an action with a verdict: one key, one row, once (docs/design.md, 5.1 and 5.2).

The money path reads: kinds -> proposals -> decisions -> execution -> settlement -> lookup.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from approvals import kinds, locks, states, transitions
from approvals.audit import events
from approvals.effects import customers, duplicates, last_word, payload, reservations
from approvals.effects.facts import gather_facts, lock_sums
from approvals.effects.kinds import reply, verdict_on
from approvals.effects.kinds.base import Arguments, Kind, Resolved
from approvals.models import Action
from approvals.policy import versions
from approvals.policy.verdicts import Facts, Outcome
from tickets.models import Ticket

FOLLOWS = {
    Outcome.AUTO_APPROVE: (states.APPROVED, "action.auto_approved"),
    Outcome.REQUIRE_APPROVAL: (states.AWAITING_APPROVAL, "action.queued"),
    Outcome.BLOCK: (states.BLOCKED, "action.blocked"),
}


def resolve_arguments(
    kind: Kind[Any, Any], given: Arguments, ticket: Ticket, *, mendable: bool = False
) -> Resolved[Any]:
    """Resolve the arguments with Kind.resolve, and read the customer's tags if the rules in force need them. Raises the
    same errors as Kind.resolve."""
    resolved: Resolved[Any] = kind.resolve(given, ticket, mendable=mendable)
    if not versions.policy_rules(versions.current_policy()).autonomy.tags:
        return resolved
    return replace(resolved, tags=customers.read_tags(ticket, customer=resolved.customer, reading=resolved.reading))


def record_proposal(
    resolved: Resolved[Any],
    *,
    ticket_id: str,
    run_id: int | None,
    through_message: int | None = None,
    actor: str = events.AGENT,
) -> Action:
    """Return the action for this request: the existing one (an absorbed duplicate), or a new one with its verdict.

    `through_message` is the newest message that the proposer has read: by default, the ticket's newest. Raises Refused:
    `key_conflict` if the ticket already has a different action of this kind, `amount_exceeds_refundable` if the money
    was used in the meantime.
    """
    with transaction.atomic(savepoint=False):
        ticket = locks.lock_ticket(ticket_id)
        existing = list(Action.objects.filter(ticket=ticket, kind=resolved.kind.name).order_by("sequence"))
        twin, further = check_against(resolved, existing, run_id=run_id)
        if twin:
            return duplicates.absorb_duplicate(twin)
        resolved = _reserve(resolved, ticket)
        read = last_word.newest_message(ticket_id) if through_message is None else through_message
        written_since = last_word.customer_wrote_after(ticket_id, read)
        facts = gather_facts(
            resolved, ticket, further=further, by_agent=run_id is not None, written_since=written_since
        )
        return _propose(resolved, facts, ticket, run_id, existing, actor, read)


def check_against(
    resolved: Resolved[Any], existing: Sequence[Action], *, run_id: int | None
) -> tuple[Action | None, bool]:
    """Return the ticket's existing action with the same effect, if any, and whether the request is for a further
    effect. `existing` are the ticket's actions of this kind. Raises Refused("key_conflict")."""
    rivals = [row for row in existing if not resolved.kind.once_a_run or row.run_id == run_id]
    twins = _twins(resolved, rivals, run_id)
    twin = next((row for row in twins if kinds.same_effect(row.params, resolved.params.stored)), None)
    return (twin, False) if twin else (None, not resolved.fixed and _further(resolved, rivals))


def _twins(resolved: Resolved[Any], rivals: list[Action], run_id: int | None) -> list[Action]:
    """Return the candidates for deduplication. With `further`, only other further actions that may still take effect. A
    person's reply is not a duplicate if the earlier one failed, or if the customer has written since."""
    possible = [row for row in rivals if row.status not in states.WITHOUT_EFFECT]
    if resolved.kind.once_a_run and run_id is None:
        return [row for row in possible if not reply.written_since(row)]
    return [row for row in possible if row.facts.get("further")] if resolved.further else rivals


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
    amount = f" of {last.money}" if last.money else ""
    message = (
        f"This ticket already has a {kinds.noun(last.kind)}{amount} ({last.idempotency_key}, {last.status})"
        " with other parameters. A second, separate effect is proposed with further=true, and a person decides it."
    )
    existing = [{"key": row.idempotency_key, "status": row.status, "params": row.params} for row in rivals]
    raise Refused("key_conflict", message, existing=existing)


def _reserve(resolved: Resolved[Any], ticket: Ticket) -> Resolved[Any]:
    """Lock the order's money and check that enough is left. Raises Refused."""
    if resolved.order_id:
        reservations.lock_order(resolved.order_id)
    if resolved.money is None:
        return resolved
    lock_sums(resolved.money.currency, ticket.customer_id)
    resolved = resolved.with_left()
    resolved.require_left()
    return resolved


def _propose(
    resolved: Resolved[Any],
    facts: Facts,
    ticket: Ticket,
    run_id: int | None,
    existing: list[Action],
    actor: str,
    read: int,
) -> Action:
    """Write the action's row under its key, judged by the policy in force, and move it on as the verdict says."""
    version = versions.current_policy()
    rules = versions.policy_rules(version)
    verdict = verdict_on(facts, rules)
    reasons = [reason.model_dump(mode="json") for reason in verdict.reasons]
    sequence = existing[-1].sequence + 1 if existing else 1
    key = f"{ticket.pk}:{resolved.kind.name}:{sequence}"
    action = Action.objects.create(
        ticket=ticket,
        run_id=run_id,
        kind=resolved.kind.name,
        sequence=sequence,
        idempotency_key=key,
        **payload.freeze(resolved.kind, resolved.params, key=key, ticket=ticket),
        reason=resolved.params.stored["reason"],
        target=resolved.target[:254],
        order_id=resolved.order_id,
        snapshot=resolved.snapshot,
        through_message=read,
        policy_version=version,
        verdict=verdict.outcome,
        reasons=reasons,
        facts=facts.stored(),
    )
    proposed = {"params": action.params, "status": action.status}
    events.record_action_event(action, "action.proposed", actor=actor, after=proposed)
    to, verb = FOLLOWS[verdict.outcome]
    judge = events.SYSTEM if resolved.fixed else events.AGENT
    details = {"verdict": verdict.outcome, "reasons": reasons, "policy_version": version.pk}
    fields: dict[str, Any] = {"approved_at": Now()} if to == states.APPROVED else {}
    transitions.move(action, to, actor=judge, verb=verb, details=details, **fields)
    if to == states.AWAITING_APPROVAL:
        transitions.request_approval(action, hours=rules.approval_hours, snapshot=resolved.kind.to_ask(action, facts))
    return action
