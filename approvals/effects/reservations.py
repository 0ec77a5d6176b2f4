"""What is left of an order's money: nothing is ever refunded beyond what was captured (docs/design.md, 5.2)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q

from approvals import states
from approvals.models import Action, OrderLock
from approvals.providers.orders import Order


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


def left(reading: Reading, *, without: int | None = None, payment_id: str | None = None) -> int:
    """Minor units that may still be refunded: of one payment, or of the whole order.

    Ours that are open, or that succeeded after the shop was asked, are not in its figures yet and are taken off.
    An effect that the shop may already count is taken off twice until it is settled: too little is safe.
    `without` leaves one action out (the one that is being judged).
    """
    payments = [row for row in reading.order.payments if payment_id in (None, row.payment_id)]
    captured, refunded = sum(row.captured for row in payments), sum(row.refunded for row in payments)
    ours = [
        action
        for action in _of_order(reading.order.order_id).exclude(pk=without)
        # A cancellation returns every payment.
        if payment_id in (None, action.params.get("payment_id", payment_id))
    ]
    settled = sum(action.amount or 0 for action in ours if action.status == states.SUCCEEDED)
    unseen = sum(action.amount or 0 for action in ours if _unseen(action, reading.asked_at))
    running = sum(action.amount or 0 for action in ours if action.status in states.OPEN)
    return max(captured - max(refunded + unseen, settled + running), 0)


def snapshot(reading: Reading, *, without: int | None = None) -> dict[str, object]:
    """The order as a person is shown it, with what may still be refunded."""
    return {**reading.order.model_dump(mode="json"), "refundable": left(reading, without=without)}


def _of_order(order_id: str):  # type: ignore[no-untyped-def]
    return Action.objects.filter(
        ~Q(order_id=""), order_id=order_id, status__in=(*states.OPEN, states.SUCCEEDED), amount__isnull=False
    ).only("status", "amount", "settled_at", "params")


def _unseen(action: Action, asked_at: datetime) -> bool:
    if action.status in states.OPEN:
        return True
    return action.settled_at is not None and action.settled_at >= asked_at
