"""Receive tickets and further messages, each delivery once (docs/contracts/intake.yaml).

A delivery under a known id counts as the same one only if its words are the same. Other words become a further message.
"""

import hashlib
import json
from typing import Any

from django.db import IntegrityError, transaction

from agentops.lib import addresses
from agentops.lib.ids import new_id
from tickets import machines, quoting, signals
from tickets.incoming import MAX_SUBJECT, NewMessage, NewTicket, Words, one_line
from tickets.models import Customer, Message, Ticket


def receive_ticket(incoming: NewTicket) -> tuple[Ticket, bool]:
    """Return the ticket of this delivery, and whether the delivery brought anything new. `message_received` is sent in
    the same transaction, so a new ticket and its queued run commit together."""
    known = Ticket.objects.filter(source=incoming.source, external_id=incoming.external_id)
    try:
        with transaction.atomic():
            if ticket := known.first():
                return _receive_again(ticket.pk, incoming)
            return _create(incoming), True
    except IntegrityError:  # the same delivery arrived twice at once and the other one won
        with transaction.atomic():
            return _receive_again(known.get().pk, incoming)


def receive_message(ticket_id: str, incoming: NewMessage) -> tuple[Message, bool]:
    """Return the customer's message of this delivery, and whether it is new. Raises Ticket.DoesNotExist."""
    if "\x00" in ticket_id:
        raise Ticket.DoesNotExist
    with transaction.atomic():
        ticket = _locked(ticket_id)
        return _record_once(ticket, incoming, _digest(incoming), subject="", sender="")


def open_by_hand(*, customer_email: str, customer_name: str, subject: str, body: str, by: str) -> Ticket:
    """Open a ticket on a customer's behalf; `by` is a user name. Raises pydantic.ValidationError."""
    incoming = NewTicket(
        source="manual",
        external_id=f"{by}-{new_id()}"[:120],
        customer_email=customer_email,
        customer_name=customer_name,
        subject=subject,
        body=body,
        body_format="text",
    )
    return receive_ticket(incoming)[0]


def _create(incoming: NewTicket) -> Ticket:
    ticket = Ticket.objects.create(
        source=incoming.source,
        external_id=incoming.external_id,
        customer=_customer(incoming),
        subject=one_line(incoming.subject, MAX_SUBJECT),
        tags=[one_line(tag) for tag in incoming.tags],
    )
    _record(ticket, incoming, incoming.external_id, _digest(incoming, subject=incoming.subject), first=True)
    return ticket


def _customer(incoming: NewTicket) -> Customer:
    """Return the customer with this address. A name that comes with a later ticket is filled in."""
    name = one_line(incoming.customer_name)[:200]
    customer, created = Customer.objects.get_or_create(email=incoming.customer_email, defaults={"name": name})
    if name and not created and not customer.name:
        Customer.objects.filter(pk=customer.pk, name="").update(name=name)
        customer.name = name
    return customer


def _is_customer(incoming: NewTicket, customer: Customer) -> bool:
    """Return whether the delivery is from this customer, under this address or another one of the same account."""
    if addresses.same(incoming.customer_email, customer.email):
        _customer(incoming)
        return True
    known = Customer.objects.filter(email=incoming.customer_email, shop_id=customer.shop_id)
    return bool(customer.shop_id) and known.exists()


def _receive_again(ticket_id: str, incoming: NewTicket) -> tuple[Ticket, bool]:
    """Take a delivery under the id of a known ticket. Return the ticket, and whether the words are new."""
    ticket = _locked(ticket_id)
    sender = "" if _is_customer(incoming, ticket.customer) else incoming.customer_email
    subject = one_line(incoming.subject, MAX_SUBJECT)
    changed = subject if subject != ticket.subject else ""
    digest = _digest(incoming, subject=incoming.subject, sender=sender)
    return ticket, _record_once(ticket, incoming, digest, subject=changed, sender=sender)[1]


def _record_once(ticket: Ticket, incoming: Words, digest: str, *, subject: str, sender: str) -> tuple[Message, bool]:
    """Return the message with these words, and whether it is new. The caller holds the ticket's lock.

    Words that were delivered before are the same delivery, unless others came in between and the help desk says that it
    received these after them.
    """
    inbound = Message.objects.filter(ticket=ticket, direction=Message.Direction.INBOUND)
    under_this_id = list(inbound.filter(external_id=incoming.external_id))
    under_this_id += inbound.filter(external_id__startswith=_further_id(incoming.external_id))
    under_this_id.sort(key=lambda message: (message.place, message.pk))
    same = [message for message in under_this_id if _has_words(message, digest, incoming, subject or sender)]
    if same:
        later = incoming.received_at is not None and incoming.received_at > under_this_id[-1].place
        if not later or same[-1] is under_this_id[-1]:
            return same[-1], False
    external_id = incoming.external_id
    if under_this_id:
        external_id = f"{_further_id(external_id)}{len(under_this_id)}"
    return _record(ticket, incoming, external_id, digest, subject=subject, sender=sender), True


def _has_words(message: Message, digest: str, incoming: Words, differs: str) -> bool:
    """Return whether the message was delivered with these words. Messages of release 0.1 have no digest: their bodies
    are compared, unless subject or sender differ."""
    if message.digest:
        return message.digest == digest
    return not differs and not incoming.attachments and message.body == incoming.text()


def _further_id(external_id: str) -> str:
    """Return what the ids of further messages under a delivery's id begin with."""
    return f"{hashlib.sha256(external_id.encode()).hexdigest()}+"


def _digest(incoming: Words, *, subject: str = "", sender: str = "") -> str:
    """Return the digest of a delivery's words: everything but its time and what names the customer."""
    words = incoming.model_dump(
        mode="json", include={"body", "body_format", "message_id", "in_reply_to", "auto_submitted", "attachments"}
    )
    text = json.dumps({**words, "subject": subject, "sender": sender}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _locked(ticket_id: str) -> Ticket:
    """Lock the ticket, so that message numbers and the runs they start are in the same order."""
    tickets = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    return tickets.get(pk=ticket_id)


def _record(
    ticket: Ticket,
    incoming: Words,
    external_id: str,
    digest: str,
    *,
    subject: str = "",
    sender: str = "",
    first: bool = False,
) -> Message:
    """Store the message with card numbers removed, and send `message_received`. A `subject` that has changed is part of
    the words."""
    body = f"[Subject: {subject}]\n\n{incoming.text()}" if subject else incoming.text()
    spans = quoting.quoted_spans(body)
    answers_us = not first and ticket.messages.filter(direction=Message.Direction.OUTBOUND).exists()
    machine = machines.recognise(
        sender=sender or ticket.customer.email,
        subject=subject or (ticket.subject if first else ""),
        text=quoting.new_words(body, spans),
        auto_submitted=incoming.auto_submitted,
        answers_us=answers_us,
    )
    given: dict[str, Any] = {"sent_at": incoming.received_at} if incoming.received_at else {}
    message = Message.objects.create(
        ticket=ticket,
        direction=Message.Direction.INBOUND,
        external_id=external_id,
        digest=digest,
        body=body,
        quoted=spans,
        attachments=[attachment.stored() for attachment in incoming.attachments],
        automatic=machine or "",
        sender=sender,
        message_id=incoming.message_id,
        in_reply_to=incoming.in_reply_to,
        **given,
    )
    signals.message_received.send(sender=Message, message=message, first=first)
    if machine or not first:  # then the receivers may have moved the ticket
        ticket.refresh_from_db(fields=["status"])
    return message
