"""The current orders and customers: the shop's records combined with what the store knows."""

import json
from collections import defaultdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .idempotency import Idempotency
from .shop import Customer, Order, Shop
from .store import Store, rfc3339
from .wire import Answer, BadRequest, Request, error, parse

CANCELLABLE = frozenset({"pending", "processed"})


class CancelBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    reference: str = Field(min_length=1, max_length=255)
    reason: str | None = None


class ChangeBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)
    name: str | None = Field(default=None, min_length=1, max_length=200)
    address: dict[str, Any] | None = None


class Orders:
    """Serves the endpoints of the orders contract."""

    def __init__(self, shop: Shop, store: Store, keys: Idempotency) -> None:
        self._shop = shop
        self._store = store
        self._keys = keys
        self._by_customer: defaultdict[str, list[Order]] = defaultdict(list)
        self._by_tracking: defaultdict[str, list[Order]] = defaultdict(list)
        for order in shop.orders.values():
            self._by_customer[order["customer_id"]].append(order)
            for number in order["tracking_numbers"]:
                self._by_tracking[number].append(order)

    def order_now(self, order_id: str) -> Order | None:
        """Return the order with its current refunds and status."""
        order = self._shop.orders.get(order_id)
        return None if order is None else self._now(order)

    def customer_now(self, customer_id: str) -> Customer | None:
        customer = self._shop.customers.get(customer_id)
        if customer is None:
            return None
        rows = self._store.rows(
            "SELECT changes FROM account_changes WHERE customer_id = ? ORDER BY number", customer_id
        )
        for row in rows:
            customer = customer | json.loads(row["changes"])
        return customer

    def get(self, request: Request) -> Answer:
        order = self.order_now(request.parameters["order_id"])
        return Answer(200, order) if order else _no_order(request.parameters["order_id"])

    def find(self, request: Request) -> Answer:
        email, tracking = request.query.get("customer_email"), request.query.get("tracking_number")
        if (email is None) == (tracking is None):
            message = "Give exactly one of customer_email and tracking_number."
            return error(400, "invalid_request", message)
        found = self._by_tracking.get(tracking, []) if tracking is not None else self._of_email(email or "")
        newest_first = sorted(found, key=lambda order: (order["placed_at"], order["order_id"]), reverse=True)
        return Answer(200, {"orders": [self._now(order) for order in newest_first]})

    def cancel(self, request: Request) -> Answer:
        body = parse(CancelBody, request.body)
        order_id = request.parameters["order_id"]
        return self._keys.run(request, lambda key: self._cancel(order_id, body, key))

    def customer(self, request: Request) -> Answer:
        customer = self.customer_now(request.parameters["customer_id"])
        return Answer(200, customer) if customer else _no_customer(request.parameters["customer_id"])

    def change(self, request: Request) -> Answer:
        changes = parse(ChangeBody, request.body).model_dump(exclude_none=True)
        if not changes:
            raise BadRequest(error(400, "invalid_request", "Give at least one of email, name and address."))
        customer_id = request.parameters["customer_id"]
        return self._keys.run(request, lambda key: self._change(customer_id, changes, key))

    def _now(self, order: Order) -> Order:
        payments = [
            payment | {"refunded": payment["refunded"] + self._store.returned(payment["payment_id"])}
            for payment in order["payments"]
        ]
        cancelled = self._store.row("SELECT 1 FROM cancellations WHERE order_id = ?", order["order_id"])
        return order | {"payments": payments, "status": "cancelled" if cancelled else order["status"]}

    def _of_email(self, email: str) -> list[Order]:
        """Search by the address at the time of the order, or by the customer's current one."""
        wanted = email.casefold()
        then = {o["customer_id"] for o in self._shop.orders.values() if o["customer_email"].casefold() == wanted}
        changed = {row["customer_id"] for row in self._store.rows("SELECT customer_id FROM account_changes")}
        for customer_id in changed:
            customer = self.customer_now(customer_id)
            if customer and customer["email"].casefold() == wanted:
                then.add(customer_id)
        return [order for customer_id in then for order in self._by_customer[customer_id]]

    def _cancel(self, order_id: str, body: CancelBody, key: str) -> Answer:
        order = self.order_now(order_id)
        if order is None:
            return _no_order(order_id)
        if order["status"] not in CANCELLABLE:
            message = f"Order {order_id} is {order['status']}: only pending and processed orders can be cancelled."
            return error(422, "not_cancellable", message, {"status": order["status"]})
        left = {p["payment_id"]: p["captured"] - p["refunded"] for p in order["payments"]}
        for payment_id, amount in left.items():
            self._store.insert("returned", payment_id=payment_id, amount=amount)
        self._store.insert(
            "cancellations",
            order_id=order_id,
            amount=sum(left.values()),
            currency=order["currency"],
            reference=body.reference,
            reason=body.reason,
            idempotency_key=key,
            created_at=self._store.now(),
        )
        return Answer(200, self.order_now(order_id))

    def _change(self, customer_id: str, changes: dict[str, Any], key: str) -> Answer:
        customer = self.customer_now(customer_id)
        if customer is None:
            return _no_customer(customer_id)
        owners = {other["email"].casefold() for other in self._shop.customers.values()} - {
            self._shop.customers[customer_id]["email"].casefold()
        }
        if changes.get("email", "").casefold() in owners:
            return error(422, "email_taken", "Another customer already has this email address.")
        self._store.insert(
            "account_changes",
            customer_id=customer_id,
            before=json.dumps({name: customer.get(name) for name in changes}),
            changes=json.dumps(changes),
            idempotency_key=key,
            created_at=self._store.now(),
        )
        return Answer(200, self.customer_now(customer_id))


def account_changes(store: Store) -> list[dict[str, Any]]:
    """Return every account change: {customer_id, before, changes, idempotency_key, created_at}, oldest first."""
    return [
        {
            "customer_id": row["customer_id"],
            "before": json.loads(row["before"]),
            "changes": json.loads(row["changes"]),
            "idempotency_key": row["idempotency_key"],
            "created_at": rfc3339(row["created_at"]),
        }
        for row in store.rows("SELECT * FROM account_changes ORDER BY number")
    ]


def _no_order(order_id: str) -> Answer:
    return error(404, "not_found", f"There is no order {order_id}.", {"order_id": order_id})


def _no_customer(customer_id: str) -> Answer:
    return error(404, "not_found", f"There is no customer {customer_id}.", {"customer_id": customer_id})
