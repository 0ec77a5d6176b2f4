"""Prices, budgets and spending of language models."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agentops.models.run import Run

_ZERO = Decimal(0)


class ModelPrice(models.Model):
    """US dollars per million tokens of a model from `entered_at` on; the newest row of a model is current.

    `entered_by` is empty for the prices from LLM_PRICES.
    """

    model = models.CharField(max_length=100)
    input = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(_ZERO)])
    cached = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(_ZERO)])
    output = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(_ZERO)])
    reasoning = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(_ZERO)])
    note = models.CharField(max_length=500)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    entered_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(input__gte=0, cached__gte=0, output__gte=0, reasoning__gte=0), name="price_not_negative"
            )
        ]
        indexes = [models.Index(fields=["model", "-id"], name="price_in_force")]
        # Steps name the price that they were booked at, so it must stay what it was.
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"price {self.pk} of {self.model}"


class Budget(models.Model):
    """A cap on the cost of model calls per ticket, day or month (UTC).

    An empty `model` means all models together. Reservations take the row's lock, so that they wait for each other.
    """

    class Per(models.TextChoices):
        TICKET = "ticket", "Ticket"
        DAY = "day", "Day"
        MONTH = "month", "Month"

    per = models.CharField(max_length=6, choices=Per)
    model = models.CharField(max_length=100, blank=True)
    max_usd = models.DecimalField(
        max_digits=16, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(_ZERO)]
    )
    max_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["per", "model"], name="budget_once"),
            models.CheckConstraint(
                condition=Q(max_usd__isnull=False) | Q(max_tokens__isnull=False), name="budget_caps_something"
            ),
            models.CheckConstraint(condition=Q(per__in=["ticket", "day", "month"]), name="budget_per_known"),
        ]

    def __str__(self) -> str:
        return f"{self.model or 'All models'} per {self.get_per_display().lower()}"


class Spending(models.Model):
    """What a model's calls that started on a day (UTC) have spent, and what calls in progress may still spend.

    `presumed_usd` is the part of `spent_usd` that was never confirmed: a lost answer counts its worst case.
    """

    day = models.DateField()
    model = models.CharField(max_length=100)
    calls = models.PositiveBigIntegerField(default=0)
    reserved_usd = models.DecimalField(max_digits=16, decimal_places=6, default=_ZERO)
    reserved_tokens = models.BigIntegerField(default=0)
    spent_usd = models.DecimalField(max_digits=16, decimal_places=6, default=_ZERO)
    spent_tokens = models.BigIntegerField(default=0)
    presumed_usd = models.DecimalField(max_digits=16, decimal_places=6, default=_ZERO)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "model"], name="spending_once")]

    def __str__(self) -> str:
        return f"{self.model} on {self.day}"


class Hold(models.Model):
    """Why a run waits although no decision is open: its next call has no room in a budget, no price, or no working
    model.

    `usd` and `tokens` are the call's worst case. `usd` is 0 when the model's price has changed since, so that the run
    tries again. `recheck` is set when a cap or that price has changed.
    """

    class Cause(models.TextChoices):
        BUDGET = "budget", "Budget"
        PRICE = "price", "Price"
        OUTAGE = "outage", "Outage"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="hold")
    cause = models.CharField(max_length=6, choices=Cause)
    per = models.CharField(max_length=6, choices=Budget.Per, blank=True)
    model = models.CharField(max_length=100)
    usd = models.DecimalField(max_digits=16, decimal_places=6, default=_ZERO)
    tokens = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=500)
    recheck = models.BooleanField(default=False)
    held_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["model", "run"], name="hold_by_model")]

    def __str__(self) -> str:
        return f"run {self.run_id} held: {self.reason}"
