"""The order in which a transaction locks rows, the same everywhere, so that no two wait for each other:

    1  run             engine: every commit of a run begins with its fenced update
       model calls     admission: breaker, budgets, lines of spending; nothing else is locked while these are
    2  ticket          `ticket`, `with_ticket`; intake, and whoever gives the ticket another status
    3  request         decisions: who decides
    4  order's money   reservations.lock, then the sums of circumstances.serialise
    5  action          transitions.move, `with_ticket`; an absorbed duplicate
    6  attempt         settlement
    7  pause           pauses, in the transaction that puts the action or the run back
    8  stop switch     stops.keeps_from, shared by all claims; whoever throws it takes nothing else

A row is locked by an UPDATE too, and by an INSERT that meets it (ON CONFLICT). Whoever may need an earlier one takes it
first, as a settlement takes the ticket whose status may follow. A row that the transaction has made itself is nobody
else's yet and has no place here.
"""

from approvals.models import Action
from tickets.models import Ticket


def ticket(ticket_id: str) -> Ticket:
    """The ticket, locked until the transaction ends, with its customer. Raises Ticket.DoesNotExist."""
    tickets = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    return tickets.get(pk=ticket_id)


def with_ticket(action: Action) -> Action:
    """The action as it is now, locked until the transaction ends, its ticket before it."""
    locked = ticket(action.ticket_id)
    now = Action.objects.select_for_update(no_key=True).get(pk=action.pk)
    now.ticket = locked
    return now
