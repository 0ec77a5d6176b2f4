"""What models cost, and which model took which steps, for pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Case, Count, Q, Sum, Value, When
from django.db.models.functions import TruncDate

from agentops.llm import admission
from agentops.llm.budget_use import MODEL_CALLS
from agentops.llm.tiers import PLAIN
from agentops.models import Breaker, Hold, ModelPrice, Replay, Run, Step
from agentops.runs import routing

_ZERO = Decimal(0)
# Triage costs money before the first turn.
WORKED = Q(turns__gt=0) | Q(cost_usd__gt=0)


@dataclass(frozen=True)
class DayCost:
    """Cost in US dollars of the runs on a day's tickets, by model tier, and the number of these tickets."""

    day: date
    tickets: int = 0
    plain: Decimal = _ZERO
    expert: Decimal = _ZERO

    @property
    def per_ticket(self) -> Decimal | None:
        return (self.plain + self.expert) / self.tickets if self.tickets else None


@dataclass(frozen=True)
class RouteCost:
    code: str
    what: str
    tickets: int
    runs: int
    cost_usd: Decimal

    @property
    def per_ticket(self) -> Decimal:
        return self.cost_usd / self.tickets


@dataclass
class ModelSteps:
    """Consecutive steps that one model took for one reason."""

    model: str
    provider: str
    why: str
    tier: str
    passed_over: tuple[str, ...] = ()
    steps: list[int] = field(default_factory=list)
    cost_usd: Decimal = _ZERO
    reserved_usd: Decimal = _ZERO
    presumed_usd: Decimal = _ZERO


def cost_by_day(since: datetime, today: date) -> list[DayCost]:
    """Return one row per day, including days without tickets."""
    runs = Run.objects.filter(WORKED, ticket__created_at__gte=since)
    tickets = dict(runs.values_list(TruncDate("ticket__created_at")).annotate(n=Count("ticket", distinct=True)))
    tier = Case(When(route__in=("", PLAIN), then=Value("plain")), default=Value("expert"))
    sums: dict[date, dict[str, Decimal]] = {}
    for day, who, usd in runs.values_list(TruncDate("ticket__created_at"), tier).annotate(usd=Sum("cost_usd")):
        sums.setdefault(day, {})[who] = usd
    first = since.date()
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    return [DayCost(day, tickets.get(day, 0), **sums.get(day, {})) for day in days]


def cost_by_route(since: datetime) -> list[RouteCost]:
    """Return cost by routing reason, the most runs first. Runs from before routing was recorded are left out."""
    runs = Run.objects.filter(WORKED, ticket__created_at__gte=since).exclude(route="")
    rows = runs.values_list("route").annotate(
        tickets=Count("ticket", distinct=True), runs=Count("pk"), usd=Sum("cost_usd")
    )
    return [RouteCost(code, route_name(code), *sums) for code, *sums in rows.order_by("-runs", "route")]


def replayed(since: datetime) -> dict[str, Any]:
    """Return {replays, cost_usd} of replays that called a model.

    They count towards the budgets but not towards the cost of tickets.
    """
    paid = Replay.objects.filter(created_at__gte=since, cost_usd__gt=0)
    return paid.aggregate(replays=Count("pk"), cost_usd=Sum("cost_usd", default=_ZERO))


def route_name(code: str) -> str:
    if code == PLAIN:
        return "Simple tickets (standard model)"
    return routing.CODES.get(code) or "Triage failed"


def who_did_what(steps: Sequence[Step]) -> list[ModelSteps]:
    """Return which model took which steps of a run, and why."""
    calls = [step for step in steps if step.kind in MODEL_CALLS]
    found = []
    for (model, provider, why, passed), group in groupby(calls, key=_model_and_reason):
        stretch = ModelSteps(model, provider, why, "", passed)
        for step in group:
            stretch.tier = step.input.get("route", {}).get("tier", "")
            stretch.steps.append(step.index)
            stretch.cost_usd += step.cost_usd
            stretch.presumed_usd += sum((Decimal(lost["usd"]) for lost in step.lost), _ZERO)
            if step.reservation:
                stretch.reserved_usd += Decimal(step.reservation["usd"])
        found.append(stretch)
    return found


def _model_and_reason(step: Step) -> tuple[str, str, str, tuple[str, ...]]:
    given = step.input
    why = given.get("route", {}).get("why", "")
    return step.name, given.get("provider", ""), why, tuple(given.get("passed_over", ()))


def prices_in_force() -> list[ModelPrice]:
    newest = ModelPrice.objects.order_by("model", "-pk").distinct("model")
    return list(newest.select_related("entered_by"))


def unpriced(prices: Sequence[ModelPrice]) -> list[str]:
    """Return models that steps are routed to and that have no price."""
    wanted = {target.model for tier in ("plain", "expert") for target in admission.targets(tier)}
    return sorted(wanted - {price.model for price in prices})


def breakers() -> list[Breaker]:
    """Return breakers with recent failures, open ones first."""
    return list(Breaker.objects.filter(failures__gt=0).order_by("-state", "provider", "model"))


def held() -> list[Any]:
    """Return how many runs wait for budget, a price or a model, by cause and model."""
    rows = Hold.objects.values("cause", "per", "model").annotate(runs=Count("pk"))
    return list(rows.order_by("-runs", "model"))
