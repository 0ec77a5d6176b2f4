"""Data for monitoring: counts of finished work, progress marks, and web requests to export."""

from decimal import Decimal

from django.db import models


class Tally(models.Model):
    """Finished work per `hour` (its start; the epoch for the all-time row), counted once by `telemetry.tallies`.

    `subject` is a step's kind, `attempt`, `run`, `action` or `duplicate`; `name` is a step's name or an action's kind.
    `bucket` is the duration's index in `buckets.BOUNDS` (-1: not timed) and `seconds` the total duration.
    """

    hour = models.DateTimeField()
    subject = models.CharField(max_length=10)
    name = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=30, blank=True)
    error_class = models.CharField(max_length=30, blank=True)
    bucket = models.SmallIntegerField(default=-1)
    count = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    retried = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "subject", "name", "status", "error_class", "bucket"], name="tally_one_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.subject} {self.name} {self.status}"


class Watermark(models.Model):
    """How far `tallies` or `traces` have processed finished work.

    The holder of the lease continues from `through`. `fence` counts the leases, and `not_before` delays the next
    attempt while a collector is unreachable.
    """

    name = models.CharField(primary_key=True, max_length=20)
    through = models.DateTimeField()
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} through {self.through}"


class WebRequest(models.Model):
    """A web request that changed a run, kept until `telemetry.shipping` has exported it.

    Written only where traces are exported. `route` is the URL pattern without its values; `traceparent` is the
    caller's, or empty.
    """

    ticket_id = models.CharField(max_length=14)
    run_id = models.BigIntegerField()
    request_id = models.CharField(max_length=64)
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=100, blank=True)
    status = models.PositiveSmallIntegerField()
    user = models.CharField(max_length=150, blank=True)
    traceparent = models.CharField(max_length=55, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.method} {self.route}"
