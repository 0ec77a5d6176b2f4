"""Decide who takes up a message that has arrived: the agent, a person, or nobody (a machine's message)."""

import re

from agentops.models import Run
from agentops.runs import leasing
from approvals import ticket_status
from approvals.audit import events
from approvals.effects import conversation
from approvals.effects.kinds import REPLY
from approvals.policy import versions
from tickets.machines import LABELS, Machine
from tickets.models import Message, Ticket

# The Message-ID of one of our replies (approvals.providers.replies), as a bounce quotes it.
_OUR_REPLY = re.compile(rf"<([a-z0-9]{{1,14}})\.({REPLY.name})\.(\d{{1,6}})@")


def take_up(message: Message, *, first: bool) -> Run | None:
    """Queue a run for the message, or give its ticket to a person, or leave it. Call it in the transaction that records
    the message; `first` says that it opened the ticket."""
    if message.automatic:
        _take_up_automatic(message, first=first)
        return None
    reason = _why_a_person(message, first=first)
    if reason:
        # Kept if somebody else wrote: a run that is under way doesn't know of it, and must not end the ticket.
        ticket_status.hand_to_person(message.ticket_id, reason, keep=bool(message.sender))
        return None
    return leasing.queue_run(message)


def _why_a_person(message: Message, *, first: bool) -> str:
    """Return why the agent may not answer this message, or an empty string."""
    if message.sender:
        return f"Written from another address ({message.sender}) than the customer's. The agent does not act on it."
    if first:
        return ""
    limit = versions.policy_rules(versions.current_policy()).replies_per_day
    sent = conversation.automatic_replies(message.ticket_id)
    if limit and sent >= limit:
        return f"{sent} automatic replies on this ticket within a day (limit {limit}). The customer has written again."
    return ""


def _take_up_automatic(message: Message, *, first: bool) -> None:
    """Start no run. An automatic reply needs nobody; anything else may hide a customer's words or a lost reply."""
    kind = Machine(message.automatic)
    ticket_id, label = message.ticket_id, LABELS[kind]
    if kind == Machine.BOUNCE and first and _hand_over_bounced(message):
        ticket_status.move_ticket(ticket_id, Ticket.Status.CLOSED.value, actor=events.SYSTEM, reason=label)
    elif kind != Machine.AUTO_REPLY:
        ticket_status.hand_to_person(ticket_id, f"{label}. No run was started.")
    elif first:
        ticket_status.move_ticket(ticket_id, Ticket.Status.CLOSED.value, actor=events.SYSTEM, reason=label)


def _hand_over_bounced(message: Message) -> bool:
    """Give the ticket whose reply bounced to a person. Return False if the bounce doesn't name one of our replies."""
    named = _OUR_REPLY.search(f"{message.in_reply_to}\n{message.body}")
    if named is None:
        return False
    key = ":".join(named.groups())
    reply = Message.objects.filter(direction=Message.Direction.OUTBOUND, ticket=named[1], external_id=key).first()
    if reply is None:
        return False
    reason = f"The reply {key} could not be delivered: see ticket {message.ticket_id}."
    ticket_status.hand_to_person(reply.ticket_id, reason)
    return True
