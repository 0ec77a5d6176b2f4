"""What a person does with a ticket as a whole."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.models import Run
from agentops.runs import cancellation, leasing, signals
from approvals import states
from approvals.audit import events
from approvals.models import Action
from approvals.ticket_status import move_ticket
from tickets.models import Message, Ticket


def close_ticket(ticket_id: str, *, by: User) -> bool:
    """Closes what nothing is under way on; False where it was closed already. A further message of the customer opens
    it again. A run that waits for a budget is cancelled, and what is queued behind it. Raises Refused, and
    Ticket.DoesNotExist."""
    with transaction.atomic():
        held = cancellation.lock(ticket_id)
        # The lock that a new message takes too: it comes before this, and is seen here, or after, and opens it again.
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        if ticket.status == Ticket.Status.CLOSED:
            return False
        for run in held:
            cancellation.cancel(run, by=by.get_username(), reason="The ticket was closed.")
        _require_nothing_under_way(ticket)
        move_ticket(ticket.pk, Ticket.Status.CLOSED.value, actor=by.get_username())
    return True


def claim_ticket(ticket_id: str, *, by: User) -> None:
    """Tells colleagues who has taken a ticket that needs a person; claiming what another holds takes it over. Raises
    Refused where it needs none any more."""
    _set_claim(ticket_id, by, by)


def release_ticket(ticket_id: str, *, by: User) -> None:
    _set_claim(ticket_id, by, None)


def run_again(ticket_id: str, *, by: User) -> Run:
    """A new run of the agent on what the customer wrote last. Effects keep their keys: what was done is not done
    again. Raises Refused while anything is under way, and Ticket.DoesNotExist."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        if ticket.status != Ticket.Status.NEEDS_PERSON:
            raise Refused("not_with_person", f"The ticket no longer needs a person: it is {_standing(ticket)}.")
        _require_nothing_under_way(ticket)
        message = Message.objects.filter(ticket=ticket, direction=Message.Direction.INBOUND).latest("pk")
        run = leasing.queue_run(message, actor=by.get_username())
        events.record(
            actor=by.get_username(),
            verb="ticket.run_again",
            object_type="ticket",
            object_id=ticket.pk,
            before={"status": ticket.status, "reason": ticket.reason},
            after={"run": run.number, "message": message.pk},
        )
        transaction.on_commit(lambda: signals.run_queued.send(sender=Run, run_id=run.pk), robust=True)
    return run


def _set_claim(ticket_id: str, by: User, holder: User | None) -> None:
    with_person = Ticket.objects.filter(pk=ticket_id, status=Ticket.Status.NEEDS_PERSON)
    with transaction.atomic():
        if not with_person.update(claimed_by=holder, claimed_at=Now() if holder else None):
            ticket = Ticket.objects.get(pk=ticket_id)
            raise Refused("not_with_person", f"The ticket no longer needs a person: it is {_standing(ticket)}.")
        verb = "ticket.claimed" if holder else "ticket.released"
        events.record(actor=by.get_username(), verb=verb, object_type="ticket", object_id=ticket_id)


def _standing(ticket: Ticket) -> str:
    return ticket.get_status_display().lower()


def under_way(ticket: Ticket) -> str:
    """What has to come to its end before the ticket can be closed or run again, in a sentence; empty where nothing.
    An acknowledgement is none: where the ticket needs no person any more it is not sent."""
    unsettled = Action.objects.filter(ticket=ticket).exclude(status__in=states.SETTLED).order_by("pk")
    waiting = next((action for action in unsettled if not action.facts.get("fixed")), None)
    if waiting:
        what = f"{waiting.get_kind_display()} {waiting.idempotency_key}"
        return f"{what} is still open. Decide it or confirm its outcome first."
    if Run.objects.filter(ticket=ticket, finished_at__isnull=True).exists():
        return "The agent is still working on this ticket or waiting to continue."
    return ""


def waits_for_budget(ticket: Ticket) -> bool:
    """Whether a run waits for room in a budget, or for a price: closing the ticket ends it."""
    return Run.objects.filter(ticket=ticket, status=Run.Status.WAITING, hold__isnull=False).exists()


def _require_nothing_under_way(ticket: Ticket) -> None:
    if told := under_way(ticket):
        raise Refused("under_way", told)
