"""The contracts in docs/contracts match the code: intake's forms, the adapters' models, the simulator's answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from pydantic import BaseModel

from agentops.lab.local.programs import ROOT
from agentops.lab.simulator import shop
from agentops.lab.simulator.idempotency import Idempotency
from agentops.lab.simulator.orders import Orders
from agentops.lab.simulator.payments import Payments
from agentops.lab.simulator.store import Store
from agentops.lab.simulator.wire import Request
from approvals.providers import orders
from approvals.providers.payments import contract as refunds
from tickets import incoming

LIMITS = ("minLength", "maxLength")


@cache
def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "contracts" / f"{name}.yaml").read_text())
    return loaded


def schema(contract: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = document(contract)["components"]["schemas"][name]
    return found


def problems(contract: str, name: str, value: object) -> list[str]:
    """Return the contract's objections to a value that should be an instance of this schema."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": document(contract)["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(value)]


def limits(value: dict[str, Any]) -> dict[str, int]:
    text: dict[str, Any] = next((each for each in value.get("anyOf", []) if each["type"] == "string"), value)
    return {name: text[name] for name in LIMITS if name in text}


@pytest.mark.parametrize("form", [incoming.NewTicket, incoming.NewMessage])
def test_intake_accepts_the_fields_of_the_contract(form: type[BaseModel]) -> None:
    ours, said = form.model_json_schema(), schema("intake", form.__name__)
    assert sorted(ours["properties"]) == sorted(said["properties"])
    assert sorted(ours["required"]) == sorted(said["required"])
    for name, value in said["properties"].items():
        value = schema("intake", value["$ref"].rpartition("/")[2]) if "$ref" in value else value
        assert limits(ours["properties"][name]) == limits(value), name


@pytest.mark.parametrize(
    ("contract", "path", "model"),
    [
        ("orders", "Order", orders.Order),
        ("orders", "Order/items", orders.Item),
        ("orders", "Order/payments", orders.Payment),
        ("orders", "Customer", orders.ShopCustomer),
        ("refunds", "Refund", refunds.Refund),
    ],
)
def test_adapters_need_only_what_the_contract_promises(contract: str, path: str, model: type[BaseModel]) -> None:
    name, _, field = path.partition("/")
    said = schema(contract, name)
    said = said["properties"][field]["items"] if field else said
    ours = model.model_json_schema()
    assert set(ours["properties"]) <= set(said["properties"])
    assert set(ours["required"]) <= set(said["required"])


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(None, lambda: 1_700_000_000.0)
    yield store
    store.close()


def asked(method: str, path: str, body: object = None, **parameters: str) -> Request:
    headers = {"idempotency-key": "key"}
    return Request(method, path, f"{method} {path}", parameters, {}, headers, json.dumps(body).encode())


def test_the_simulator_answers_match_the_contracts(store: Store) -> None:
    world = shop.generate(1, datetime(2026, 11, 30, tzinfo=UTC))
    desk = Orders(world, store, Idempotency(store))
    for order in world.orders.values():
        answer = desk.get(asked("GET", "/orders", order_id=order["order_id"]))
        assert problems("orders", "Order", answer.body) == []
    for customer in world.customers.values():
        answer = desk.customer(asked("GET", "/customers", customer_id=customer["customer_id"]))
        assert problems("orders", "Customer", answer.body) == []
    order = next(each for each in world.orders.values() if each["status"] == "delivered")
    payment = order["payments"][0]["payment_id"]
    body = {"payment_id": payment, "order_id": order["order_id"], "amount": 1, "currency": order["currency"]}
    made = Payments(world, store, Idempotency(store), desk).create(
        asked("POST", "/refunds", {**body, "reference": "r"})
    )
    assert made.status == 201
    assert problems("refunds", "Refund", made.body) == []
    assert problems("orders", "Error", desk.get(asked("GET", "/orders", order_id="none")).body) == []


def test_a_value_that_breaks_the_contract_is_reported() -> None:
    assert problems("refunds", "Refund", {"refund_id": "re_1", "amount": "1"})
