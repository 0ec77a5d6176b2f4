"""What is left of an order's money: nothing is ever refunded beyond what was captured (docs/design.md, 5.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from approvals import states
from approvals.models import Action, OrderLock
from approvals.providers.orders import Order, Payment


@dataclass(frozen=True)
class Reading:
    """An order as the shop told it, and when it was asked (the database's clock, before the request went out)."""

    order: Order
    asked_at: datetime


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def lock(order_id: str) -> None:
    """Holds the order's money until the transaction ends: whoever else wants it waits."""
    OrderLock.objects.bulk_create([OrderLock(order_id=order_id)], ignore_conflicts=True)
    OrderLock.objects.select_for_update().get(order_id=order_id)


@dataclass(frozen=True)
class Left:
    """Minor units that may still be refunded: of the whole order, and of each of its payments alone."""

    whole: int
    payments: dict[str, int]

    def of(self, payment_id: str | None) -> int:
        """What one refund may return: of this payment, or of any where it is None."""
        return self.whole if payment_id is None else min(self.whole, self.payments.get(payment_id, 0))


def left(reading: Reading, *, without: int | None = None) -> Left:
    """What may still be refunded of an order.

    Ours that are open, or that succeeded after the shop was asked, are not in its figures yet and are taken off.
    An effect that the shop may already count is taken off twice until it is settled: too little is safe.
    `without` leaves one action out (the one that is being judged).
    """
    ours = [action for action in _of_order(reading.order.order_id) if action.pk != without]

    def rest(payments: list[Payment], ours: list[Action]) -> int:
        settled = sum(action.amount or 0 for action in ours if action.status == states.SUCCEEDED)
        unseen = sum(action.amount or 0 for action in ours if _unseen(action, reading.asked_at))
        running = sum(action.amount or 0 for action in ours if action.status in states.OPEN)
        captured, refunded = sum(row.captured for row in payments), sum(row.refunded for row in payments)
        return max(captured - max(refunded + unseen, settled + running), 0)

    return Left(
        rest(reading.order.payments, ours),
        {
            # A cancellation names no payment: it returns every one.
            row.payment_id: rest(
                [row], [each for each in ours if each.params.get("payment_id") in (None, row.payment_id)]
            )
            for row in reading.order.payments
        },
    )


def snapshot(reading: Reading, rest: Left | None = None) -> dict[str, Any]:
    """The order as a person is shown it, with what may still be refunded."""
    rest = rest or left(reading)
    return {**reading.order.model_dump(mode="json"), "refundable": rest.whole}


def facts(reading: Reading, rest: Left | None) -> dict[str, Any]:
    """The fields of policy.rules.Facts that an order gives."""
    captured = reading.order.captured
    return {
        "captured": captured,
        "order_refunded": None if rest is None else captured - rest.whole,
        "days_since_delivery": _days_since_delivery(reading),
    }


def _days_since_delivery(reading: Reading) -> int | None:
    """Whole days when the shop was asked; 0 for what is still to be delivered, None where the shop does not say."""
    delivered = reading.order.delivered_at
    if delivered is None:
        return None if reading.order.status in ("delivered", "returned") else 0
    return max((reading.asked_at - delivered).days, 0)


def _of_order(order_id: str) -> QuerySet[Action]:
    return Action.objects.filter(
        ~Q(order_id=""), order_id=order_id, status__in=(*states.OPEN, states.SUCCEEDED), amount__isnull=False
    ).only("status", "amount", "settled_at", "params")


def _unseen(action: Action, asked_at: datetime) -> bool:
    if action.status in states.OPEN:
        return True
    return action.settled_at is not None and action.settled_at >= asked_at
