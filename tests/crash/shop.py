"""A shop of any size for crash cases: an order and a customer for each, known everywhere by one number."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FIRST = 7_000_001
CAPTURED, PENDING_CAPTURED = 10_000, 4_000
EMAIL, NEW_EMAIL = "kim.{}@example.com", "kim.new.{}@example.com"


def write(folder: Path, numbers: Sequence[int]) -> None:
    """Write orders.json and customers.json for the simulator's --data."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.json").write_text(json.dumps([_order(number) for number in numbers]))
    (folder / "customers.json").write_text(json.dumps([_customer(number) for number in numbers]))


def order_id(number: int) -> str:
    return f"#W{number}"


def number_of(email: str) -> int:
    return int(re.sub(r"\D", "", email))


def captured(number: int) -> int:
    return PENDING_CAPTURED if is_pending(number) else CAPTURED


def _order(number: int) -> dict[str, Any]:
    """100.00 USD in one payment. Every third order is small and pending, and can be cancelled."""
    pending = is_pending(number)
    total = captured(number)
    return {
        "order_id": order_id(number),
        "customer_id": f"customer_{number}",
        "customer_email": EMAIL.format(number),
        "status": "pending" if pending else "delivered",
        "currency": "USD",
        "total": total,
        "placed_at": "2026-01-01T00:00:00Z",
        "delivered_at": None if pending else "2026-01-04T00:00:00Z",
        "items": [
            {"item_id": f"{number}1", "name": "Desk Lamp", "price": total - 2_000, "quantity": 1},
            {"item_id": f"{number}2", "name": "Mug", "price": 2_000, "quantity": 1},
        ],
        "payments": [{"payment_id": f"pay_{number}", "method": "card", "captured": total, "refunded": 0}],
        "tracking_numbers": [],
    }


def is_pending(number: int) -> bool:
    return number % 3 == 0


def _customer(number: int) -> dict[str, Any]:
    return {
        "customer_id": f"customer_{number}",
        "email": EMAIL.format(number),
        "name": "Kim Doe",
        "address": {"address1": "1 Mill Lane", "city": "Leeds", "country": "UK"},
        "since": "2024-01-01T00:00:00Z",
        "tags": [],
    }
