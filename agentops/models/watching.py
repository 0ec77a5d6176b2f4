"""What is kept so that others can watch: counts of what ended, how far they go, and web requests to tell of."""

from decimal import Decimal

from django.db import models


class Tally(models.Model):
    """What ended within an `hour` (its beginning; the epoch: since ever), counted once and for all by
    `telemetry.tallies`. `subject` is a step's kind, `attempt`, `run`, `action` or `duplicate`; `name` a step's name or
    an action's kind; `bucket` says how long each took (`buckets.BOUNDS`; -1: not timed), `seconds` how long in all."""

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
    """Up to when something has been through all that ended: `tallies`, `traces`. Who holds the lease goes on from
    there; `fence` numbers the leases, and `not_before` lets a collector that is away rest."""

    name = models.CharField(primary_key=True, max_length=20)
    through = models.DateTimeField()
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} through {self.through}"


class WebRequest(models.Model):
    """A web request that changed a run, until `telemetry.shipping` has sent it to the collector. Kept only where traces
    are exported. `route` is without what stands in it; `traceparent` is the caller's, or empty."""

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
