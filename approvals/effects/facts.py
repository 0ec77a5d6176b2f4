"""What is known of a proposal as it is judged (policy.Facts): its own size, and the sums that it adds to."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Q, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now, TruncDay

from approvals import states
from approvals.effects.reservations import Reading
from approvals.effects.resolution import NOW, Resolved, Sources
from approvals.grounding import check
from approvals.models import Action
from approvals.policy import dial, rules
from approvals.policy.rules import Facts
from tickets.models import Ticket

MONEY_KINDS = ("refund", "cancel_order")
COUNTED = (*states.OPEN, states.SUCCEEDED)
CUSTOMER_WINDOW = timedelta(days=30)


def of(
    resolved: Resolved,
    ticket: Ticket,
    *,
    left: int | None,
    further: bool,
    by_agent: bool = True,
    sources: Sources = NOW,
    at: datetime | None = None,
) -> Facts:
    """Inside the transaction that holds `serialise`'s lock; or, to say how it would have been judged, from other
    sources, with the sums as they were `at` a time. `left`: minor units that the order has left."""
    more: dict[str, Any] = {"further": further, "position": dial.position(ticket.pk), "tags": resolved.tags}
    if resolved.kind.name in MONEY_KINDS:
        return Facts(resolved.kind.name, **more, **_of_order(resolved, left), **_sums(resolved.currency, ticket, at))
    beyond = tuple(ungrounded(resolved, ticket.pk, by_agent=by_agent, sources=sources))
    return Facts(resolved.kind.name, **more, fixed=resolved.fixed, ungrounded=beyond)


def recorded(action: Action) -> Facts:
    """What the action was judged by; its ticket's place on the dial is the same at any time."""
    kept = action.facts
    return Facts(**{
        "kind": action.kind,
        **kept,
        "ungrounded": tuple(kept.get("ungrounded", ())),
        "position": dial.position(action.ticket_id),
        "tags": None if kept.get("tags") is None else tuple(kept["tags"]),
    })  # fmt: skip


def ungrounded(resolved: Resolved, ticket_id: str, *, by_agent: bool = True, sources: Sources = NOW) -> list[str]:
    """What a reply says beyond the ticket's succeeded actions, a sentence each. What people write declares no claims:
    it is held against all that happened."""
    if resolved.kind.name != "reply":
        return []
    done = sources.effects(ticket_id)
    declared = resolved.params["claims"] if by_agent else [check.claim_of(effect) for effect in done]
    return check.ungrounded(resolved.params["text"], check.named(declared, done), done, resolved.cancelled)


def serialise(currency: str, customer_id: int) -> None:
    """Lets one proposal at a time add to the sums of a currency and of a customer, until the transaction ends."""
    with connection.cursor() as cursor:
        for what in (f"policy:{currency}", f"policy:customer:{customer_id}"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


def _of_order(resolved: Resolved, left: int | None) -> dict[str, Any]:
    reading = resolved.reading
    captured = reading.order.captured if reading else None
    return {
        "amount": resolved.amount,
        "currency": resolved.currency,
        "captured": captured,
        "order_refunded": None if captured is None or left is None else captured - left,
        "days_since_delivery": _days_since_delivery(reading) if reading else None,
    }


def _sums(currency: str, ticket: Ticket, at: datetime | None) -> dict[str, Any]:
    """Of the customer in thirty days, and of the agent since midnight."""
    then: Combinable = Now() if at is None else Value(at, DateTimeField())
    until = Q(approved_at__isnull=False) if at is None else Q(approved_at__lt=at)
    approved = Action.objects.filter(until, kind__in=MONEY_KINDS, status__in=COUNTED)
    by_customer = approved.filter(ticket__customer_id=ticket.customer_id, approved_at__gte=then - CUSTOMER_WINDOW)
    amounts = list(by_customer.values_list("currency", "amount"))
    alone = approved.filter(
        currency=currency, verdict=rules.Outcome.AUTO_APPROVE, approved_at__gte=TruncDay(then)
    ).aggregate(total=Sum("amount"))
    return {
        "customer_30_days": sum(amount or 0 for its_currency, amount in amounts if its_currency == currency),
        "customer_30_days_count": len(amounts),
        "agent_today": alone["total"] or 0,
    }


def _days_since_delivery(reading: Reading) -> int | None:
    """Whole days when the shop was asked; 0 for what is still to be delivered, None where the shop does not say."""
    delivered = reading.order.delivered_at
    if delivered is None:
        return None if reading.order.status in ("delivered", "returned") else 0
    return max((reading.asked_at - delivered).days, 0)
