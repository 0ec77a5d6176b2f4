"""The shop's adapter: read orders and customers, cancel orders, change accounts (docs/contracts/orders.yaml)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops.lib import addresses, http
from agentops.lib.errors import EffectUnknown, Terminal, Transient
from agentops.lib.moments import Moment
from approvals.providers.receipt import Receipt
from approvals.providers.unreadable import unexpected_format

NAME = "orders"


class ContractModel(BaseModel):
    """Ignores fields that the contract doesn't name, because a provider may add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Item(ContractModel):
    item_id: str
    name: str
    price: int
    quantity: int
    final_sale: bool = False


class Payment(ContractModel):
    payment_id: str
    method: str
    captured: int = Field(ge=0)
    refunded: int = Field(ge=0)


class Order(ContractModel):
    """Amounts are in minor units of `currency`."""

    order_id: str
    customer_id: str
    customer_email: str
    status: str
    currency: str
    total: int
    placed_at: Moment
    delivered_at: Moment | None = None
    items: list[Item]
    payments: list[Payment]
    tracking_numbers: list[str]

    @property
    def captured(self) -> int:
        return sum(payment.captured for payment in self.payments)

    @property
    def refunded(self) -> int:
        return sum(payment.refunded for payment in self.payments)

    def belongs_to(self, email: str) -> bool:
        return addresses.same(self.customer_email, email)


class ShopCustomer(ContractModel):
    customer_id: str
    email: str
    name: str
    address: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)

    def has(self, fields: Mapping[str, Any]) -> bool:
        """Return whether the account has these values. The address may have further parts, and e-mail addresses are
        compared without case."""
        now = self.model_dump(mode="json")
        return all(_same(name, wanted, now.get(name)) for name, wanted in fields.items())


def get_order(order_id: str) -> Order | None:
    """Return the order, or None if there is none with this id. Raises ProviderError."""
    return _one(Order, f"/orders/{quote(order_id, safe='')}")


def find_orders(*, customer_email: str | None = None, tracking_number: str | None = None) -> list[Order]:
    """Return orders by the customer's e-mail address or a parcel's tracking number, newest first. Raises
    ProviderError."""
    wanted = {"customer_email": customer_email, "tracking_number": tracking_number}
    answer = _read("/orders", params={key: value for key, value in wanted.items() if value})
    return [_parse(Order, order) for order in _field(answer.data, "orders")]


def get_customer(customer_id: str) -> ShopCustomer | None:
    """Return the customer, or None if there is none with this id. Raises ProviderError."""
    return _one(ShopCustomer, f"/customers/{quote(customer_id, safe='')}")


def cancel_order(order_id: str, *, body: str, key: str) -> Receipt:
    """Cancel the order, at most once per `key`. Raises ProviderError, also if the answer is not this order with the
    status `cancelled`, because such an answer proves nothing."""
    answer = _write("POST", f"/orders/{quote(order_id, safe='')}/cancel", body, key)
    order = _written(Order, answer)
    if (order.order_id, order.status) != (order_id, "cancelled"):
        raise _proves_nothing(f"The response shows order {order.order_id} as {order.status}.", answer)
    return _receipt(order_id, answer)


def change_customer(customer_id: str, *, body: str, key: str) -> Receipt:
    """Change the fields in `body` (CustomerChange as JSON), at most once per `key`. Raises ProviderError, also if the
    answer is not this customer with those values, because such an answer proves nothing."""
    answer = _write("PATCH", f"/customers/{quote(customer_id, safe='')}", body, key)
    customer = _written(ShopCustomer, answer)
    if customer.customer_id != customer_id or not customer.has(json.loads(body)):
        raise _proves_nothing("The response doesn't show the customer as changed.", answer)
    return _receipt(customer_id, answer)


def _client() -> httpx2.Client:
    return http.kept_client(settings.ORDERS_URL, token=settings.ORDERS_TOKEN, timeout=settings.PROVIDER_TIMEOUT_SECONDS)


def _write(method: str, path: str, body: str, key: str) -> http.JsonAnswer:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return http.call(_client(), method, path, content=body.encode(), headers=headers)


def _written[Shape: ContractModel](shape: type[Shape], answer: http.JsonAnswer) -> Shape:
    try:
        return shape.model_validate(answer.data)
    except ValidationError as error:
        raise _proves_nothing(unexpected_format(error), answer) from error


def _proves_nothing(why: str, answer: http.JsonAnswer) -> EffectUnknown:
    body = answer.text[: http.MAX_BODY_KEPT]
    return EffectUnknown("unreadable_answer", why, http_status=answer.status, body=body)


def _receipt(reference: str, answer: http.JsonAnswer) -> Receipt:
    return Receipt(
        reference=reference,
        data=answer.data,
        answer=answer.text,
        http_status=answer.status,
        replayed=answer.replayed,
    )


def _read(path: str, **options: Any) -> http.JsonAnswer:
    """Send a GET request. A read has no effect, so a lost answer is Transient: it may simply be asked again."""
    try:
        return http.call(_client(), "GET", path, **options)
    except EffectUnknown as error:
        raise Transient(error.code, error.message, http_status=error.http_status, body=error.body) from error


def _one[Shape: ContractModel](shape: type[Shape], path: str) -> Shape | None:
    try:
        return _parse(shape, _read(path).data)
    except Terminal as error:
        if error.http_status == 404:
            return None
        raise


def _parse[Shape: ContractModel](shape: type[Shape], data: Any) -> Shape:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        # A malformed answer may come from a proxy in between and pass, so it is worth a retry.
        raise Transient("unreadable_answer", unexpected_format(error), body=str(data)[:2000]) from error


def _field(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise Transient("unreadable_answer", f"The response has no list {name!r}.", body=str(data)[:2000])
    return value


def _same(name: str, wanted: Any, now: Any) -> bool:
    match name:
        case "email":
            return addresses.same(str(wanted), str(now))
        case "address":
            return all(now.get(part) == value for part, value in wanted.items())
    return bool(wanted == now)
