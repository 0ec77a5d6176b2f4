"""The data of `/metrics`: open work from partial indexes, everything else from the tallies."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Min, Sum
from django.db.models.functions import Coalesce

from agentops.models import Run, Spending, Tally, Watermark
from agentops.runs import leasing
from approvals import states
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, Deferral

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN_STATUSES = (states.PROPOSED, states.AWAITING_APPROVAL, *states.OPEN)
OPEN_RUNS = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING)
STEP_KINDS = ("triage", "llm", "tool")

# When the oldest overdue work became due, by kind. Each minimum is the first entry of a partial index.
OVERDUE = """
    SELECT 'reconciliation', min(not_before) FROM approvals_action
    WHERE status = 'unresolved' AND not_before <= statement_timestamp()
    UNION ALL
    SELECT 'lease', least(
        (SELECT min(lease_expires_at) FROM agentops_run
         WHERE status = 'running' AND lease_expires_at < statement_timestamp()),
        (SELECT min(lease_expires_at) FROM approvals_action
         WHERE status = 'executing' AND lease_expires_at < statement_timestamp()))
    UNION ALL
    SELECT 'request', min(expires_at) FROM approvals_approvalrequest
    WHERE closed_at IS NULL AND expires_at <= statement_timestamp()
"""


@dataclass
class Timed:
    """Durations by bucket (`buckets`), and their sum in seconds."""

    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    seconds: float = 0.0


@dataclass(frozen=True)
class Queue:
    """Actions of one kind that await approval. `oldest` is the longest wait in seconds."""

    kind: str
    count: int
    oldest: float


def current_time() -> datetime:
    """Return the database's time, since the times it is compared with come from there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        [moment] = cursor.fetchone()
    assert isinstance(moment, datetime)
    return moment


def open_actions() -> list[tuple[str, str, int]]:
    """Return (kind, status, count) of the actions that aren't final."""
    rows = (
        Action.objects.filter(status__in=_OPEN_STATUSES)
        .values_list("kind", "status")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return [(kind, status, count) for kind, status, count in rows]


def open_runs() -> list[tuple[str, int]]:
    rows = Run.objects.filter(status__in=OPEN_RUNS).values_list("status").annotate(n=Count("pk")).order_by()
    return [(status, count) for status, count in rows]


def approval_queue(at: datetime) -> list[Queue]:
    found: dict[str, list[datetime]] = defaultdict(list)
    waiting = ApprovalRequest.objects.filter(closed_at__isnull=True)
    for kind, since in waiting.values_list("action__kind", "created_at"):
        found[kind].append(since)
    return [Queue(kind, len(since), max((at - min(since)).total_seconds(), 0.0)) for kind, since in found.items()]


def overdue(at: datetime) -> dict[str, float]:
    """Return by kind how many seconds the oldest work is overdue, or 0.

    Stopped, paused and held work isn't due, and neither is a run that waits for another run of its ticket.
    """
    # The same conditions as the sweep's, so that the figure means "due and not done".
    actions = execution.unblocked_actions().filter(execution.READY)
    since = {
        "run": leasing.oldest_queued(),
        "action": actions.aggregate(since=Min(Coalesce("not_before", "approved_at")))["since"],
    }
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE)
        since |= dict(cursor.fetchall())
    return {sort: max((at - due).total_seconds(), 0.0) if due else 0.0 for sort, due in since.items()}


def deferred_work() -> list[tuple[str, int]]:
    """Return the lines of the sweep with items that failed the last time, and how many."""
    return list(Deferral.objects.order_by("line").values_list("line").annotate(count=Count("pk")))


def ended(subjects: Iterable[str]) -> list[tuple[str, str, str, str, int]]:
    """Return all-time counts as (subject, name, status, error class, count)."""
    rows = Tally.objects.filter(hour=_EPOCH, subject__in=subjects)
    grouped = rows.values_list("subject", "name", "status", "error_class").annotate(n=Sum("count")).order_by()
    return [tuple(row) for row in grouped]


def timed(subjects: Iterable[str]) -> dict[tuple[str, str], Timed]:
    """Return all-time durations by (subject, name)."""
    found: dict[tuple[str, str], Timed] = defaultdict(Timed)
    rows = Tally.objects.filter(hour=_EPOCH, subject__in=subjects, bucket__gte=0)
    for subject, name, bucket, count, seconds in rows.values_list("subject", "name", "bucket", "count", "seconds"):
        row = found[subject, name]
        row.counts[bucket] += count
        row.seconds += seconds
    return dict(found)


@dataclass(frozen=True)
class ModelSpending:
    model: str
    input: int
    cached: int
    output: int
    reasoning: int
    cost_usd: Decimal


def spending_by_model() -> list[ModelSpending]:
    """Return all-time tokens and cost by model."""
    columns = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd")
    sums = {f"sum_{name}": Sum(name) for name in columns}
    calls = Tally.objects.filter(hour=_EPOCH, subject__in=("triage", "llm"))
    rows = calls.values_list("name").annotate(**sums).order_by("name")
    return [ModelSpending(*row) for row in rows]


def budgeted() -> list[tuple[str, Decimal, Decimal]]:
    """Return all-time (model, spent, reserved) in US dollars, as budgets count them."""
    rows = Spending.objects.values_list("model").annotate(spent=Sum("spent_usd"), reserved=Sum("reserved_usd"))
    return list(rows.order_by("model"))


def retried() -> list[tuple[str, str, int]]:
    """Return all-time (kind, name, retried attempts) of steps."""
    rows = Tally.objects.filter(hour=_EPOCH, subject__in=STEP_KINDS).values_list("subject", "name")
    found: Any = rows.annotate(n=Sum("retried")).order_by()
    return [tuple(row) for row in found]


def behind(at: datetime) -> dict[str, float]:
    """Return how many seconds each watermark is behind, by name."""
    marks = Watermark.objects.values_list("name", "through")
    return {name: max((at - through).total_seconds(), 0.0) for name, through in marks}
