"""The shop that the tickets are about: orders.json, customers.json and the rules in policy.json, in one folder.

Orders may give relative dates (`placed_days_ago`, `delivered_days_ago`), so that a set does not age. Everything else
follows docs/contracts/orders.yaml.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentops.lab.demo_policy import demo_rules
from approvals.policy.rules import Rules
from approvals.providers.orders import Order, ShopCustomer

SHIPPED = Path(__file__).with_name("set")


class BadShop(Exception):
    """Its text says which file and record is wrong, and why."""


@dataclass(frozen=True)
class Shop:
    """`orders` by id and `customers` in the simulator's format; `written` is the content of the files."""

    orders: dict[str, dict[str, Any]]
    customers: list[dict[str, Any]]
    rules: Rules
    written: list[Any]

    def save(self, folder: Path) -> None:
        """Write the files for the simulator's --data."""
        folder.mkdir()
        (folder / "orders.json").write_text(json.dumps(list(self.orders.values())))
        (folder / "customers.json").write_text(json.dumps(self.customers))


def folder_for(file: Path) -> Path:
    """Return the folder of a ticket file if it contains a shop, otherwise the one that comes with the package."""
    return file.parent if (file.parent / "orders.json").exists() else SHIPPED


def read(folder: Path, *, now: datetime | None = None) -> Shop:
    """Read the shop in a folder. Without a policy.json the demo's rules apply. Raises BadShop."""
    written = [_list(folder / "orders.json"), _list(folder / "customers.json")]
    dated = [_dated(row, now or datetime.now(UTC)) for row in written[0]]
    for name, shape, rows in (("orders.json", Order, dated), ("customers.json", ShopCustomer, written[1])):
        for number, row in enumerate(rows):
            try:
                shape.model_validate(row)
            except ValidationError as error:
                said = error.errors()[0]
                place = ".".join(map(str, said["loc"]))
                raise BadShop(f"{folder / name}: record {number}: {place}: {said['msg']}") from None
    rules = _rules(folder / "policy.json")
    orders = {row["order_id"]: row for row in dated}
    return Shop(orders, written[1], rules, [*written, rules.model_dump(mode="json", exclude_defaults=True)])


def _rules(file: Path) -> Rules:
    if not file.exists():
        return demo_rules()
    try:
        return Rules.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        said = error.errors()[0]
        raise BadShop(f"{file}: {'.'.join(map(str, said['loc']))}: {said['msg']}") from None


def _list(file: Path) -> list[Any]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadShop(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise BadShop(f"{file}: not JSON: {error}") from None
    if not isinstance(rows, list):
        raise BadShop(f"{file}: not a JSON list")
    return rows


def _dated(order: Any, now: datetime) -> Any:
    if not isinstance(order, dict):
        return order
    dated = dict(order)
    for name in ("placed", "delivered"):
        days = dated.pop(f"{name}_days_ago", None)
        if isinstance(days, int | float):
            moment = now - timedelta(days=days)
            dated[f"{name}_at"] = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"delivered_at": None, **dated}
