"""Withdraw the agent's own proposals while no person has decided on them, because the customer no longer wants them."""

from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from approvals import locks, states, transitions
from approvals.audit import events
from approvals.effects import attempt_plan
from approvals.models import Action, ApprovalRequest


def withdraw(*, ticket_id: str, key: str, reason: str, run_number: int) -> Action:
    """Withdraw the ticket's action with this idempotency key, for good: it can never be approved or sent.

    Raises Refused unless the agent proposed it and it awaits a decision; the error lists what can be withdrawn.
    """
    with transaction.atomic():
        locks.lock_ticket(ticket_id)
        action = Action.objects.filter(ticket=ticket_id, idempotency_key=key).first()
        if action is None:
            raise _refused(ticket_id, "action_not_found", f"This ticket has no action {key}.")
        if action.run_id is None:
            raise _refused(ticket_id, "not_yours", f"{key} was not proposed by you.")
        request = ApprovalRequest.objects.select_for_update(of=("self",)).filter(action=action, closed_at=None).first()
        action.refresh_from_db()
        if request is None or action.status != states.AWAITING_APPROVAL:
            told = f"{key} no longer awaits a decision: it is {action.get_status_display().lower()}."
            raise _refused(ticket_id, "already_decided", told)
        if attempt_plan.may_have_happened(list(action.attempts.values_list("outcome", flat=True))):
            raise _refused(ticket_id, "already_sent", f"{key} may have been sent before, so a person decides on it.")
        ApprovalRequest.objects.filter(pk=request.pk).update(closed_at=Now())
        details = {"reason": reason, "run": run_number}
        transitions.move(action, states.WITHDRAWN, actor=events.AGENT, verb="action.withdrawn", details=details)
    return action


def _refused(ticket_id: str, code: str, message: str) -> Refused:
    undecided = Action.objects.filter(ticket=ticket_id, status=states.AWAITING_APPROVAL, run_id__isnull=False)
    return Refused(code, message, valid=list(undecided.order_by("pk").values_list("idempotency_key", flat=True)))
