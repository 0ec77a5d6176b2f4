"""The stop switch: who stopped which actions, when and why, and who resumed them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Stop(models.Model):
    """While a stop is in force (`released_at` is empty), no action of its kind starts. An empty `kind` means all."""

    kind = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=500)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(db_default=Now())
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("stop_effects", "Can stop effects"),
            ("release_effects", "Can let stopped effects go on"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(released_at__isnull=True), name="stop_in_force_once_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_by__isnull=True)
                | Q(released_at__isnull=False, released_by__isnull=False),
                name="stop_released_by_somebody",
            ),
        ]
        # A stop that has ended is a record: to stop again makes a new one.
        triggers = [
            pgtrigger.Protect(
                name="released_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__released_at__isnull=False),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"stop of {self.kind or 'all'}"
