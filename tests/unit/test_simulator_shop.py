import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentops.lab.simulator.demo_tickets import demo_tickets, lost_orders
from agentops.lab.simulator.shop import BadData, Shop, generate, load

TODAY = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
SEEDS = range(1, 13)


def test_a_seed_and_a_day_give_the_same_shop() -> None:
    assert generate(7, TODAY) == generate(7, TODAY.replace(hour=1))
    assert generate(7, TODAY) != generate(8, TODAY)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_shop_is_consistent(seed: int) -> None:
    shop = generate(seed, TODAY)
    assert len(shop.customers) == 60
    assert 110 <= len(shop.orders) <= 130
    assert Counter(order["currency"] for order in shop.orders.values()).keys() == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert len({p["payment_id"] for order in shop.orders.values() for p in order["payments"]}) >= len(shop.orders)
    for order in shop.orders.values():
        assert order["total"] == sum(item["price"] * item["quantity"] for item in order["items"])
        assert order["total"] == sum(payment["captured"] for payment in order["payments"])
        assert order["customer_email"] == shop.customers[order["customer_id"]]["email"]
        assert bool(order["tracking_numbers"]) == (order["status"] in ("shipped", "delivered", "returned"))
        age = TODAY - datetime.fromisoformat(order["placed_at"])
        assert 0 <= age.days <= 61


def test_every_customer_has_an_order() -> None:
    shop = generate(1, TODAY)
    assert {order["customer_id"] for order in shop.orders.values()} == set(shop.customers)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demo_has_a_ticket_for_every_feature(seed: int) -> None:
    shop = generate(seed, TODAY)
    tickets = demo_tickets(shop)
    assert 24 <= len(tickets) <= 30
    assert [ticket["external_id"] for ticket in tickets] == [f"demo-{n}" for n in range(1, len(tickets) + 1)]
    assert len({ticket["customer_email"] for ticket in tickets}) == len(tickets)
    assert {ticket["source"] for ticket in tickets} == {"demo"}
    bodies = "\n".join(ticket["body"] for ticket in tickets)
    for sign in ("cracked", "KWD", "¥", "e-mail address of my account", "Please cancel", "ignore all previous"):
        assert sign in bodies
    assert "[[" not in bodies
    assert len(lost_orders(shop)) == 1


def test_the_demo_tickets_adapt_to_the_served_shop(tmp_path: Path) -> None:
    shop = generate(1, TODAY)
    dollars = {key: order for key, order in shop.orders.items() if order["currency"] == "USD"}
    bodies = " ".join(ticket["body"] for ticket in demo_tickets(Shop(dollars, shop.customers)))
    assert "KWD" not in bodies
    assert demo_tickets(Shop({}, {})) == []


def test_a_folder_is_loaded(tmp_path: Path) -> None:
    shop = generate(1, TODAY)
    (tmp_path / "orders.json").write_text(json.dumps(list(shop.orders.values())))
    (tmp_path / "customers.json").write_text(json.dumps(list(shop.customers.values())))
    assert load(tmp_path) == shop


@pytest.mark.parametrize(
    ("orders", "expected"),
    [(None, "No such file"), ("nonsense", "not JSON"), ("{}", "not a JSON list"), ("[{}]", "record 0 has no order_id")],
)
def test_an_unusable_folder_is_refused_in_one_line(tmp_path: Path, orders: str | None, expected: str) -> None:
    if orders is not None:
        (tmp_path / "orders.json").write_text(orders)
    with pytest.raises(BadData, match=expected):
        load(tmp_path)
