"""Send an approved action back to the approval queue before anything was sent, because the order or customer has
changed or the customer has written (docs/design.md, 5.8)."""

from typing import Any

from django.db.models import Q

from approvals import states, ticket_status, transitions
from approvals.audit import events
from approvals.effects import attempt_plan, last_word, settlement
from approvals.models import Action
from approvals.policy import versions
from tickets import states as tickets


def overtaken_by_message(action: Action) -> bool:
    """Return whether the customer has written since the approval, and nothing can have been sent yet. What may have
    been sent is looked up first."""
    if action.status != states.APPROVED or not last_word.overtaken(action):
        return False
    return not attempt_plan.may_have_happened(list(action.attempts.values_list("outcome", flat=True)))


def return_to_queue(action: Action, *, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """Return an action to the approval queue, because its order or customer changed before anything was sent."""
    settlement.finish_attempt(action, "changed")
    settlement.close(action, states.AWAITING_APPROVAL, "action.changed", {"changes": changes}, approved_at=None)
    _ask_again(action, snapshot=snapshot, changes=changes)


def return_for_message(action: Action) -> None:
    """Return an approved action to the queue, because the customer has written since and nothing has been sent. Call it
    in the transaction that would have claimed the action, which holds the ticket's lock."""
    details = {"read_through_message": action.through_message}
    fields = {"approved_at": None, "not_before": None}
    transitions.move(
        action, states.AWAITING_APPROVAL, actor=events.SYSTEM, verb="action.customer_wrote", details=details, **fields
    )
    _ask_again(action, snapshot=action.snapshot, changes=[])


def _ask_again(action: Action, *, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """Open another request, and show on the ticket that it waits for a decision unless it is with a person already."""
    hours = versions.policy_rules(versions.current_policy()).approval_hours
    transitions.request_approval(action, hours=hours, snapshot=snapshot, changes=changes)
    free = ~Q(status=tickets.NEEDS_PERSON)
    ticket_status.move_ticket(action.ticket_id, tickets.AWAITING_APPROVAL, actor=events.SYSTEM, only_if=free)
