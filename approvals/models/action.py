"""Actions and the attempts to carry them out. Only `transitions` writes an action's status; a PostgreSQL trigger
refuses illegal moves as well."""

from functools import reduce
from operator import or_

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib.money import Money
from approvals import states
from approvals.models.policy import PolicyVersion
from approvals.models.upkeep import COUNTS_THE_DAY, WAKES_ITS_RUNS
from tickets.models import Ticket

# The fields that determine what is sent and how much is reserved (approvals.effects.payload).
EFFECT = ("params", "digest", "request", "target", "order_id", "amount", "currency")
_EFFECT_CHANGES = reduce(or_, (pgtrigger.Q(**{f"old__{name}__df": pgtrigger.F(f"new__{name}")}) for name in EFFECT))
_A_PERSON_DECIDES = pgtrigger.Q(old__status=states.AWAITING_APPROVAL) & (
    pgtrigger.Q(new__status=states.AWAITING_APPROVAL) | pgtrigger.Q(new__status=states.APPROVED)
)
STATUS_CHOICES = [
    (status, "Outcome unknown" if status == states.UNRESOLVED else status.replace("_", " ").capitalize())
    for status in states.ALL
]


class Action(models.Model):
    """A side-effecting tool call made durable, with one idempotency key for life (docs/design.md, 5.1).

    `params` holds the validated parameters (effects.kinds), `request` the exact body that every attempt sends, and
    `digest` binds both to the key (effects.payload). `amount` is in minor units of `currency`. `run_id` is the run that
    proposed it; it is a plain number because runs belong to the package above. `fence` is the number of the newest
    attempt; an older attempt may not write. `not_before` is when the action is due. For a succeeded action that the
    provider still reports as pending, it is when we last asked. `snapshot` is the order or customer as last read before
    the approval; `facts` is the policy.verdicts.Facts that the verdict was based on. `through_message` is the id of the
    ticket's newest message that the agent had read when it proposed the action, and from the approval on the newest one
    that the person had read; None if nothing that the customer writes can hold the action back.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="actions")
    run_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=20)
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
    through_message = models.BigIntegerField(null=True, blank=True)
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
            # The idempotency key ends in the sequence, so a number that is used twice would be one key for two effects.
            models.UniqueConstraint(fields=["ticket", "kind", "sequence"], name="action_one_per_sequence"),
            models.CheckConstraint(condition=Q(status__in=states.ALL), name="action_status_known"),
            models.CheckConstraint(
                condition=(Q(amount__isnull=True) & Q(currency=""))
                | (Q(amount__isnull=False, amount__gte=0) & ~Q(currency="")),
                name="action_amount_has_currency",
            ),
            # Without the end of its lease, nothing would find the action again after its worker's death.
            models.CheckConstraint(
                condition=~Q(status=states.EXECUTING) | Q(lease_expires_at__isnull=False),
                name="action_executing_has_lease",
            ),
        ]
        indexes = [
            # Effects on the same order, across tickets.
            models.Index(fields=["order_id"], name="action_by_order", condition=~Q(order_id="")),
            # Work for the sweep. Partial, so they stay small and settled actions don't touch them.
            models.Index(fields=["not_before"], name="action_due", condition=Q(status=states.APPROVED)),
            models.Index(
                fields=["id"], name="action_ready", condition=Q(status=states.APPROVED, not_before__isnull=True)
            ),
            models.Index(fields=["lease_expires_at"], name="action_leased", condition=Q(status=states.EXECUTING)),
            models.Index(fields=["not_before"], name="action_unresolved", condition=Q(status=states.UNRESOLVED)),
            models.Index(
                fields=["not_before", "id"],
                name="action_on_its_way",
                condition=Q(kind="refund", status=states.SUCCEEDED, result__status="pending"),
            ),
            # The history's filters, each in the order of its pages.
            models.Index(fields=["status", "-id"], name="action_by_status"),
            models.Index(fields=["kind", "-id"], name="action_by_kind"),
            models.Index(fields=["-created_at", "-id"], name="action_by_time"),
            models.Index(
                fields=["-settled_at", "-id"], name="action_by_settling", condition=Q(settled_at__isnull=False)
            ),
            # The sums that the policy limits, and the dashboard's amounts.
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
            pgtrigger.Protect(
                name="identity_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("ticket", "kind", "sequence", "idempotency_key"),
            ),
            # The effect may only change while a person decides: by an edit, or because the order's amount changed.
            pgtrigger.Protect(
                name="effect_frozen",
                operation=pgtrigger.Update,
                condition=_EFFECT_CHANGES & ~_A_PERSON_DECIDES,
            ),
            WAKES_ITS_RUNS,
            COUNTS_THE_DAY,
        ]

    def __str__(self) -> str:
        return self.idempotency_key

    @property
    def money(self) -> Money | None:
        return Money.of(self.amount, self.currency)


class Attempt(models.Model):
    """One call to a provider. `outcome` is empty while the call runs, then `succeeded`, `lost` (its worker died) or the
    class of its error (lib.errors). `answer` is the raw response, redacted."""

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
        indexes = [
            models.Index(fields=["finished_at"], name="attempt_ended", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.action_id}"


class OrderLock(models.Model):
    """A row to lock, so that refunds and cancellations of one order are checked one after another."""

    order_id = models.CharField(primary_key=True, max_length=100)

    def __str__(self) -> str:
        return self.order_id


class ProviderPause(models.Model):
    """A provider that refused our credentials. Its actions wait until a person resumes it."""

    provider = models.CharField(primary_key=True, max_length=40)
    reason = models.CharField(max_length=500)
    paused_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [("resume_provider", "Can resume a paused provider")]

    def __str__(self) -> str:
        return self.provider
