"""Find tickets that nobody would ever see again (docs/design.md, 5.10): nothing is under way on them, they are neither
answered nor closed, and no person was told. There must be none; a ticket found here goes to a person and is logged.
"""

import logging

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from agentops.models import Run
from approvals import states, ticket_status
from approvals.audit import events
from approvals.models import Action, ApprovalRequest
from tickets.models import Ticket
from tickets.queries import IN_PROGRESS

log = logging.getLogger(__name__)
AT_ONCE = 100
REASON = "Work on this ticket stopped without anyone being told."
UNDECIDABLE = "{} awaits a decision, but no request is in the queue."


def forgotten() -> QuerySet[Ticket]:
    """On their way by their status, with no run that goes on and no action that is still to be settled."""
    run = Run.objects.filter(ticket=OuterRef("pk"), status__in=("queued", "running", "waiting"))
    action = Action.objects.filter(ticket=OuterRef("pk")).exclude(status__in=states.SETTLED)
    return Ticket.objects.filter(~Exists(run), ~Exists(action), status__in=IN_PROGRESS)


def undecidable() -> QuerySet[Action]:
    """Actions that wait for people who are not asked, on tickets that no person has been given."""
    asked = ApprovalRequest.objects.filter(action=OuterRef("pk"), closed_at__isnull=True)
    stuck = Q(status=states.PROPOSED) | (Q(status=states.AWAITING_APPROVAL) & ~Exists(asked))
    return Action.objects.filter(stuck).exclude(ticket__status=Ticket.Status.NEEDS_PERSON)


def hand_over() -> int:
    """Gives what it finds to people; how many tickets that were. Safe in several copies."""
    found = dict.fromkeys(forgotten().order_by("pk").values_list("pk", flat=True)[:AT_ONCE], REASON)
    stuck = undecidable().order_by("pk").values_list("ticket_id", "idempotency_key")
    found |= {ticket_id: UNDECIDABLE.format(key) for ticket_id, key in stuck[:AT_ONCE]}
    return sum(_given(ticket_id, reason) for ticket_id, reason in found.items())


def _given(ticket_id: str, reason: str) -> bool:
    try:
        return _give(ticket_id, reason)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the next look finds them all again
    except Exception:  # one that cannot be given must not hide the others
        log.exception("ticket %s is unseen, and could not be given to a person: %s", ticket_id, reason)
        return False


def _give(ticket_id: str, reason: str) -> bool:
    with transaction.atomic():
        # The lock that a message and a closing take too; what they changed is seen when it is looked at again.
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        still = forgotten().filter(pk=ticket_id).exists() or undecidable().filter(ticket=ticket_id).exists()
        if not still:
            return False
        ticket_status.hand_to_person(ticket_id, reason)
        events.record(
            actor=events.SYSTEM,
            verb="ticket.found_unseen",
            object_type="ticket",
            object_id=ticket_id,
            before={"status": ticket.status},
            after={"status": Ticket.Status.NEEDS_PERSON.value, "reason": reason},
        )
    log.error("ticket %s had been left unseen: %s", ticket_id, reason)
    return True
