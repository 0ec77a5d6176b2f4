"""Routing of language models, and their circuit breakers."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class RoutingVersion(models.Model):
    """Immutable routing rules; the newest version is current. `rules` is routing.RoutingRules as JSON."""

    rules = models.JSONField()
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"routing version {self.pk}"


class Breaker(models.Model):
    """The circuit breaker of a model at a provider, shared by all workers.

    `failures` counts failures since the last answer. While the breaker is open no call is made before `probe_at`; then
    one call is, and the breaker stays half open until that call ends or, if its worker dies, until the next `probe_at`.
    """

    class State(models.TextChoices):
        CLOSED = "closed", "Closed"
        OPEN = "open", "Open"
        HALF_OPEN = "half_open", "Half open"

    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100)
    state = models.CharField(max_length=9, choices=State, default=State.CLOSED)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    probes = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "model"], name="breaker_once"),
            models.CheckConstraint(condition=Q(state__in=["closed", "open", "half_open"]), name="breaker_state_known"),
            # An open breaker without a time for its probe would stay open forever.
            models.CheckConstraint(
                condition=Q(state="closed") | Q(opened_at__isnull=False, probe_at__isnull=False),
                name="breaker_open_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.provider}: {self.state}"
