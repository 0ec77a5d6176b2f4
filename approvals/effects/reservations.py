"""Compute what is left of an order's money, so that never more than was captured is refunded (docs/design.md, 5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from approvals import states
from approvals.models import Action, OrderLock
from approvals.providers.orders import Order, Payment


@dataclass(frozen=True)
class Reading:
    """An order as the shop returned it. `asked_at` is the database's time just before the request was sent."""

    order: Order
    asked_at: datetime


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]  # a timestamp


def lock_order(order_id: str) -> None:
    """Lock the order's money until the transaction ends. Other transactions that need it wait."""
    OrderLock.objects.bulk_create([OrderLock(order_id=order_id)], ignore_conflicts=True)
    OrderLock.objects.select_for_update().get(order_id=order_id)


@dataclass(frozen=True)
class FundsLeft:
    """What may still be refunded, in minor units: of the whole order, and of each payment."""

    whole: int
    payments: dict[str, int]

    def of(self, payment_id: str | None) -> int:
        """Return the most that one refund may return, of this payment or (None) of the order."""
        return self.whole if payment_id is None else min(self.whole, self.payments.get(payment_id, 0))


def funds_left(reading: Reading, *, without: int | None = None) -> FundsLeft:
    """Return what may still be refunded of an order. `without` leaves out one action, usually the one being judged."""
    return subtract(reading, [action for action in _of_order(reading.order.order_id) if action.pk != without])


def subtract(reading: Reading, ours: Sequence[Action]) -> FundsLeft:
    """Return what may still be refunded besides `ours`, the order's actions that move or have moved money. Pure.

    Actions that are open, or that succeeded after the shop was asked, are not in its figures yet and are subtracted.
    An effect that the shop already counts may be subtracted twice until it is settled, which errs on the safe side.
    """

    def rest(payments: list[Payment], ours: Sequence[Action]) -> int:
        settled = sum(action.amount or 0 for action in ours if action.status == states.SUCCEEDED)
        unseen = sum(action.amount or 0 for action in ours if _unseen(action, reading.asked_at))
        running = sum(action.amount or 0 for action in ours if action.status in states.OPEN)
        captured, refunded = sum(row.captured for row in payments), sum(row.refunded for row in payments)
        return max(captured - max(refunded + unseen, settled + running), 0)

    def of_payment(name: str) -> list[Action]:
        # A cancellation names no payment, because it returns all of them.
        return [action for action in ours if action.params.get("payment_id") in (None, name)]

    by_payment = {row.payment_id: rest([row], of_payment(row.payment_id)) for row in reading.order.payments}
    return FundsLeft(rest(reading.order.payments, ours), by_payment)


def order_snapshot(reading: Reading, rest: FundsLeft | None = None) -> dict[str, Any]:
    """Return the order as shown to people, with the refundable amount."""
    rest = rest or funds_left(reading)
    return {**reading.order.model_dump(mode="json"), "refundable": rest.whole}


def order_facts(reading: Reading, rest: FundsLeft | None) -> dict[str, Any]:
    """Return the fields of policy.verdicts.Facts that come from the order."""
    captured, refunded = reading.order.captured, None if rest is None else reading.order.captured - rest.whole
    days = _days_since_delivery(reading)
    return {"captured": captured, "order_refunded": refunded, "days_since_delivery": days}


def _days_since_delivery(reading: Reading) -> int | None:
    """Return the whole days since the delivery, at the time the shop was asked. 0 if not delivered yet, None if
    unknown."""
    delivered = reading.order.delivered_at
    if delivered is None:
        return None if reading.order.status in ("delivered", "returned") else 0
    return max((reading.asked_at - delivered).days, 0)


def _of_order(order_id: str) -> QuerySet[Action]:
    reserving = Action.objects.filter(status__in=(*states.OPEN, states.SUCCEEDED), amount__isnull=False)
    return reserving.filter(order_id=order_id).exclude(order_id="").only("status", "amount", "settled_at", "params")


def _unseen(action: Action, asked_at: datetime) -> bool:
    settled_since = action.settled_at is not None and action.settled_at >= asked_at
    return action.status in states.OPEN or settled_since
