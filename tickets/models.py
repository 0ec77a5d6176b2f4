"""Customers, their tickets and the messages in both directions."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib.ids import new_id
from tickets import states


class Customer(models.Model):
    """A customer, identified by e-mail address (stored in lower case)."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

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


class Message(models.Model):
    """One message. The `external_id` of an outbound message is the idempotency key of its reply."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", "From the customer"
        OUTBOUND = "outbound", "To the customer"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    direction = models.CharField(max_length=8, choices=Direction)
    external_id = models.CharField(max_length=120)
    body = models.TextField()
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "direction", "external_id"], name="message_once_per_delivery")
        ]

    def __str__(self) -> str:
        return f"{self.direction} on {self.ticket_id}"
