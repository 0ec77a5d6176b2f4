"""Enforce budgets: reserve a call's worst case under row locks before the call, and book its cost after it.

Every model has one `Spending` row per day (UTC). A reservation locks the budgets that apply to the call, so only one
reservation at a time adds up what is spent and reserved. Where no budget applies, nothing is locked. Callers run in a
transaction.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from agentops.llm.holds import Exhausted
from agentops.llm.prices import WorstCase
from agentops.models import Budget, Step

log = logging.getLogger(__name__)
MODEL_CALLS = (Step.Kind.TRIAGE, Step.Kind.LLM)
_ZERO = Decimal(0)
_UNTIL = {"ticket": "", "day": ", or tomorrow (UTC)", "month": ", or next month (UTC)"}
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
# Rows are written in one order, so two transactions that post at once wait for each other and can't deadlock.
_POST_SQL = """
    INSERT INTO agentops_spending AS kept
        (day, model, calls, reserved_usd, reserved_tokens, spent_usd, spent_tokens, presumed_usd)
    SELECT day, model, sum(calls), sum(reserved_usd), sum(reserved_tokens),
           sum(spent_usd), sum(spent_tokens), sum(presumed_usd)
    FROM unnest(%s::date[], %s::text[], %s::bigint[], %s::numeric[], %s::bigint[], %s::numeric[], %s::bigint[],
                %s::numeric[])
         AS entry(day, model, calls, reserved_usd, reserved_tokens, spent_usd, spent_tokens, presumed_usd)
    GROUP BY day, model
    ORDER BY day, model
    ON CONFLICT (day, model) DO UPDATE SET
        calls = kept.calls + excluded.calls,
        reserved_usd = kept.reserved_usd + excluded.reserved_usd,
        reserved_tokens = kept.reserved_tokens + excluded.reserved_tokens,
        spent_usd = kept.spent_usd + excluded.spent_usd,
        spent_tokens = kept.spent_tokens + excluded.spent_tokens,
        presumed_usd = kept.presumed_usd + excluded.presumed_usd
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


def reserve(
    *,
    model: str,
    worst: WorstCase,
    today: date,
    ticket_id: str | None,
    entries: Sequence[SpendingEntry],
    preview: bool = False,
) -> None:
    """Check that every budget has room for the worst case of a call that starts `today`.

    `entries` count as used: the same transaction posts them along with the reservation. Without a ticket, budgets per
    ticket don't apply. With `preview` nothing is locked, so the result may be outdated. Raises Exhausted.
    """
    rows = Budget.objects.filter(model__in=("", model)).order_by("pk")
    if ticket_id is None:
        rows = rows.exclude(per=Budget.Per.TICKET)
    caps = list(rows if preview else rows.select_for_update(no_key=True))
    if not caps:
        return
    used = usage_on(today, ticket_id if any(cap.per == Budget.Per.TICKET for cap in caps) else None)
    for entry in entries:
        for per in _counted_in(entry.day, today):
            used.setdefault((per, entry.model), Use()).add(entry)
    for status in statuses_of(caps, used):
        if not status.has_room(worst):
            cap = status.budget
            when = f"when an admin raises the budget{_UNTIL[cap.per]}"
            raise Exhausted(
                model, _shortage(status, worst), when, per=cap.per, budget=cap.pk, as_of=cap.changed_at, worst=worst
            )


def _counted_in(day: date, today: date) -> list[Budget.Per]:
    """Return the periods that a Spending row of `day` counts towards.

    A call that ran past midnight must not free money in a day that never reserved it.
    """
    month = [Budget.Per.MONTH] if (day.year, day.month) == (today.year, today.month) else []
    return [Budget.Per.TICKET, *month, *([Budget.Per.DAY] if day == today else [])]


def lock_exclusively() -> None:
    """Lock the budgets before a cap or a price changes.

    Reservations and holds take a weaker lock on the table, so none of them can be between its check and its commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {Budget._meta.db_table} IN EXCLUSIVE MODE")


def lock_if_unchanged(budget: int, as_of: datetime) -> bool:
    """Return whether the cap is still the one set at `as_of`, and lock it.

    No cap or price can change until the transaction ends. A later change sees what this transaction wrote.
    """
    seen = Budget.objects.filter(pk=budget, changed_at=as_of)
    return seen.select_for_update(no_key=True).exists()


def book(step: Step, usd: Decimal, tokens: int, *, presumed: bool = False) -> None:
    """Book what the step's call cost and free its reservation. Recording the step posts the entry."""
    if step.reservation is None:
        return
    reserved = Decimal(step.reservation["usd"])
    if usd > reserved:
        log.error("%s billed $%s although at most $%s was expected: its server ignores %s",
                  step.name, usd, reserved, settings.LLM_MAX_TOKENS_NAME)  # fmt: skip
    step.settled = SpendingEntry(
        day=date.fromisoformat(step.reservation["day"]),
        model=step.reservation["model"],
        reserved_usd=-reserved,
        reserved_tokens=-step.reservation["tokens"],
        spent_usd=usd,
        spent_tokens=tokens,
        presumed_usd=usd if presumed else _ZERO,
    )


def free(step: Step) -> None:
    """Free the reservation of a call that was never sent or was refused."""
    book(step, _ZERO, 0)


def book_lost(step: Step) -> None:
    """Book the worst case of a call whose answer was lost: it may have been billed."""
    if step.reservation is None:
        return
    lost = {name: step.reservation[name] for name in ("model", "usd", "tokens")}
    usd = Decimal(lost["usd"])
    step.lost = [*step.lost, lost]
    step.cost_usd += usd
    step.run.cost_usd += usd
    book(step, usd, lost["tokens"], presumed=True)


def post_entries(entries: Sequence[SpendingEntry]) -> None:
    """Add the entries to the Spending rows.

    Call it as late as possible in a transaction, because others wait for these rows.
    """
    if not entries:
        return
    names = ("day", "model", "calls", "reserved_usd", "reserved_tokens", "spent_usd", "spent_tokens", "presumed_usd")
    with connection.cursor() as cursor:
        cursor.execute(_POST_SQL, [[getattr(entry, name) for entry in entries] for name in names])


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


def _shortage(status: BudgetStatus, worst: WorstCase) -> str:
    """Say which budget is short, what it has used and what the call needs."""
    cap, use = status.budget, status.use
    parts = []
    if cap.max_usd is not None and worst.usd > (status.left_usd or _ZERO):
        parts.append(
            f"${use.spent_usd:.4f} of ${cap.max_usd:.4f} spent, ${use.reserved_usd:.4f} reserved; "
            f"the next call may cost up to ${worst.usd:.4f}"
        )
    if cap.max_tokens is not None and worst.tokens > (status.left_tokens or 0):
        parts.append(
            f"{use.spent_tokens:,} of {cap.max_tokens:,} tokens spent, {use.reserved_tokens:,} reserved; "
            f"the next call may take up to {worst.tokens:,}"
        )
    return f"The budget “{cap}” is used up: {'; '.join(parts)}."
