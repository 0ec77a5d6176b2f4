"""Figures about actions for the dashboard. Every query reads a partial index or a limited period, so its cost does not
grow with the history."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import TruncDate

from approvals import states
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, Attempt, Comparison, Finding
from approvals.models.books import MISSED
from approvals.policy.verdicts import Outcome

# An action that settles today was approved within this period. The index is on the time of approval.
SETTLES_WITHIN = timedelta(days=30)
# Counting actions on hold stops here.
HELD_BACK = 1_000


@dataclass(frozen=True)
class WaitingRequests:
    count: int
    oldest: datetime | None


@dataclass
class MoneyFigures:
    """Amounts of one currency in minor units: `moved` today, `held` for approval, `underway` (approved, unsettled)."""

    currency: str
    moved: int = 0
    moved_count: int = 0
    held: int = 0
    held_count: int = 0
    underway: int = 0


@dataclass(frozen=True)
class ProviderFailures:
    """Failed attempts of one error class: the attempts, the actions they belong to, and how many of those actions
    succeeded in the end."""

    error_class: str
    attempts: int
    actions: int
    succeeded: int


@dataclass(frozen=True)
class AutonomyDay:
    """Actions approved on a day, and how many of them were auto-approved (`alone`)."""

    day: date
    actions: int = 0
    alone: int = 0


@dataclass(frozen=True)
class UnresolvedActions:
    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class OpenFindings:
    """Open findings. `uncompared` means that comparisons have been failing, so there may be more."""

    count: int
    oldest: datetime | None
    uncompared: bool


def waiting_requests() -> WaitingRequests:
    opened = ApprovalRequest.objects.filter(closed_at__isnull=True)
    return WaitingRequests(**opened.aggregate(count=Count("pk"), oldest=Min("created_at")))


def money_figures(today: datetime) -> list[MoneyFigures]:
    """Return the figures per currency, the busiest first. `today` is the start of the day."""
    found: dict[str, MoneyFigures] = {}

    moved = Action.objects.filter(
        kind__in=KINDS.moving_money,
        status=states.SUCCEEDED,
        settled_at__gte=today,
        approved_at__gte=today - SETTLES_WITHIN,
    )
    for currency, amount, count in moved.values_list("currency").annotate(sum=Sum("amount"), n=Count("pk")):
        row = found.setdefault(currency, MoneyFigures(currency))
        row.moved, row.moved_count = amount, count
    open_ones = Action.objects.filter(kind__in=KINDS.moving_money, status__in=(states.AWAITING_APPROVAL, *states.OPEN))
    held = Q(status=states.AWAITING_APPROVAL)
    sums = open_ones.values_list("currency").annotate(
        held=Sum("amount", filter=held), n=Count("pk", filter=held), underway=Sum("amount", filter=~held)
    )
    for currency, amount, count, underway in sums:
        row = found.setdefault(currency, MoneyFigures(currency))
        row.held, row.held_count, row.underway = amount or 0, count, underway or 0
    return sorted(found.values(), key=lambda row: (-row.moved_count - row.held_count, row.currency))


def held_back(kind: str) -> int:
    """Count the approved actions that a stop of this kind holds back (empty: all kinds), up to `HELD_BACK`."""
    held = Action.objects.filter(status=states.APPROVED, **({"kind": kind} if kind else {}))
    return held[:HELD_BACK].count()


def duplicates_absorbed(since: datetime) -> int:
    """Count repeated proposals that returned the existing action, on tickets created since then."""
    met = Action.objects.filter(ticket__created_at__gte=since, duplicates_absorbed__gt=0)
    return met.aggregate(total=Sum("duplicates_absorbed"))["total"] or 0


def unresolved_actions() -> UnresolvedActions:
    found = Action.objects.filter(status=states.UNRESOLVED)
    return UnresolvedActions(**found.aggregate(count=Count("pk"), oldest=Min("approved_at")))


def finding_figures() -> OpenFindings:
    opened = Finding.objects.filter(closed_at__isnull=True)
    uncompared = Comparison.objects.missed().count() > MISSED
    return OpenFindings(**opened.aggregate(count=Count("pk"), oldest=Min("found_at")), uncompared=uncompared)


def provider_failures(since: datetime) -> list[ProviderFailures]:
    """Return failed attempts by error class, for tickets created since then."""
    bad = Attempt.objects.filter(action__ticket__created_at__gte=since).exclude(
        outcome__in=("", "succeeded", "changed")
    )
    healed = Count("action", distinct=True, filter=Q(action__status=states.SUCCEEDED))
    rows = bad.values_list("outcome").annotate(
        attempts=Count("pk"), actions=Count("action", distinct=True), healed=healed
    )
    return sorted((ProviderFailures(*row) for row in rows), key=lambda row: -row.attempts)


def autonomy_by_day(since: datetime, today: date) -> list[AutonomyDay]:
    """Return one row per day, including days without actions."""
    alone = Count("pk", filter=Q(verdict=Outcome.AUTO_APPROVE))
    rows = (
        Action.objects.filter(approved_at__gte=since)
        .values_list(TruncDate("approved_at"))
        .annotate(n=Count("pk"), alone=alone)
        .order_by()
    )
    found = {day: AutonomyDay(day, actions, by_policy) for day, actions, by_policy in rows}
    first = since.date()
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    return [found.get(day, AutonomyDay(day)) for day in days]
