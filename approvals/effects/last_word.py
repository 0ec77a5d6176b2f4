"""What was said last on a ticket: a decision must have read it, and nothing is sent past it (docs/design.md, 5.8).

Messages are compared by id, which is the order in which they reached us: one that the customer sent earlier and that
arrived late is still news. Intake locks the ticket before it stores a message, so in a transaction that holds the
ticket's lock these answers stay true until it ends.
"""

from django.db.models import Max, Q

from approvals.models import Action, Decision
from tickets.machines import Machine
from tickets.models import Message

# What the customer wrote. An out-of-office answer says nothing; any other machine's message may hide their words.
FROM_CUSTOMER = Q(direction=Message.Direction.INBOUND) & ~Q(automatic=Machine.AUTO_REPLY)


def newest_message(ticket_id: str) -> int:
    """Return the id of the ticket's newest message in either direction, 0 if it has none."""
    newest: int | None = Message.objects.filter(ticket=ticket_id).aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def customer_wrote_after(ticket_id: str, through_message: int) -> bool:
    """Return whether the customer has written anything newer than this message."""
    return Message.objects.filter(FROM_CUSTOMER, ticket=ticket_id, pk__gt=through_message).exists()


def overtaken(action: Action) -> bool:
    """Return whether the customer has written since the action was approved.

    A reply that a person wrote, or that no person had to read, is not held back: it answers what was said before it,
    and a run of its own answers what came after.
    """
    if action.through_message is None or not customer_wrote_after(action.ticket_id, action.through_message):
        return False
    return action.kind != "reply" or (
        action.run_id is not None and Decision.objects.filter(request__action=action).exists()
    )
