"""The order in which a transaction locks rows, the same everywhere, so that no two wait for each other:

    1  finding         comparison: what the books say
    2  run             engine: every commit of a run begins with its fenced update
       model calls     admission: breaker, budgets, lines of spending; nothing else is locked while these are
    3  ticket          `ticket`, `with_ticket`; intake, and whoever gives the ticket another status
    4  request         decisions: who decides
    5  order's money   reservations.lock, then the sums of circumstances.serialise
    6  action          transitions.move, `with_ticket`; an absorbed duplicate
    7  attempt         settlement
    8  pause           pauses, in the transaction that puts the action or the run back
    9  stop switch     stops.keeps_from, shared by all claims; whoever throws it takes nothing else

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
