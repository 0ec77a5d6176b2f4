"""Replays of runs, which have no side effects."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agentops.models.run import Run, StepRecord
from approvals.models import PolicyVersion


class Replay(models.Model):
    """A run repeated from its first step, against recorded data, live data or a mix.

    It changes nothing about the run, its ticket and its actions, and creates no actions.

    `llm_model` (empty: as routed) and `prompt` (digest of a StoredText; empty: the current one) are the variables of
    the experiment. `policy_version` judges the proposals; None for a fully recorded replay, where each proposal keeps
    its own version. `attempt` counts attempts at the current step, `fence` the leases. `reservation` is set during a
    call: {day, model, usd, tokens}. `findings` lists the differences in effect: [{code, what, then, now}].
    """

    class Mode(models.TextChoices):
        RECORDED = "recorded", "Recorded"
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
            # Running ones too: the sweep also looks for replays that a dead worker left.
            models.Index(fields=["not_before"], name="replay_due", condition=Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk} of run {self.run_id}"


class ReplayStep(StepRecord):
    """A step of a replay, written when it ends.

    `source` says where its result comes from, `note` explains it. `effect` describes what a side-effecting call would
    have done: {kind, params, key, order_id, amount, currency, status, reason, further, verdict, reasons, facts,
    policy_version, recorded}. `recorded` is the id of the original action, or None.
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
