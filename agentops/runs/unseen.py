"""Find tickets that everyone would overlook (docs/design.md, 5.10).

These tickets have no work in progress, are neither answered nor closed, and no person was notified. There must be
none: a ticket found here goes to a person and is logged as an error.
"""

import logging
import time
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from agentops.models import Run
from approvals import states, ticket_status
from approvals.audit import events
from approvals.models import Action, ApprovalRequest
from tickets.models import Ticket
from tickets.queries import IN_PROGRESS

log = logging.getLogger(__name__)
PAUSE_SECONDS = 60.0  # between two checks by a worker
WINDOW = 1_000  # rows of one status that a check reads
_REASON = "Work on this ticket stopped without a result."
_UNDECIDABLE = "{} awaits a decision, but no request is in the queue."

_checked_at: float | None = None
_reached: dict[str, Any] = {}  # where the last check of each window stopped


def due() -> list[int]:
    """Return one item every PAUSE_SECONDS of this process, for `hand_over_unseen`."""
    global _checked_at
    now = time.monotonic()
    if _checked_at is not None and now < _checked_at + PAUSE_SECONDS:
        return []
    _checked_at = now
    return [0]


def forgotten() -> QuerySet[Ticket]:
    """Return tickets with a status in progress but no active run and no unsettled action."""
    run = Run.objects.filter(ticket=OuterRef("pk"), status__in=("queued", "running", "waiting"))
    action = Action.objects.filter(ticket=OuterRef("pk")).exclude(status__in=states.SETTLED)
    return Ticket.objects.filter(~Exists(run), ~Exists(action), status__in=IN_PROGRESS)


def undecidable() -> QuerySet[Action]:
    """Return actions that need a decision although no request is open, on tickets that are not with a person."""
    open_request = ApprovalRequest.objects.filter(action=OuterRef("pk"), closed_at__isnull=True)
    stuck = Q(status=states.PROPOSED) | (Q(status=states.AWAITING_APPROVAL) & ~Exists(open_request))
    return Action.objects.filter(stuck).exclude(ticket__status=Ticket.Status.NEEDS_PERSON)


def hand_over_unseen() -> int:
    """Hand the tickets found to people, and return their number. Several workers may run this at once.

    A call checks WINDOW tickets and actions of each status, and the next call continues from there, so the cost doesn't
    depend on how many wait.
    """
    found: dict[str, str] = {}
    for status in IN_PROGRESS:
        window = _window(status, Ticket.objects.filter(status=status).order_by("-created_at", "-pk"), "created_at")
        found |= dict.fromkeys(forgotten().filter(pk__in=window).values_list("pk", flat=True), _REASON)
    for undecided in (states.PROPOSED, states.AWAITING_APPROVAL):
        window = _window(f"action {undecided}", Action.objects.filter(status=undecided).order_by("-pk"), "pk")
        stuck = undecidable().filter(pk__in=window).values_list("ticket_id", "idempotency_key")
        found |= {ticket_id: _UNDECIDABLE.format(key) for ticket_id, key in stuck}
    return sum(_try_to_hand_over(ticket_id, reason) for ticket_id, reason in found.items())


def _window(name: str, rows: QuerySet[Any], by: str) -> list[Any]:
    """Return the keys of the next WINDOW rows, from the newest `by` to the oldest, then from the start again."""
    if reached := _reached.pop(name, None):
        moment, key = reached
        rows = rows.filter(**{f"{by}__lte": moment}).exclude(**{by: moment, "pk__gte": key})
    page = list(rows.values_list(by, "pk")[:WINDOW])
    if len(page) == WINDOW:
        _reached[name] = page[-1]
    return [key for _, key in page]


def _try_to_hand_over(ticket_id: str, reason: str) -> bool:
    try:
        return _hand_over(ticket_id, reason)
    except (OperationalError, InterfaceError):
        raise  # the database is down; the next run finds them all again
    except Exception:  # one failure must not hide the other tickets
        log.exception("ticket %s is overlooked and could not be handed to a person: %s", ticket_id, reason)
        return False


def _hand_over(ticket_id: str, reason: str) -> bool:
    with transaction.atomic():
        # New messages and closing take this lock too, so their changes are visible to the check below.
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=ticket_id)
        still = forgotten().filter(pk=ticket_id).exists() or undecidable().filter(ticket=ticket_id).exists()
        if not still:
            return False
        ticket_status.hand_to_person(ticket_id, reason)
        events.record_event(
            actor=events.SYSTEM,
            verb="ticket.found_unseen",
            object_type="ticket",
            object_id=ticket_id,
            before={"status": ticket.status},
            after={"status": Ticket.Status.NEEDS_PERSON.value, "reason": reason},
        )
    log.error("ticket %s was overlooked: %s", ticket_id, reason)
    return True
