"""What a reply needs to know of the ticket's conversation: how often the agent has answered, and the thread."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from approvals import states
from approvals.models import Action
from approvals.policy.verdicts import Outcome
from tickets.models import Message, Ticket

MAX_REFERENCES = 20  # of the newest messages: RFC 5322 wants the whole thread, mail servers want short headers


def automatic_replies(ticket_id: str, *, before: datetime | None = None) -> int:
    """Return how many replies to this ticket were approved by the policy alone in the last 24 hours, sent or on their
    way. With `before`, in the 24 hours before that time."""
    until: Combinable = Now() if before is None else Value(before, DateTimeField())
    made = Action.objects.filter(ticket=ticket_id, kind="reply", run_id__isnull=False, verdict=Outcome.AUTO_APPROVE)
    counted = made.filter(status__in=(*states.OPEN, states.SUCCEEDED))
    return counted.filter(created_at__gte=until - timedelta(days=1), created_at__lte=until).count()


def thread(ticket: Ticket) -> dict[str, Any]:
    """Return what a mail program needs to show the reply under the customer's newest message with a Message-ID. Empty
    if none has one. It is part of the frozen request, so every attempt sends the same."""
    if ticket._state.adding:  # not saved, so nothing was said on it
        return {}
    named = list(ticket.messages.exclude(message_id=""))
    newest = next((each for each in reversed(named) if each.direction == Message.Direction.INBOUND), None)
    if newest is None:
        return {}
    return {"in_reply_to": newest.message_id, "references": [each.message_id for each in named[-MAX_REFERENCES:]]}
