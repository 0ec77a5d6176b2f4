"""The order in which transactions lock rows. It is the same everywhere, so transactions can't deadlock:

    1  run             engine: every commit of a run starts with its fenced update
       model calls     admission: breaker, budgets, spending rows; nothing else is locked at the same time
    2  ticket          `lock_ticket`, `lock_action`; intake, and ticket_status.move_ticket
    3  request         decisions: approve, edit, reject, expire
    4  order's money   reservations.lock_order, then the sums of facts.lock_sums
    5  action          transitions.move, `lock_action`; an absorbed duplicate
    6  attempt         settlement
    7  pause           pauses, in the transaction that puts the action or the run back
    8  stop switch     stops.blocks_claim, shared by all claims; setting a stop locks nothing else

An UPDATE locks its row too, and so does an INSERT that hits ON CONFLICT. A transaction that may need an earlier lock
takes it first: a settlement, for example, locks the ticket because its status may change. Rows that a transaction
inserted itself are invisible to others and don't count.
"""

from approvals.models import Action
from tickets.models import Ticket


def lock_ticket(ticket_id: str) -> Ticket:
    """Return the ticket with its customer, locked until the transaction ends. Raises Ticket.DoesNotExist."""
    tickets = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    return tickets.get(pk=ticket_id)


def lock_action(action: Action) -> Action:
    """Reload the action, locked until the transaction ends. Its ticket is locked first."""
    locked = lock_ticket(action.ticket_id)
    now = Action.objects.select_for_update(no_key=True).get(pk=action.pk)
    now.ticket = locked
    return now
