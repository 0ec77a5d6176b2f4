"""Everything that can move money or change an account: fields and constraints. Only `transitions` writes
an action's status; PostgreSQL refuses an illegal move as well."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals import states
from approvals.kinds import KINDS
from tickets.models import Ticket

STATUS_CHOICES = [(status, status.replace("_", " ").capitalize()) for status in states.ALL]


class PolicyVersion(models.Model):
    """The frozen rules that a verdict was given by; the newest is in force. `rules` is policy.Rules as JSON."""

    rules = models.JSONField()
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"policy version {self.pk}"


class Action(models.Model):
    """A side-effecting tool call made durable, with one idempotency key for life.

    `params` are the validated parameters (kinds.*Params) and `digest` their SHA-256; `request` is the exact body
    that every attempt sends. `amount` is in minor units of `currency`. `run_id` is the run that proposed it,
    a plain number, since runs stand on a floor above. `fence` is the number of the newest attempt: who holds an
    older one may not write. `snapshot` is the order or customer as last read before it was approved; `facts` is
    policy.Facts, what it was judged by.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="actions")
    run_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=20, choices=[(kind.name, kind.label) for kind in KINDS.values()])
    sequence = models.PositiveIntegerField()
    idempotency_key = models.CharField(max_length=45, unique=True)
    status = models.CharField(max_length=20, choices=STATUS_CHOICES, default=states.PROPOSED)
    params = models.JSONField()
    digest = models.CharField(max_length=64)
    request = models.TextField(blank=True)
    reason = models.CharField(max_length=500)
    target = models.CharField(max_length=254)
    order_id = models.CharField(max_length=100, blank=True)
    amount = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    snapshot = models.JSONField(default=dict)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)
    verdict = models.CharField(max_length=16)
    reasons = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    duplicates_absorbed = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    provider_reference = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_class = models.CharField(max_length=30, blank=True)
    error_message = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    approved_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("decide", "Can approve, edit and reject actions"),
            ("view_dashboard", "Can see the dashboard and the queue"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind", "sequence"], name="action_one_per_sequence"),
            models.CheckConstraint(condition=Q(status__in=states.ALL), name="action_status_known"),
            models.CheckConstraint(
                condition=(Q(amount__isnull=True) & Q(currency=""))
                | (Q(amount__isnull=False, amount__gte=0) & ~Q(currency="")),
                name="action_amount_has_currency",
            ),
            models.CheckConstraint(
                condition=~Q(status=states.EXECUTING) | Q(lease_expires_at__isnull=False),
                name="action_executing_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="action_by_order", condition=~Q(order_id="")),
            models.Index(fields=["not_before"], name="action_due", condition=Q(status=states.APPROVED)),
            models.Index(fields=["lease_expires_at"], name="action_leased", condition=Q(status=states.EXECUTING)),
            models.Index(fields=["not_before"], name="action_unresolved", condition=Q(status=states.UNRESOLVED)),
            models.Index(fields=["status", "-id"], name="action_by_status"),
            models.Index(fields=["kind", "-id"], name="action_by_kind"),
            models.Index(fields=["-created_at", "-id"], name="action_by_time"),
            models.Index(
                fields=["-settled_at", "-id"], name="action_by_settling", condition=Q(settled_at__isnull=False)
            ),
            models.Index(
                fields=["currency", "approved_at"],
                name="action_money",
                condition=Q(approved_at__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="status",
                transitions=[(before, after) for before in states.ALL for after in sorted(states.MOVES[before])],
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.idempotency_key


class Attempt(models.Model):
    """One call to a provider. `outcome` is empty while it runs, else `succeeded`, `lost` (its worker died) or
    the class of its error (lib.errors); `answer` the raw answer, redacted."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=100)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=30, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=1000, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="attempt_numbered_once")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.action_id}"


class ApprovalRequest(models.Model):
    """An action waiting for a person. `digest` is what a decision must name; `snapshot` the order or customer as
    last read, `changes` what is no longer as it was proposed. Claiming tells colleagues who is looking."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="requests")
    digest = models.CharField(max_length=64)
    snapshot = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="claimed_requests",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["action"], condition=Q(closed_at__isnull=True), name="request_one_open_per_action"
            )
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="request_open", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["expires_at"], name="request_expiring", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["-closed_at", "-id"], name="request_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Decision(models.Model):
    """What the person said, once per request. `digest` is of the parameters they saw, `edited` of what they made
    of them (the whole new parameters), empty where nothing was edited."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approved"
        EDIT = "edit", "Edited and approved"
        REJECT = "reject", "Rejected"

    request = models.OneToOneField(ApprovalRequest, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=8, choices=Verdict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    digest = models.CharField(max_length=64)
    edited = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.by_id}"


class OrderLock(models.Model):
    """The row whose lock serialises all that wants an order's money."""

    order_id = models.CharField(primary_key=True, max_length=100)

    def __str__(self) -> str:
        return self.order_id


class ProviderPause(models.Model):
    """A provider that refused our credentials: its actions wait until a person resumes it."""

    provider = models.CharField(primary_key=True, max_length=40)
    reason = models.CharField(max_length=500)
    paused_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [("resume_provider", "Can resume a paused provider")]

    def __str__(self) -> str:
        return self.provider


class AuditEvent(models.Model):
    """Append-only: who did what to which object, before and after. `actor` is a user name, `agent` or `system`."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=60)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("object_type"), F("object_id"), F("id").desc(), name="audit_by_object"),
            models.Index(F("actor"), F("id").desc(), name="audit_by_actor"),
            models.Index(F("verb"), F("id").desc(), name="audit_by_verb"),
            models.Index(F("at").desc(), F("id").desc(), name="audit_by_time"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"


class HandSettlement(models.Model):
    """What a person says became of an action whose outcome the provider cannot tell, and how they know."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="hand_settlements")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    happened = models.BooleanField()
    reason = models.CharField(max_length=500)
    said_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "by"], name="settlement_once_per_person")]
        triggers = [pgtrigger.Protect(name="frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.action_id}: {'happened' if self.happened else 'did not happen'}"


class Finding(models.Model):
    """Where the provider's books and ours differ. Open until a person closes it or a comparison no longer sees it.

    `reference` names the refund: our idempotency key, or the provider's own id of one that is theirs alone; `ours` and
    `theirs` are what each side holds, amounts in minor units; `happened_at` is when it was made there or settled here.
    """

    class Kind(models.TextChoices):
        OURS_ALONE = "ours_alone", "Ours without theirs"
        THEIRS_ALONE = "theirs_alone", "Theirs without ours"
        AMOUNTS_DIFFER = "amounts_differ", "Amounts differ"
        FAILED_AFTERWARDS = "failed_afterwards", "Failed afterwards"

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
            models.UniqueConstraint(
                fields=["kind", "reference"], condition=Q(closed_at__isnull=True), name="finding_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["-id"], name="finding_open", condition=Q(closed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference}"


class ProviderEvent(models.Model):
    """What a provider told by a webhook, each event once. `data` is the object that it tells of, redacted; `action`
    the one that it is about, where it is one of ours; `outcome` what followed from it."""

    class Outcome(models.TextChoices):
        APPLIED = "applied", "Applied"
        NOTHING_NEW = "nothing_new", "Nothing new"
        NOT_OURS = "not_ours", "Not ours"
        CONTRADICTED = "contradicted", "Contradicted what we know"

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


class Comparison(models.Model):
    """One reading of the provider's books against ours, from `since` on."""

    since = models.DateTimeField()
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    theirs = models.PositiveIntegerField(default=0)
    ours = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"comparison {self.pk}"
