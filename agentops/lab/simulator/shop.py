"""The shop's records: loaded from a folder, or generated from a seed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from . import assortment

CUSTOMERS = 60

type Order = dict[str, Any]
type Customer = dict[str, Any]


class BadData(Exception):
    """The data folder cannot be used. The message is one line for a person."""


@dataclass(frozen=True)
class Shop:
    """Orders by order_id and customers by customer_id, in the format of the orders contract. Never modified."""

    orders: dict[str, Order]
    customers: dict[str, Customer]


def load(folder: Path) -> Shop:
    """Load the shop from `folder`/orders.json and customers.json (JSON lists). Raises BadData."""
    orders = _records(folder / "orders.json", ("order_id", "customer_id", "customer_email", "items", "payments"))
    customers = _records(folder / "customers.json", ("customer_id", "email", "name"))
    return Shop({row["order_id"]: row for row in orders}, {row["customer_id"]: row for row in customers})


def _records(file: Path, required: tuple[str, ...]) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except OSError as missing:
        raise BadData(f"{file}: {missing.strerror}") from missing
    except ValueError as broken:
        raise BadData(f"{file}: not JSON: {broken}") from broken
    if not isinstance(rows, list):
        raise BadData(f"{file}: not a JSON list")
    for number, row in enumerate(rows):
        missing_names = [name for name in required if not isinstance(row, dict) or name not in row]
        if missing_names:
            raise BadData(f"{file}: record {number} has no {', '.join(missing_names)}")
    return rows


def generate(seed: int, today: datetime, customers_wanted: int = CUSTOMERS) -> Shop:
    """Generate this many customers with about two orders each: the same for the same seed and day (times are
    relative to `today`)."""
    random = Random(seed)
    midnight = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    customers = _customers(random, midnight, customers_wanted)
    orders: dict[str, Order] = {}
    for number, customer in enumerate(customers):
        currency = assortment.CURRENCIES[number % len(assortment.CURRENCIES)]
        for which in range(2 + (number % 4 == 1) - (number % 4 == 3)):
            status = assortment.STATUSES[(number * 2 + which * 5) % len(assortment.STATUSES)]
            order = _order(random, midnight, customer, currency, status)
            orders[order["order_id"]] = order
    return Shop(orders, {customer["customer_id"]: customer for customer in customers})


def _customers(random: Random, midnight: datetime, wanted: int) -> list[Customer]:
    first_names = random.sample(assortment.FIRST_NAMES, CUSTOMERS)
    customers = []
    for first in islice(cycle(first_names), wanted):
        last = random.choice(assortment.LAST_NAMES)
        number = random.randint(1000, 9999)
        street, city = random.choice(assortment.STREETS), random.choice(assortment.CITIES)
        customers.append(
            {
                "customer_id": f"{first}_{last}_{number}".lower(),
                "email": f"{first}.{last}{number}@example.com".lower(),
                "name": f"{first} {last}",
                "address": {"address1": f"{random.randint(1, 240)} {street}", "city": city[0], "country": city[1]},
                "since": _time(midnight - timedelta(days=random.randint(90, 1500))),
                "tags": random.choice(([], [], [], ["loyal"], ["newsletter"])),
            }
        )
    return customers


def _order(random: Random, midnight: datetime, customer: Customer, currency: str, status: str) -> Order:
    number = random.randint(1_000_000, 9_999_999)
    items = _items(random, currency)
    total = sum(item["price"] * item["quantity"] for item in items)
    age = random.uniform(0.3, 4) if status == "pending" else random.uniform(6, 60)
    placed = midnight - timedelta(days=age)
    delivered = placed + timedelta(days=random.uniform(2, 5)) if status in ("delivered", "returned") else None
    returned = status in ("cancelled", "returned")
    sent = status in ("shipped", "delivered", "returned")
    return {
        "order_id": f"#W{number}",
        "customer_id": customer["customer_id"],
        "customer_email": customer["email"],
        "status": status,
        "currency": currency,
        "total": total,
        "placed_at": _time(placed),
        "delivered_at": _time(delivered) if delivered else None,
        "items": items,
        "payments": _payments(random, number, total, returned),
        "tracking_numbers": [str(random.randint(10**11, 10**12 - 1))] if sent else [],
    }


def _items(random: Random, currency: str) -> list[dict[str, Any]]:
    items = []
    for name, cents in random.sample(assortment.ARTICLES, random.choice((1, 1, 2, 2, 3))):
        item = {
            "item_id": str(random.randint(10**9, 10**10 - 1)),
            "name": name,
            "price": assortment.price(cents, currency),
            "quantity": random.choice((1, 1, 1, 1, 2)),
        }
        if random.random() < 0.12:
            item["final_sale"] = True
        items.append(item)
    return items


def _payments(random: Random, number: int, total: int, returned: bool) -> list[dict[str, Any]]:
    methods = random.sample(assortment.METHODS, 2 if random.random() < 0.12 else 1)
    first = total if len(methods) == 1 else total * 2 // 3
    return [
        {
            "payment_id": f"pay_W{number}_{place}",
            "method": method,
            "captured": captured,
            "refunded": captured if returned else 0,
        }
        for place, (method, captured) in enumerate(zip(methods, (first, total - first), strict=False), start=1)
    ]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
