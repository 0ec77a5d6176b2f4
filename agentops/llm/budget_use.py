"""How much of each budget is spent and reserved: per day and month from Spending rows, per ticket from its steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from agentops.llm.prices import WorstCase
from agentops.models import Budget, Step

MODEL_CALLS = (Step.Kind.TRIAGE, Step.Kind.LLM)
_ZERO = Decimal(0)
_USED_SQL = """
    SELECT model,
           coalesce(sum(spent_usd) FILTER (WHERE day = today), 0),
           coalesce(sum(reserved_usd) FILTER (WHERE day = today), 0),
           coalesce(sum(spent_tokens) FILTER (WHERE day = today), 0)::bigint,
           coalesce(sum(reserved_tokens) FILTER (WHERE day = today), 0)::bigint,
           sum(spent_usd), sum(reserved_usd), sum(spent_tokens)::bigint, sum(reserved_tokens)::bigint
    FROM agentops_spending, (SELECT coalesce(%s::date, CURRENT_DATE) AS today) AS clock
    WHERE day >= date_trunc('month', today) AND day < date_trunc('month', today) + interval '1 month'
    GROUP BY model
"""


@dataclass(frozen=True)
class SpendingEntry:
    """A change to one Spending row, chosen by model and by the day (UTC) on which the call started."""

    day: date
    model: str
    calls: int = 0
    reserved_usd: Decimal = _ZERO
    reserved_tokens: int = 0
    spent_usd: Decimal = _ZERO
    spent_tokens: int = 0
    presumed_usd: Decimal = _ZERO


@dataclass
class Use:
    """US dollars and tokens of a model that are spent or reserved."""

    spent_usd: Decimal = _ZERO
    reserved_usd: Decimal = _ZERO
    spent_tokens: int = 0
    reserved_tokens: int = 0

    def add(self, other: "Use | SpendingEntry") -> None:
        self.spent_usd += other.spent_usd
        self.reserved_usd += other.reserved_usd
        self.spent_tokens += other.spent_tokens
        self.reserved_tokens += other.reserved_tokens


Usage = dict[tuple[str, str], Use]  # by (per, model)


@dataclass(frozen=True)
class BudgetStatus:
    """A budget and its use. Remaining amounts are at least 0, or None without a cap."""

    budget: Budget
    use: Use = field(default_factory=Use)

    @property
    def left_usd(self) -> Decimal | None:
        cap = self.budget.max_usd
        return None if cap is None else max(cap - self.use.spent_usd - self.use.reserved_usd, _ZERO)

    @property
    def left_tokens(self) -> int | None:
        cap = self.budget.max_tokens
        return None if cap is None else max(cap - self.use.spent_tokens - self.use.reserved_tokens, 0)

    @property
    def percent_spent(self) -> float:
        return self._share(self.use.spent_usd, self.use.spent_tokens)

    @property
    def percent_used(self) -> float:
        """Percentage of the dollar cap, or of the token cap if there is no dollar cap; at most 100."""
        use = self.use
        return self._share(use.spent_usd + use.reserved_usd, use.spent_tokens + use.reserved_tokens)

    def _share(self, usd: Decimal, tokens: int) -> float:
        part, cap = (usd, self.budget.max_usd) if self.budget.max_usd is not None else (tokens, self.budget.max_tokens)
        return min(round(100 * float(part) / float(cap), 1), 100.0) if cap else 100.0

    def has_room(self, worst: WorstCase) -> bool:
        usd, tokens = self.left_usd, self.left_tokens
        return (usd is None or worst.usd <= usd) and (tokens is None or worst.tokens <= tokens)


def usage_on(today: date | None, ticket_id: str | None = None) -> Usage:
    """Return the use per day and month by model, and per ticket if one is given. None means the database's date."""
    used: Usage = {}
    with connection.cursor() as cursor:
        cursor.execute(_USED_SQL, [today])
        for model, *sums in cursor.fetchall():
            used["day", model] = Use(*sums[:4])
            used["month", model] = Use(*sums[4:])
    if ticket_id is not None:
        steps = Step.objects.filter(run__ticket=ticket_id, kind__in=MODEL_CALLS)
        rows = steps.values("name", "cost_usd", "input_tokens", "output_tokens", "lost", "reservation")
        used |= {("ticket", model): use for model, use in usage_of_steps(list(rows)).items()}
    return used


def usage_of_steps(rows: Iterable[Mapping[str, Any]]) -> dict[str, Use]:
    """Add up the use of recorded steps by model. A lost answer counts towards the model that was called."""
    found: dict[str, Use] = {}
    for row in rows:
        # A step's cost includes lost answers, which may have come from another model than the one that answered.
        rest = Use(spent_usd=row["cost_usd"], spent_tokens=row["input_tokens"] + row["output_tokens"])
        for lost in row["lost"]:
            spent = Decimal(lost["usd"])
            found.setdefault(lost["model"], Use()).add(Use(spent_usd=spent, spent_tokens=lost["tokens"]))
            rest.spent_usd -= spent
        if reservation := row["reservation"]:
            rest.reserved_usd, rest.reserved_tokens = Decimal(reservation["usd"]), reservation["tokens"]
        found.setdefault(row["name"], Use()).add(rest)
    return found


def statuses_of(caps: Iterable[Budget], used: Usage) -> list[BudgetStatus]:
    """Return each budget with its use. A budget without a model counts all models."""
    result = []
    for cap in caps:
        use = Use()
        for (per, model), model_use in used.items():
            if per == cap.per and cap.model in ("", model):
                use.add(model_use)
        result.append(BudgetStatus(cap, use))
    return result


def budget_status(ticket_id: str | None = None) -> list[BudgetStatus]:
    """Return every budget with its use. Budgets per ticket are included only if a ticket is given."""
    caps = Budget.objects.order_by("per", "model")
    shown = [cap for cap in caps if ticket_id is not None or cap.per != Budget.Per.TICKET]
    return statuses_of(shown, usage_on(None, ticket_id)) if shown else []


def room_for(statuses: Iterable[BudgetStatus], model: str) -> tuple[Decimal | None, int | None]:
    """Return the US dollars and tokens that these budgets leave for a model; None means no cap."""
    matching = [each for each in statuses if each.budget.model in ("", model)]
    usd = [each.left_usd for each in matching if each.left_usd is not None]
    tokens = [each.left_tokens for each in matching if each.left_tokens is not None]
    return min(usd, default=None), min(tokens, default=None)
