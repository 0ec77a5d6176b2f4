"""Runs of the agent on tickets, and the steps of a run."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals.models import Action
from tickets.models import Ticket


class StoredText(models.Model):
    """A large text (prompt, tool list), stored once and identified by its SHA-256 digest."""

    digest = models.CharField(primary_key=True, max_length=64)
    body = models.TextField()

    def __str__(self) -> str:
        return self.digest[:12]


class Run(models.Model):
    """One durable effort of the agent on a ticket.

    `number` counts the ticket's runs from 1. `fence` counts its leases: a worker with an older one may not write.
    `triage` is turn.Triage as JSON. `route` is `plain` or the signal that selected the expert model (routing.CODES).
    `not_before` is when a queued run is due, or since when the action of a waiting run has been settled.
    `through_message` is the id of the newest message that the run has seen; later messages belong to the next run.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        WITH_PERSON = "with_person", "Needs a person"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    through_message = models.BigIntegerField()
    triage = models.JSONField(null=True, blank=True)
    llm_model = models.CharField(max_length=100, blank=True)
    # A default in the database, so that workers of the previous release can insert rows while an upgrade is running.
    route = models.CharField(max_length=30, blank=True, db_default="")
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    turns = models.PositiveIntegerField(default=0)
    tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Only in the worker's memory: the run was started to probe a failing model, and keeps its hold until the model
    # answers.
    keeps_hold: bool = False
    # Set by trace.loading.find_run: actions that no step of the run proposed, such as an acknowledgement.
    asked_by_no_step: Sequence[Action] = ()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "number"], name="run_numbered_once"),
            # One run of a ticket works at a time, even if two workers take a lease at the same moment.
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(status="running"), name="run_one_running_per_ticket"
            ),
            # Django checks choices in forms only.
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "waiting", "succeeded", "failed", "cancelled"]),
                name="run_status_known",
            ),
        ]
        indexes = [
            # Partial: the sweep reads open runs only, so these stay small and finished runs don't touch them.
            models.Index(fields=["not_before"], name="run_due", condition=Q(status="queued")),
            models.Index(fields=["id"], name="run_queued", condition=Q(status="queued", not_before__isnull=True)),
            models.Index(
                fields=["not_before"], name="run_woken", condition=Q(status="waiting", not_before__isnull=False)
            ),
            models.Index(fields=["lease_expires_at"], name="run_leased", condition=Q(status="running")),
            models.Index(fields=["id"], name="run_waiting", condition=Q(status="waiting")),
            # For the history's filter, and for the counts of ended runs.
            models.Index(fields=["status", "-id"], name="run_by_status"),
            models.Index(fields=["finished_at"], name="run_ended", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"run {self.number} of {self.ticket_id}"


class StepRecord(models.Model):
    """What a step of a run or of a replay did. Tokens are counts; cost is in US dollars."""

    class Kind(models.TextChoices):
        TRIAGE = "triage", "Triage"
        LLM = "llm", "Language model"
        TOOL = "tool", "Tool"

    class Status(models.TextChoices):
        STARTED = "started", "Started"
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    index = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=Kind)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=7, choices=Status)
    input = models.JSONField(default=dict)
    output = models.JSONField(null=True, blank=True)
    reasoning = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_class = models.CharField(max_length=30, blank=True)
    error_message = models.CharField(max_length=1000, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))

    class Meta:
        abstract = True


class Step(StepRecord):
    """A recorded unit of a run, written when it starts so that a crash leaves it visible.

    `input` of an llm step: {model, prompt, tools (digests of StoredText), messages (digest of the list sent)}. `input`
    of a tool step: {call_id, tool, arguments} as the model wrote them. A step that calls a model also has {route (tier,
    code, why), provider, model, passed_over, price (id of a ModelPrice), max_tokens}.

    `output` of an llm step is client.ModelAnswer.output; of a tool step, the JSON returned to the model.

    `lost` lists calls whose answer never arrived and which may have been billed, with their worst case: [{model, usd,
    tokens}]; `cost_usd` includes them. `reservation` is set during a call: {day, model, usd, tokens}. `tried_at` is
    when the current attempt started, if it isn't the first. `waited_for_person` marks steps that waited for a person or
    an outside system (a stop, a pause, a hold, an unknown outcome), so latency figures leave them out.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    status = models.CharField(max_length=7, choices=StepRecord.Status, default=StepRecord.Status.STARTED)
    raw_response = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    failures = models.JSONField(default=list)
    lost = models.JSONField(default=list, db_default=[], blank=True)
    reservation = models.JSONField(null=True, blank=True)
    action = models.ForeignKey(Action, on_delete=models.PROTECT, null=True, blank=True, related_name="steps")
    # Only in the worker's memory, during a call: the messages, the admission.Call and its budget_use.SpendingEntry.
    sent: Any = None
    call: Any = None
    settled: Any = None
    waited_for_person = models.BooleanField(default=False, db_default=False)
    started_at = models.DateTimeField(db_default=Now())
    tried_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["run_id", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="step_numbered_once")]
        indexes = [
            models.Index(fields=["run"], name="step_waiting", condition=Q(status="waiting")),
            models.Index(fields=["finished_at"], name="step_ended", condition=Q(finished_at__isnull=False)),
            # For the lists of slow and failed steps, which must not sort the whole history.
            models.Index(
                F("name"),
                (F("finished_at") - F("started_at")).desc(),
                F("id").desc(),
                name="step_slowest",
                condition=Q(finished_at__isnull=False, waited_for_person=False),
            ),
            models.Index(F("name"), F("id").desc(), name="step_failing", condition=~Q(error_code="")),
        ]

    def __str__(self) -> str:
        return f"step {self.index} of run {self.run_id}"
