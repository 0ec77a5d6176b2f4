"""Customers, their tickets and the messages in both directions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Least, Now

from agentops.lib.ids import new_id
from tickets import machines, states


class Customer(models.Model):
    """A customer, identified by email address (in the spelling of agentops.lib.addresses).

    `shop_id` is the customer's id in the shop, kept where we changed the address ourselves: both the old and the new
    one then find the customer's orders.
    """

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    shop_id = models.CharField(max_length=254, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["shop_id"], name="customer_by_shop_id", condition=~Q(shop_id=""))]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Ticket(models.Model):
    """A customer's case. Only `approvals.ticket_status` writes its status; PostgreSQL refuses an illegal move as well.

    While it needs a person, `reason` says why, `person_since` since when, and `claimed_by` who works on it. The agent
    can't take back a ticket that is `kept_by_person`: an effect that the customer believes in was undone, or money
    moved that we don't know about, and a later answer of the agent must not hide that.
    """

    class Status(models.TextChoices):
        OPEN = states.OPEN, "Open"
        WORKING = states.WORKING, "Working"
        AWAITING_APPROVAL = states.AWAITING_APPROVAL, "Awaiting approval"
        ANSWERED = states.ANSWERED, "Answered"
        NEEDS_PERSON = states.NEEDS_PERSON, "Needs a person"
        CLOSED = states.CLOSED, "Closed"

    id = models.CharField(primary_key=True, max_length=14, default=new_id, editable=False)
    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=120)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tickets")
    subject = models.CharField(max_length=300)
    tags = models.JSONField(default=list, db_default=[], blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.OPEN)
    reason = models.CharField(max_length=500, blank=True)
    # The column keeps the name it had in 0.1.0, so that its workers can continue while the database is migrated.
    kept_by_person = models.BooleanField(default=False, db_column="held")
    person_since = models.DateTimeField(null=True, blank=True, editable=False)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="claimed_tickets"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [("post_message", "Can write to the customer by hand")]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="ticket_once_per_delivery"),
            models.CheckConstraint(
                condition=Q(status__in=states.ALL),
                name="ticket_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-created_at", "-id"], name="ticket_by_status"),
            models.Index(fields=["-created_at", "-id"], name="ticket_by_time"),
            models.Index(
                fields=["-kept_by_person", "person_since", "id"],
                name="ticket_with_person",
                condition=Q(status=states.NEEDS_PERSON),
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="status",
                transitions=[(before, after) for before in states.ALL for after in sorted(states.MOVES[before])],
            ),
            # A trigger, so that these columns follow the status no matter which code writes it.
            pgtrigger.Trigger(
                name="with_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NEW.status = 'needs_person' THEN
                        NEW.person_since = COALESCE(NEW.person_since, now());
                    ELSE
                        NEW.person_since = NULL;
                        NEW.held = FALSE;
                        NEW.claimed_by_id = NULL;
                        NEW.claimed_at = NULL;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.subject}"


@dataclass(frozen=True)
class Part:
    """A part of a message's body: new words, or quoted history."""

    text: str
    quoted: bool


class Message(models.Model):
    """One message. The `external_id` of an outbound message is the idempotency key of its reply.

    `sent_at` is when the help desk received it, `arrived_at` when it reached us. The conversation is in the order of
    the earlier of the two, because nothing is received after it arrived. `digest` identifies the delivered words (empty
    before release 0.2). `quoted` lists the spans of quoted history in `body`. `automatic` is the kind of machine that
    wrote it, empty for a person. `sender` is the address that it came from, if that isn't the customer's. `attachments`
    are incoming.Attachment as JSON.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound", "From the customer"
        OUTBOUND = "outbound", "To the customer"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    direction = models.CharField(max_length=8, choices=Direction)
    external_id = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, blank=True, db_default="")
    body = models.TextField()
    quoted = models.JSONField(default=list, db_default=[], blank=True)
    attachments = models.JSONField(default=list, db_default=[], blank=True)
    automatic = models.CharField(
        max_length=20,
        choices=[(kind.value, label) for kind, label in machines.LABELS.items()],
        blank=True,
        db_default="",
    )
    sender = models.CharField(max_length=254, blank=True, db_default="")
    message_id = models.CharField(max_length=998, blank=True, db_default="")
    in_reply_to = models.CharField(max_length=998, blank=True, db_default="")
    sent_at = models.DateTimeField(db_default=Now())
    arrived_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = [Least("sent_at", "arrived_at"), "id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "direction", "external_id"], name="message_once_per_delivery")
        ]

    def __str__(self) -> str:
        return f"{self.direction} on {self.ticket_id}"

    @property
    def place(self) -> datetime:
        """Return the time by which the conversation is ordered."""
        return min(self.sent_at, self.arrived_at)

    @property
    def parts(self) -> list[Part]:
        """Return the body as new words and quoted history, in order."""
        found, at = [], 0
        for start, end in self.quoted:
            found += [Part(self.body[at:start].strip("\n"), False), Part(self.body[start:end].strip("\n"), True)]
            at = end
        found.append(Part(self.body[at:].strip("\n") if at else self.body, False))
        return [part for part in found if part.text.strip()]

    def marked(self) -> str:
        """Return the text for a model, which sees no folds or badges: all but the customer's new words is marked."""
        lines = [f"[Written from {self.sender}]"] if self.sender else []
        if self.automatic:
            lines.append(f"[Written by a machine: {self.get_automatic_display()}]")
        for part in self.parts:
            mark = "[Quoted from earlier messages:]\n{}\n[End of the quote]" if part.quoted else "{}"
            lines.append(mark.format(part.text))
        if not self.body.strip():
            lines.append("[The message has no text.]")
        if self.attachments:
            lines.append(f"[Attached, not readable here: {', '.join(map(_described, self.attachments))}]")
        return "\n".join(lines)


def _described(attachment: dict[str, Any]) -> str:
    return f"{attachment['name']} ({attachment['content_type']})"
