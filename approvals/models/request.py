"""Approval requests and the decisions on them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.action import Action


class ApprovalRequest(models.Model):
    """An action that waits for a person. A decision must name `digest`. `snapshot` is the order or customer as last
    read, and `changes` lists what has changed since the proposal. `claimed_by` is the lead who is working on it."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="requests")
    digest = models.CharField(max_length=64)
    snapshot = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="claimed_requests",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Two open requests could get two different decisions.
            models.UniqueConstraint(
                fields=["action"], condition=Q(closed_at__isnull=True), name="request_one_open_per_action"
            )
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="request_open", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["expires_at"], name="request_expiring", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["-closed_at", "-id"], name="request_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Decision(models.Model):
    """A person's decision, at most one per request. `digest` identifies the effect that they saw (effects.payload), and
    `through_message` the ticket's newest message that they had read; it is 0 for a ticket without messages and None for
    decisions from before 0.2.0. `edited` holds the complete new parameters, or None if nothing was edited."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approved"
        EDIT = "edit", "Edited and approved"
        REJECT = "reject", "Rejected"

    request = models.OneToOneField(ApprovalRequest, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=8, choices=Verdict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    digest = models.CharField(max_length=64)
    through_message = models.BigIntegerField(null=True, blank=True)
    edited = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["-decided_at"], name="decision_by_time")]
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.by_id}"
