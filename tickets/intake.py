"""Tickets and further messages come in, each delivery once (docs/contracts/intake.yaml)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from agentops.lib import redact
from agentops.lib.ids import new_id
from tickets import signals
from tickets.models import Customer, Message, Ticket

Body = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"\S")]
# A name that we find a delivery by: kept as it is, so it holds nothing that PostgreSQL cannot.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]+$")]


def _utc(moment: datetime) -> datetime:
    """The contract names no bounds: any moment is taken that has a date in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is outside the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]

BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")  # white space and control characters, line breaks of any kind


class Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewTicket(Incoming):
    source: Annotated[Identifier, Field(max_length=40)]
    external_id: Identifier
    customer_email: Annotated[EmailStr, Field(max_length=254)]
    customer_name: str = Field(default="", max_length=200)
    subject: str = Field(max_length=300)
    body: Body
    received_at: Moment | None = None


class NewMessage(Incoming):
    external_id: Identifier
    body: Body
    received_at: Moment | None = None


def receive_ticket(incoming: NewTicket) -> tuple[Ticket, bool]:
    """The ticket of this delivery, and whether it is new. A new one is announced in the same transaction, in
    which its run is queued."""
    known = Ticket.objects.filter(source=incoming.source, external_id=incoming.external_id)
    try:
        with transaction.atomic():
            if ticket := known.first():
                return ticket, False
            return _create(incoming), True
    except IntegrityError:  # the same delivery came twice at once, and the other was first
        return known.get(), False


def receive_message(ticket_id: str, incoming: NewMessage) -> tuple[Message, bool]:
    """The customer's further message, and whether it is new. Raises Ticket.DoesNotExist."""
    if "\x00" in ticket_id:
        raise Ticket.DoesNotExist
    ticket = Ticket.objects.get(pk=ticket_id)
    known = Message.objects.filter(ticket=ticket, direction=Message.Direction.INBOUND, external_id=incoming.external_id)
    try:
        with transaction.atomic():
            # One at a time, so that messages are numbered in the order of the runs that they start.
            Ticket.objects.select_for_update(no_key=True).get(pk=ticket_id)
            if message := known.first():
                return message, False
            return _say(ticket, incoming.external_id, incoming.body, incoming.received_at), True
    except IntegrityError:
        return known.get(), False


def open_by_hand(*, customer_email: str, customer_name: str, subject: str, body: str, by: str) -> Ticket:
    """A ticket that a person opens for a customer; `by` is their user name. Raises pydantic.ValidationError."""
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
    _say(ticket, incoming.external_id, incoming.body, incoming.received_at)
    return ticket


def _line(text: str) -> str:
    """Redacted, and one line: it becomes the subject of an e-mail, or a row of a list."""
    return BLANKS.sub(" ", redact.text(text)).strip()


def _say(ticket: Ticket, external_id: str, body: str, sent_at: Any) -> Message:
    """Records the customer's words (card numbers removed) and announces them."""
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
