"""Reconciliation: provider events, outcomes that people report, findings and comparisons."""

from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.action import Action

# A periodic comparison looks back at least this far.
LOOK_BACK = timedelta(days=3)
# After more than this many unfinished or failed periodic comparisons in a row, people are alerted.
MISSED = 3


class HandSettlement(models.Model):
    """A person's statement about an action whose outcome the provider can't tell, with their evidence."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="hand_settlements")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    happened = models.BooleanField()
    reason = models.CharField(max_length=500)
    said_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Two people must agree on large amounts, so one person can't report twice.
        constraints = [models.UniqueConstraint(fields=["action", "by"], name="settlement_once_per_person")]
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.action_id}: {'happened' if self.happened else 'did not happen'}"


class ProviderEvent(models.Model):
    """A webhook event of a provider, stored once. `data` is the object it describes, redacted.

    `action` is the action it is about, if it is one of ours, and `outcome` is what we did with the event.
    """

    class Outcome(models.TextChoices):
        APPLIED = "applied", "Applied"
        NOTHING_NEW = "nothing_new", "Nothing new"
        NOT_OURS = "not_ours", "Not ours"
        CONTRADICTED = "contradicted", "Contradicts our records"

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=60)
    action = models.ForeignKey(Action, on_delete=models.PROTECT, null=True, blank=True, related_name="provider_events")
    outcome = models.CharField(max_length=12, choices=Outcome)
    data = models.JSONField(default=dict)
    told_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class Finding(models.Model):
    """A difference between the provider's records and ours, open until a person or a later comparison closes it.

    `reference` identifies the refund: our idempotency key, or the provider's id if only the provider has it. `ours` and
    `theirs` are each side's record, amounts in minor units. `happened_at` is when they made it or we settled it.
    """

    class Kind(models.TextChoices):
        OURS_ALONE = "ours_alone", "Missing at the provider"
        THEIRS_ALONE = "theirs_alone", "Unknown refund at the provider"
        AMOUNTS_DIFFER = "amounts_differ", "Amounts differ"
        FAILED_AFTERWARDS = "failed_afterwards", "Failed later"
        UNREADABLE = "unreadable", "Unreadable"

    kind = models.CharField(max_length=20, choices=Kind)
    reference = models.CharField(max_length=255)
    action = models.ForeignKey(Action, on_delete=models.PROTECT, null=True, blank=True, related_name="findings")
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    found_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        permissions = [("close_finding", "Can close a finding of the reconciliation")]
        constraints = [
            # A comparison sees the same difference every hour; it is one finding until it is closed.
            models.UniqueConstraint(
                fields=["kind", "reference"], condition=Q(closed_at__isnull=True), name="finding_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["-id"], name="finding_open", condition=Q(closed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference}"


class Comparisons(models.Manager["Comparison"]):
    def periodic(self) -> models.QuerySet["Comparison"]:
        """Return the periodic comparisons, newest first. One that a person requested never replaces a periodic one,
        because it need not start where the last periodic one ended."""
        return self.filter(periodic=True).order_by("-pk")

    def last_completed(self) -> "Comparison | None":
        """Return the newest periodic comparison that finished without an error."""
        return self.periodic().filter(finished_at__isnull=False, error="").first()

    def missed(self) -> models.QuerySet["Comparison"]:
        """Return the periodic comparisons started after the last completed one, including one still running."""
        last = self.last_completed()
        return self.periodic().filter(pk__gt=last.pk if last else 0)


class Comparison(models.Model):
    """One comparison of the provider's records with ours, from `since` on. The four counters are records read on each
    side and findings opened and closed."""

    since = models.DateTimeField()
    periodic = models.BooleanField(default=False)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    theirs = models.PositiveIntegerField(default=0)
    ours = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    objects = Comparisons()

    def __str__(self) -> str:
        return f"comparison {self.pk}"
