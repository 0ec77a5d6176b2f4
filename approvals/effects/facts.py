"""Gather the facts that a proposal is judged by (policy.verdicts.Facts): its amount, and the sums that it adds to."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Q, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now, TruncDate, TruncDay

from approvals import states
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import Resolved
from approvals.effects.resolution import NOW, Sources
from approvals.models import Action, AgentDay
from approvals.policy import dial
from approvals.policy.verdicts import Facts, Outcome
from tickets.models import Ticket

COUNTED = (*states.OPEN, states.SUCCEEDED)
CUSTOMER_WINDOW = timedelta(days=30)


def gather_facts(
    resolved: Resolved[Any],
    ticket: Ticket,
    *,
    further: bool,
    by_agent: bool = True,
    written_since: bool = False,
    sources: Sources = NOW,
    at: datetime | None = None,
) -> Facts:
    """Gather the facts about a proposal. Call it in the transaction that holds `lock_sums`. `written_since`: the
    customer has written what the proposer has not read; a reply answers what it has read. For a replay, pass recorded
    `sources` and the time `at` which to compute the sums."""
    kind, money = resolved.kind, resolved.money
    own = kind.facts(resolved, ticket, by_agent=by_agent, sources=sources)
    if kind.moves_money and money:
        own |= _sums(money.currency, ticket, at)
    written_since = written_since and not kind.once_a_run
    position = dial.position(ticket.pk)
    return Facts(
        kind.name, money, further=further, written_since=written_since, position=position, tags=resolved.tags, **own
    )


def lock_sums(currency: str, customer_id: int) -> None:
    """Let only one proposal at a time add to the sums of a currency and of a customer, until the transaction ends."""
    _lock(f"policy:{currency}")
    lock_customer_sums(customer_id)


def lock_customer_sums(customer_id: int) -> None:
    """Let only one proposal or approval at a time add to a customer's sums, until the transaction ends."""
    _lock(f"policy:customer:{customer_id}")


def _lock(what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


def _sums(currency: str, ticket: Ticket, at: datetime | None) -> dict[str, Any]:
    """Return the customer's sums of the last thirty days and the auto-approved sum since midnight, in minor units."""
    then: Combinable = Now() if at is None else Value(at, DateTimeField())
    until = Q(approved_at__isnull=False) if at is None else Q(approved_at__lt=at)
    approved = Action.objects.filter(until, kind__in=KINDS.moving_money, status__in=COUNTED)
    by_customer = approved.filter(ticket__customer_id=ticket.customer_id, approved_at__gte=then - CUSTOMER_WINDOW)
    amounts = list(by_customer.values_list("currency", "amount"))
    if at is None:  # a lock is held: a row per day, instead of the day's actions (models.AgentDay)
        alone = AgentDay.objects.filter(currency=currency, day=TruncDate(Now())).aggregate(total=Sum("amount"))
    else:
        by_agent = approved.filter(currency=currency, verdict=Outcome.AUTO_APPROVE, approved_at__gte=TruncDay(then))
        alone = by_agent.aggregate(total=Sum("amount"))
    return {
        "customer_30_days": sum(amount or 0 for its_currency, amount in amounts if its_currency == currency),
        "customer_30_days_count": len(amounts),
        "agent_today": alone["total"] or 0,
    }
