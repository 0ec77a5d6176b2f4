"""Duration and failures of steps: the last day compared with the seven days before, from the tallies.

The slow and failed steps themselves are found by index, so both cost the same at any size of history.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import BooleanField, Case, ExpressionWrapper, F, Q, QuerySet, Sum, Value, When
from django.db.models.fields import DurationField
from django.db.models.functions import Now

from agentops.lib import buckets
from agentops.models import Step, Tally
from agentops.runs import tools

DAY, BEFORE = timedelta(days=1), timedelta(days=7)
_PAGE_SIZE = 50
# A decision of people or the policy against an action is not a failure of its step.
NOT_FAILED = ("", "action")
MIN_COUNT = 20  # steps in each period; percentiles of fewer say little
SLOWER = 1.5  # times the earlier 99th percentile; buckets are a quarter wide, so less could be rounding
OFTEN = 0.2  # failed share that counts as often if there is nothing to compare with
SEVERAL = 3  # slow or failed steps; fewer may be chance
MAX_NAMES = 20


@dataclass
class LatencyPeriod:
    """Steps of one name in a period. `durations` counts them by bucket."""

    count: int = 0
    failed: int = 0
    durations: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def timed(self) -> int:
        return sum(self.durations.values())

    @property
    def failing(self) -> float:
        return self.failed / self.count if self.count else 0.0

    def within(self, share: float) -> float | None:
        """Return the duration in seconds that this share of the steps stayed within."""
        return buckets.quantile(self.durations, share)


@dataclass
class Latency:
    """Steps of one name: `day` is the last 24 hours, `before` the seven days before that."""

    kind: str
    name: str
    day: LatencyPeriod = field(default_factory=LatencyPeriod)
    before: LatencyPeriod = field(default_factory=LatencyPeriod)

    @property
    def p50(self) -> float | None:
        return self.day.within(0.5)

    @property
    def p95(self) -> float | None:
        return self.day.within(0.95)

    @property
    def p99(self) -> float | None:
        return self.day.within(0.99)

    @property
    def p99_before(self) -> float | None:
        return self.before.within(0.99)

    @property
    def slower(self) -> float | None:
        """How many times slower the 99th percentile is, if that is a regression."""
        if min(self.day.timed, self.before.timed) < MIN_COUNT:
            return None
        now, then = self.p99 or 0.0, self.p99_before or 0.0
        beyond = sum(count for bucket, count in self.day.durations.items() if bucket > buckets.bucket_of(then))
        return now / then if then and now > SLOWER * then and beyond >= SEVERAL else None

    @property
    def fails(self) -> Literal["", "more", "often"]:
        """Whether steps fail "more" than before, or "often" if there is too little to compare with."""
        if self.day.failed < SEVERAL:
            return ""
        if self.before.count < MIN_COUNT:
            return "often" if self.day.failing > OFTEN else ""
        return "more" if self.day.failing > 2 * self.before.failing + 0.01 else ""


@dataclass(frozen=True)
class Found:
    """A step of a list. `took` is None until it ends."""

    step: Step
    took: timedelta | None


def latencies(now: datetime) -> list[Latency]:
    """Return the names that ran most in the last day, those that got worse first."""
    # Tallies are hourly, so the last day starts at a full hour.
    cut = now.replace(minute=0, second=0, microsecond=0) - DAY
    recent = Case(When(hour__gt=cut, then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = Tally.objects.filter(hour__gt=cut - BEFORE, subject__in=Step.Kind.values).annotate(recent=recent)
    found: dict[tuple[str, str], Latency] = {}
    grouped = rows.values_list("subject", "name", "error_class", "bucket", "recent").annotate(n=Sum("count"))
    for kind, name, error_class, bucket, is_recent, count in grouped.order_by():
        row = found.setdefault((kind, name), Latency(kind, name))
        stretch = row.day if is_recent else row.before
        stretch.count += count
        stretch.failed += count if error_class not in NOT_FAILED else 0
        if bucket != buckets.UNTIMED:
            stretch.durations[bucket] += count
    busiest = sorted((row for row in found.values() if row.day.count), key=lambda row: (-row.day.count, row.name))
    return sorted(busiest[:MAX_NAMES], key=lambda row: not (row.slower or row.fails))


def slowest(name: str, after: str = "", kind: str = "") -> tuple[list[Found], str]:
    """Return a page of the last day's steps with this name and kind, the slowest first, and `after` of the next page.

    Steps that waited for a person are left out: the wait says nothing about the step.
    """
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    steps = Step.objects.filter(_named(name, kind), finished_at__gte=Now() - DAY, waited_for_person=False)
    steps = steps.annotate(took=took)
    if (mark := _mark(after)) is not None:
        seconds, pk = mark
        steps = steps.filter(Q(took__lt=seconds) | Q(took=seconds, pk__lt=pk))
    return _page(steps.order_by(took.desc(), F("pk").desc()))


def failed_steps(name: str, after: str = "", kind: str = "") -> tuple[list[Found], str]:
    """Return a page of the failed steps with this name and kind, the newest first, and `after` of the next page."""
    steps = Step.objects.filter(~Q(error_code=""), _named(name, kind)).exclude(error_class__in=NOT_FAILED)
    if (mark := _mark(after)) is not None:
        steps = steps.filter(pk__lt=mark[1])
    return _page(steps.order_by("-pk"))


def _named(name: str, kind: str) -> Q:
    """Return the filter for the steps that a row of `latencies` counts.

    A model has one name for triage and answers, so the kind tells them apart. All invented tools count as one.
    """
    of_kind = Q(kind=kind) if kind else Q()
    if (kind, name) == (Step.Kind.TOOL, tools.UNKNOWN_TOOL):
        return of_kind & ~Q(name__in=tools.tool_names())
    return of_kind & Q(name=name)


LISTS = {"slow": slowest, "failed": failed_steps}


def _page(steps: QuerySet[Step]) -> tuple[list[Found], str]:
    # Without the columns that may hold a megabyte each.
    loaded = steps.select_related("run__ticket").defer("input", "output", "reasoning", "raw_response")
    rows = list(loaded[: _PAGE_SIZE + 1])
    found = [
        Found(step, step.finished_at - step.started_at if step.finished_at else None) for step in rows[:_PAGE_SIZE]
    ]
    return found, _after(found[-1]) if len(rows) > _PAGE_SIZE else ""


def _after(last: Found) -> str:
    return f"{(last.took or timedelta()) // timedelta(microseconds=1)}-{last.step.pk}"


def _mark(after: str) -> tuple[timedelta, int] | None:
    """Parse what `_after` wrote, or return None. The value comes from the address, so it may be anything."""
    microseconds, _, pk = after.partition("-")
    if not (microseconds.isdecimal() and pk.isdecimal() and len(microseconds) < 15 and len(pk) < 19):
        return None
    return timedelta(microseconds=int(microseconds)), int(pk)
