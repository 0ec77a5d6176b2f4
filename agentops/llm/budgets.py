"""Enforce budgets: reserve a call's worst case under row locks before the call, and book its cost after it.

Every model has one `Spending` row per day (UTC). A reservation locks the budgets that apply to the call, so only one
reservation at a time adds up what is spent and reserved. Where no budget applies, nothing is locked. Callers run in a
transaction.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection

from agentops.llm.budget_use import BudgetStatus, SpendingEntry, Use, statuses_of, usage_on
from agentops.llm.holds import Exhausted
from agentops.llm.prices import WorstCase
from agentops.models import Budget, Step

log = logging.getLogger(__name__)
_ZERO = Decimal(0)
_UNTIL = {"ticket": "", "day": ", or tomorrow (UTC)", "month": ", or next month (UTC)"}
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
    # In the order of their keys, so two reservations that share budgets wait for each other and can't deadlock.
    rows = Budget.objects.filter(model__in=("", model)).order_by("pk")
    if ticket_id is None:
        rows = rows.exclude(per=Budget.Per.TICKET)
    caps = list(rows if preview else rows.select_for_update(no_key=True))
    if not caps:
        return
    # A statement of its own: it sees what the transactions that held these locks before have committed.
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
    # The bill is what counts, even beyond the worst case: the money is spent, and the budget must show it.
    if usd > reserved:
        log.error(
            "%s billed $%s although at most $%s was expected: its server ignores %s",
            step.name,
            usd,
            reserved,
            settings.LLM_MAX_TOKENS_NAME,
        )
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
