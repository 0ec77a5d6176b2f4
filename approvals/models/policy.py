"""The policy, versioned (docs/design.md, 5.14)."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class PolicyVersion(models.Model):
    """Frozen rules; the newest version is in force. `rules` is policy.rules.Rules as JSON."""

    rules = models.JSONField()
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"policy version {self.pk}"


class DialLowering(models.Model):
    """A policy version that the dial created by lowering itself. `before` and `after` are percentages.

    `why` is the reason in words, `figures` the rates behind it (lowering.Rate), and `acknowledged_by` the admin who has
    seen it.
    """

    version = models.OneToOneField(PolicyVersion, on_delete=models.PROTECT, related_name="lowering")
    before = models.PositiveSmallIntegerField()
    after = models.PositiveSmallIntegerField()
    why = models.CharField(max_length=500)
    figures = models.JSONField(default=list)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"lowering to {self.after}%"
