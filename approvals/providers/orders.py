"""The shop: orders and customers as read now, cancellations and account changes (contracts/orders.yaml)."""

from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx2
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops.lib import http
from agentops.lib.errors import EffectUnknown, Terminal, Transient

NAME = "orders"


class Answer(BaseModel):
    """Fields that the contract does not name are passed over, not refused: a provider may add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Item(Answer):
    item_id: str
    name: str
    price: int
    quantity: int
    final_sale: bool = False


class Payment(Answer):
    payment_id: str
    method: str
    captured: int = Field(ge=0)
    refunded: int = Field(ge=0)


class Order(Answer):
    """Amounts are minor units of `currency`."""

    order_id: str
    customer_id: str
    customer_email: str
    status: str
    currency: str
    total: int
    placed_at: datetime
    delivered_at: datetime | None = None
    items: list[Item]
    payments: list[Payment]
    tracking_numbers: list[str]

    @property
    def captured(self) -> int:
        return sum(payment.captured for payment in self.payments)

    @property
    def refunded(self) -> int:
        return sum(payment.refunded for payment in self.payments)


class Customer(Answer):
    customer_id: str
    email: str
    name: str
    address: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


def get_order(order_id: str) -> Order | None:
    """The order, or None where there is none of this id. Raises ProviderError."""
    return _one(Order, f"/orders/{quote(order_id, safe='')}")


def find_orders(*, customer_email: str | None = None, tracking_number: str | None = None) -> list[Order]:
    """Newest first; by the customer's address or by a parcel's tracking number. Raises ProviderError."""
    wanted = {"customer_email": customer_email, "tracking_number": tracking_number}
    answer = _read("/orders", params={key: value for key, value in wanted.items() if value})
    return [_parse(Order, order) for order in _field(answer.data, "orders")]


def get_customer(customer_id: str) -> Customer | None:
    """The customer, or None where there is none of this id. Raises ProviderError."""
    return _one(Customer, f"/customers/{quote(customer_id, safe='')}")


def cancel_order(order_id: str, *, body: str, key: str) -> http.Answer:
    return _write("POST", f"/orders/{quote(order_id, safe='')}/cancel", body, key)


def change_customer(customer_id: str, *, body: str, key: str) -> http.Answer:
    return _write("PATCH", f"/customers/{quote(customer_id, safe='')}", body, key)


def _client() -> httpx2.Client:
    return _kept_client(settings.ORDERS_URL, settings.ORDERS_TOKEN, settings.PROVIDER_TIMEOUT_SECONDS)


@cache
def _kept_client(url: str, token: str, timeout: float) -> httpx2.Client:
    return http.client(url, token=token, timeout=timeout)


def _write(method: str, path: str, body: str, key: str) -> http.Answer:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return http.call(_client(), method, path, content=body.encode(), headers=headers)


def _read(path: str, **options: Any) -> http.Answer:
    """A read has no effect, whatever becomes of it."""
    try:
        return http.call(_client(), "GET", path, **options)
    except EffectUnknown as error:
        raise Transient(error.code, error.message, http_status=error.http_status, body=error.body) from error


def _one[Shape: Answer](shape: type[Shape], path: str) -> Shape | None:
    try:
        return _parse(shape, _read(path).data)
    except Terminal as error:
        if error.http_status == 404:
            return None
        raise


def _parse[Shape: Answer](shape: type[Shape], data: Any) -> Shape:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        # A broken answer may be a passing fault of a proxy in between.
        raise Transient("unreadable_answer", f"not the contract's shape: {error}", body=str(data)[:2000]) from error


def _field(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise Transient("unreadable_answer", f"the answer has no list {name!r}", body=str(data)[:2000])
    return value
