"""What is left of an order's money, next to refunds that the shop does or does not show yet (docs/design.md, 5.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals import states
from approvals.effects.reservations import FundsLeft, Reading, order_facts, subtract
from approvals.models import Action
from approvals.providers.orders import Order, Payment

ASKED_AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
BEFORE, SINCE = ASKED_AT - timedelta(seconds=1), ASKED_AT + timedelta(seconds=1)


def reading(*payments: tuple[int, int], **changes: Any) -> Reading:
    """Return an order read at ASKED_AT, with payments p1, p2… of (captured, refunded)."""
    order = Order(
        order_id="#W1", customer_id="c1", customer_email="kim@example.org", status="delivered", currency="USD",
        total=0, placed_at=BEFORE, items=[], tracking_numbers=[],
        payments=[Payment(payment_id=f"p{number}", method="card", captured=captured, refunded=refunded)
                  for number, (captured, refunded) in enumerate(payments, 1)],
    )  # fmt: skip
    return Reading(order.model_copy(update=changes), ASKED_AT)


def refund(
    amount: int, status: str = states.APPROVED, *, settled_at: datetime | None = None, payment: str | None = "p1"
) -> Action:
    """Return an action of ours; without a payment, a cancellation."""
    params = {"payment_id": payment} if payment else {}
    return Action(status=status, amount=amount, settled_at=settled_at, params=params)


@pytest.mark.parametrize("status", states.OPEN)
def test_what_may_still_take_effect_is_reserved(status: str) -> None:
    assert subtract(reading((10_000, 0)), [refund(3_000, status)]) == FundsLeft(7_000, {"p1": 7_000})


def test_without_actions_of_ours_the_shops_figures_count() -> None:
    assert subtract(reading((10_000, 4_000)), []) == FundsLeft(6_000, {"p1": 6_000})


@pytest.mark.parametrize(("settled_at", "left"), [(BEFORE, 5_000), (ASKED_AT, 2_000), (SINCE, 2_000), (None, 5_000)])
def test_only_what_settled_since_the_reading_is_not_in_it_yet(settled_at: datetime | None, left: int) -> None:
    # The shop shows 5,000, which include ours unless it settled after the shop was asked.
    done = refund(3_000, states.SUCCEEDED, settled_at=settled_at)
    assert subtract(reading((10_000, 5_000)), [done]).whole == left


def test_a_shop_that_shows_less_than_we_refunded_is_not_believed() -> None:
    done = refund(3_000, states.SUCCEEDED, settled_at=BEFORE)
    assert subtract(reading((10_000, 0)), [done]).whole == 7_000
    assert subtract(reading((10_000, 1_000)), [done, refund(2_000)]).whole == 5_000


def test_each_payment_has_its_own_rest_and_a_cancellation_counts_against_all() -> None:
    of_two = reading((10_000, 0), (6_000, 1_000))
    assert subtract(of_two, [refund(2_000, payment="p2")]) == FundsLeft(13_000, {"p1": 10_000, "p2": 3_000})
    assert subtract(of_two, [refund(5_500, payment=None)]) == FundsLeft(9_500, {"p1": 4_500, "p2": 0})


def test_nothing_is_left_rather_than_less_than_nothing() -> None:
    assert subtract(reading((1_000, 0)), [refund(1_001)]) == FundsLeft(0, {"p1": 0})


def test_a_refund_never_exceeds_the_order_nor_its_payment() -> None:
    left = FundsLeft(500, {"p1": 300, "p2": 900})
    assert [left.of(name) for name in (None, "p1", "p2", "unknown")] == [500, 300, 500, 0]


amounts = st.integers(0, 10_000)


@given(amounts, amounts, amounts, amounts)
def test_refunds_never_exceed_what_was_captured(captured: int, elsewhere: int, running: int, done: int) -> None:
    ours = [refund(running), refund(done, states.SUCCEEDED, settled_at=SINCE)]
    left = subtract(reading((captured, elsewhere)), ours).whole
    assert left == max(captured - elsewhere - running - done, 0)


@pytest.mark.parametrize(
    ("order", "days"),
    [
        ({"delivered_at": ASKED_AT - timedelta(days=31)}, 31),
        ({"delivered_at": ASKED_AT - timedelta(days=31, seconds=-1)}, 30),
        ({"delivered_at": SINCE}, 0),
        ({"status": "delivered"}, None),
        ({"status": "returned"}, None),
        ({"status": "shipped"}, 0),
    ],
)
def test_days_are_counted_from_the_delivery_to_the_reading(order: dict[str, Any], days: int | None) -> None:
    assert order_facts(reading((10_000, 0), **order), None)["days_since_delivery"] == days


def test_money_that_is_not_left_counts_as_refunded() -> None:
    read = reading((10_000, 0), (5_000, 0))
    facts = order_facts(read, FundsLeft(9_000, {}))
    assert (facts["captured"], facts["order_refunded"]) == (15_000, 6_000)
    assert order_facts(read, None)["order_refunded"] is None
