"""A run done again, without effect."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agentops.models.run import Run, StepRecord
from approvals.models import PolicyVersion


class Replay(models.Model):
    """A run's ticket from its first step, against a record of the world or, in part, the world as it is. It changes
    nothing of the run, its ticket and its actions, and makes no action.

    `llm_model` (empty: as routed) and `prompt` (digest of a StoredText; empty: the one in force) are what is tried,
    `policy_version` is judged by; None in a recorded one, where each proposal has its own. `attempt` counts tries at
    the step under way, `fence` the leases. `reservation`, while a call is under way: {day, model, usd, tokens}.
    `findings` is [{code, what, then, now}], of what differs in effect.
    """

    class Mode(models.TextChoices):
        RECORDED = "recorded", "Everything recorded"
        MODEL = "model", "Recorded tools, live model"
        LIVE = "live", "Live reads, live model"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Result(models.TextChoices):
        SAME = "same", "Same"
        DIFFERENT = "different", "Different"
        BETTER = "better", "Better"
        WORSE = "worse", "Worse"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="replays")
    mode = models.CharField(max_length=8, choices=Mode)
    llm_model = models.CharField(max_length=100, blank=True)
    prompt = models.CharField(max_length=64, blank=True)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, blank=True)
    asked_by = models.CharField(max_length=150)
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    outcome = models.CharField(max_length=12, choices=Run.Outcome, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    result = models.CharField(max_length=9, choices=Result, blank=True)
    findings = models.JSONField(default=list)
    error = models.CharField(max_length=500, blank=True)
    triage = models.JSONField(null=True, blank=True)
    turns = models.PositiveIntegerField(default=0)
    tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    attempt = models.PositiveIntegerField(default=1)
    reservation = models.JSONField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("replay_run", "Can replay runs")]
        indexes = [
            models.Index(fields=["not_before"], name="replay_due", condition=Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk} of run {self.run_id}"


class ReplayStep(StepRecord):
    """A step of a replay, written when it is done.

    `source` is where its answer came from; `note` says it in words. `effect` is what a side-effecting call would have
    been: {kind, params, key, order_id, amount, currency, status, reason, further, verdict, reasons, facts,
    policy_version, recorded}, the last one the id of the action that it was then, or None.
    """

    class Source(models.TextChoices):
        RECORDED = "recorded", "recorded"
        LIVE = "live", "live"
        ASSUMED = "assumed", "assumed"
        NOT_RECORDED = "not_recorded", "not recorded"

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="steps")
    source = models.CharField(max_length=12, choices=Source)
    note = models.CharField(max_length=300, blank=True)
    effect = models.JSONField(null=True, blank=True)
    finished_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["replay_id", "index"]
        constraints = [models.UniqueConstraint(fields=["replay", "index"], name="replay_step_numbered_once")]

    def __str__(self) -> str:
        return f"step {self.index} of replay {self.replay_id}"
