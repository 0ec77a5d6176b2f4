"""Receive tickets and further messages, each delivery once (docs/contracts/intake.yaml)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from agentops.lib import redact
from agentops.lib.ids import new_id
from tickets import signals
from tickets.models import Customer, Message, Ticket

MessageBody = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"\S")]
# Identifies a delivery, so it is stored unchanged and must not contain NUL, which PostgreSQL rejects.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]+$")]


def _utc(moment: datetime) -> datetime:
    """Convert to UTC. The contract sets no bounds, so any moment that has a date in UTC is accepted."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is outside the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]

BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")  # white space, control characters and line breaks of any kind


class Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewTicket(Incoming):
    source: Annotated[Identifier, Field(max_length=40)]
    external_id: Identifier
    customer_email: Annotated[EmailStr, Field(max_length=254)]
    customer_name: str = Field(default="", max_length=200)
    subject: str = Field(max_length=300)
    body: MessageBody
    received_at: Moment | None = None


class NewMessage(Incoming):
    external_id: Identifier
    body: MessageBody
    received_at: Moment | None = None


def receive_ticket(incoming: NewTicket) -> tuple[Ticket, bool]:
    """Return the ticket of this delivery, and whether it is new. `message_received` is sent in the same transaction,
    so a new ticket and its queued run commit together."""
    known = Ticket.objects.filter(source=incoming.source, external_id=incoming.external_id)
    try:
        with transaction.atomic():
            if ticket := known.first():
                return ticket, False
            return _create(incoming), True
    except IntegrityError:  # the same delivery arrived twice at once and the other one won
        return known.get(), False


def receive_message(ticket_id: str, incoming: NewMessage) -> tuple[Message, bool]:
    """Return the customer's message of this delivery, and whether it is new. Raises Ticket.DoesNotExist."""
    if "\x00" in ticket_id:
        raise Ticket.DoesNotExist
    ticket = Ticket.objects.get(pk=ticket_id)
    known = Message.objects.filter(ticket=ticket, direction=Message.Direction.INBOUND, external_id=incoming.external_id)
    try:
        with transaction.atomic():
            # Serialise per ticket, so that message numbers and the runs they start are in the same order.
            Ticket.objects.select_for_update(no_key=True).get(pk=ticket_id)
            if message := known.first():
                return message, False
            return _record_message(ticket, incoming.external_id, incoming.body, incoming.received_at), True
    except IntegrityError:
        return known.get(), False


def open_by_hand(*, customer_email: str, customer_name: str, subject: str, body: str, by: str) -> Ticket:
    """Open a ticket on a customer's behalf; `by` is a user name. Raises pydantic.ValidationError."""
    incoming = NewTicket(
        source="manual",
        external_id=f"{by}-{new_id()}"[:120],
        customer_email=customer_email,
        customer_name=customer_name,
        subject=subject,
        body=body,
    )
    return receive_ticket(incoming)[0]


def _create(incoming: NewTicket) -> Ticket:
    customer, _ = Customer.objects.get_or_create(
        email=incoming.customer_email.lower(), defaults={"name": _line(incoming.customer_name)[:200]}
    )
    ticket = Ticket.objects.create(
        source=incoming.source,
        external_id=incoming.external_id,
        customer=customer,
        subject=_line(incoming.subject)[:300],
    )
    _record_message(ticket, incoming.external_id, incoming.body, incoming.received_at)
    return ticket


def _line(text: str) -> str:
    """Redact the text and put it on one line, because it is used as an e-mail subject and in lists."""
    return BLANKS.sub(" ", redact.text(text)).strip()


def _record_message(ticket: Ticket, external_id: str, body: str, sent_at: Any) -> Message:
    """Store the customer's message with card numbers removed, and send `message_received`."""
    given = {"sent_at": sent_at} if sent_at else {}
    message = Message.objects.create(
        ticket=ticket,
        direction=Message.Direction.INBOUND,
        external_id=external_id,
        body=redact.text(body),
        **given,
    )
    signals.message_received.send(sender=Message, message=message)
    return message
