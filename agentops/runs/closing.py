"""Actions of a person on a whole ticket: close it, assign it, run the agent again."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.models import Run
from agentops.runs import cancellation, leasing, signals
from approvals import states
from approvals.audit import events
from approvals.effects.kinds import KINDS
from approvals.models import Action
from approvals.ticket_status import move_ticket
from tickets.models import Message, Ticket


def close_ticket(ticket_id: str, *, by: User) -> bool:
    """Close a ticket on which no work is in progress. Returns False if it was closed already.

    Runs on hold are cancelled, along with the runs queued behind them. A new message of the customer reopens the
    ticket. Raises Refused, and Ticket.DoesNotExist.
    """
    with transaction.atomic():
        held = cancellation.lock_held_runs(ticket_id)
        # New messages take this lock too: a message comes either before it, and is seen here, or after it, and reopens
        # the ticket.
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        if ticket.status == Ticket.Status.CLOSED:
            return False
        for run in held:
            cancellation.cancel_run(run, by=by.get_username(), reason="The ticket was closed.")
        _require_nothing_under_way(ticket)
        move_ticket(ticket.pk, Ticket.Status.CLOSED.value, actor=by.get_username())
    return True


def assign_ticket(ticket_id: str, *, by: User) -> None:
    """Assign a ticket that needs a person to `by`, taking it over from anyone else.

    Raises Refused if it no longer needs a person.
    """
    _set_claim(ticket_id, by, by)


def unassign_ticket(ticket_id: str, *, by: User) -> None:
    _set_claim(ticket_id, by, None)


def run_again(ticket_id: str, *, by: User) -> Run:
    """Queue a new run on the customer's last message.

    Effects keep their keys, so nothing is done twice. Raises Refused while work is in progress, and
    Ticket.DoesNotExist.
    """
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        if ticket.status != Ticket.Status.NEEDS_PERSON:
            raise Refused("not_with_person", f"The ticket no longer needs a person: it is {_standing(ticket)}.")
        _require_nothing_under_way(ticket)
        message = Message.objects.filter(ticket=ticket, direction=Message.Direction.INBOUND).latest("pk")
        run = leasing.queue_run(message, actor=by.get_username())
        events.record_event(
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
        events.record_event(actor=by.get_username(), verb=verb, object_type="ticket", object_id=ticket_id)


def _standing(ticket: Ticket) -> str:
    return ticket.get_status_display().lower()


def work_in_progress(ticket: Ticket) -> str:
    """Return what must end before the ticket can be closed or run again, as a sentence; empty if nothing.

    Acknowledgements don't count: they aren't sent once the ticket no longer needs a person.
    """
    unsettled = Action.objects.filter(ticket=ticket).exclude(status__in=states.SETTLED).order_by("pk")
    waiting = next((action for action in unsettled if not action.facts.get("fixed")), None)
    if waiting:
        what = f"{KINDS.label(waiting.kind)} {waiting.idempotency_key}"
        return f"{what} is still open. Decide it or confirm its outcome first."
    if Run.objects.filter(ticket=ticket, finished_at__isnull=True).exists():
        return "The agent is still working on this ticket or waiting to continue."
    return ""


def waits_for_budget(ticket: Ticket) -> bool:
    """Return whether a run waits for a budget, a price or a model. Closing the ticket ends it."""
    return Run.objects.filter(ticket=ticket, status=Run.Status.WAITING, hold__isnull=False).exists()


def _require_nothing_under_way(ticket: Ticket) -> None:
    if problem := work_in_progress(ticket):
        raise Refused("under_way", problem)
