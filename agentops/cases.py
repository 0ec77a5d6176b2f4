"""What a person does with a ticket as a whole."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.models import Run
from approvals import audit, states
from approvals.models import Action
from tickets.models import Ticket


def close_ticket(ticket_id: str, *, by: User) -> bool:
    """Closes what nothing is under way on; False where it was closed already. A further message of the customer opens
    it again. Raises Refused, and Ticket.DoesNotExist."""
    with transaction.atomic():
        # The lock that a new message takes too: it comes before this, and is seen here, or after, and opens it again.
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        if ticket.status == Ticket.Status.CLOSED:
            return False
        _require_nothing_under_way(ticket)
        before = {"status": ticket.status, "reason": ticket.reason}
        Ticket.objects.filter(pk=ticket.pk).update(status=Ticket.Status.CLOSED, reason="", updated_at=Now())
        audit.record(
            actor=by.get_username(),
            verb="ticket.closed",
            object_type="ticket",
            object_id=ticket.pk,
            before=before,
            after={"status": Ticket.Status.CLOSED.value, "reason": ""},
        )
    return True


def _require_nothing_under_way(ticket: Ticket) -> None:
    unsettled = Action.objects.filter(ticket=ticket).exclude(status__in=states.SETTLED).order_by("pk").first()
    if unsettled:
        what = f"{unsettled.get_kind_display()} {unsettled.idempotency_key}"
        raise Refused("under_way", f"{what} is not settled yet; decide or settle it, then close the ticket.")
    if Run.objects.filter(ticket=ticket, finished_at__isnull=True).exists():
        raise Refused("under_way", "The agent is still at work on this ticket; close it when it has finished.")
