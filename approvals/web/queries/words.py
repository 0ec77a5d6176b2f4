"""What was said on a ticket, as the pages that decide about it show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from approvals.effects.last_word import FROM_CUSTOMER
from approvals.models import ApprovalRequest, Decision
from tickets.machines import Machine
from tickets.models import Message

MOST_MESSAGES = 20  # that a page shows


@dataclass(frozen=True)
class Words:
    """The last messages of a ticket, oldest first.

    `through_message` is the id of the newest one, which a decision names. `new` are the customer's messages that nobody
    had read who stands behind the action; `earlier` is the approval that they held back, if a person gave it.
    """

    messages: Sequence[Message]
    through_message: int
    new: Sequence[Message] = ()
    earlier: Decision | None = None


def conversation(ticket_id: str) -> Words:
    newest = list(Message.objects.filter(ticket_id=ticket_id).order_by("-pk")[:MOST_MESSAGES])
    in_order = sorted(newest, key=lambda message: (message.place, message.pk))
    return Words(in_order, newest[0].pk if newest else 0)


def words_for(request: ApprovalRequest) -> Words:
    """Return the conversation as the request's card shows it."""
    said, read = conversation(request.action.ticket_id), request.action.through_message
    new = [message for message in said.messages if read is not None and message.pk > read and _from_customer(message)]
    if not new or request.closed_at is not None:
        return said
    decisions = Decision.objects.select_related("by").filter(request__action=request.action_id)
    return Words(said.messages, said.through_message, new, decisions.order_by("-pk").first())


def unread_messages(ticket_id: str, through_message: int) -> list[Message]:
    """Return the newest messages after this one, oldest first."""
    unread = Message.objects.filter(ticket_id=ticket_id, pk__gt=through_message)
    return list(unread.order_by("-pk")[:MOST_MESSAGES])[::-1]


def customer_wrote_since() -> Exists:
    """Return the condition that the customer has written since an open request's action was proposed or approved."""
    newer = Message.objects.filter(ticket=OuterRef("action__ticket"), pk__gt=OuterRef("action__through_message"))
    return Exists(newer.filter(FROM_CUSTOMER))


def _from_customer(message: Message) -> bool:
    """Return what FROM_CUSTOMER says of a loaded message."""
    return message.direction == Message.Direction.INBOUND and message.automatic != Machine.AUTO_REPLY
