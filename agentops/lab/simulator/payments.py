"""The refunds contract, and the ledger of the money that really moved."""

from collections import Counter
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .idempotency import Idempotency
from .orders import Orders, account_changes
from .shop import Order, Shop
from .store import Store, microseconds, rfc3339
from .wire import Answer, BadRequest, Request, error, parse

PAGE_SIZE = 100
REFUNDS = "SELECT refunds.*, failed_at FROM refunds LEFT JOIN refund_failures ON refund = number"


class RefundBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    payment_id: str
    order_id: str
    amount: int = Field(ge=1, le=2**53)
    currency: str
    reference: str = Field(min_length=1, max_length=255)
    reason: str | None = Field(default=None, max_length=500)


class Payments:
    """Serves `/refunds` and `/ledger`. `trusting`: it checks nothing, and pays whatever is requested."""

    def __init__(self, shop: Shop, store: Store, keys: Idempotency, orders: Orders, *, trusting: bool = False) -> None:
        self._trusting = trusting
        self._store = store
        self._keys = keys
        self._orders = orders
        self._order_of = {p["payment_id"]: o["order_id"] for o in shop.orders.values() for p in o["payments"]}

    def create(self, request: Request) -> Answer:
        body = parse(RefundBody, request.body)
        return self._keys.run(request, lambda key: self._refund(body, key))

    def find(self, request: Request) -> Answer:
        conditions, values = ["1 = 1"], list[Any]()
        for column in ("reference", "order_id"):
            if column in request.query:
                conditions.append(f"{column} = ?")
                values.append(request.query[column])
        if "created_after" in request.query:
            conditions.append("created_at > ?")
            values.append(_moment(request.query["created_after"]))
        if "cursor" in request.query:
            conditions.append("number < ?")
            values.append(_number(request.query["cursor"]))
        where = " AND ".join(conditions)
        sql = f"{REFUNDS} WHERE {where} ORDER BY number DESC LIMIT ?"
        # One row more than a page shows whether there is a next one.
        rows = self._store.rows(sql, *values, PAGE_SIZE + 1)
        page = rows[:PAGE_SIZE]
        cursor = str(page[-1]["number"]) if len(rows) > PAGE_SIZE else None
        return Answer(200, {"refunds": [_refund(row) for row in page], "next_cursor": cursor})

    def ledger(self, request: Request) -> Answer:
        """Return the ledger, oldest first. Totals are in minor units per currency; duplicates are references (for an
        account change its key) with more than one effect. Refunds that failed later count in neither."""
        refunds = [
            _refund(row) | {"reason": row["reason"], "idempotency_key": row["idempotency_key"]}
            for row in self._store.rows(f"{REFUNDS} ORDER BY number")
        ]
        cancellations = [
            {name: value for name, value in row.items() if name != "number"}
            | {"created_at": rfc3339(row["created_at"])}
            for row in self._store.rows("SELECT * FROM cancellations ORDER BY number")
        ]
        changes = account_changes(self._store)
        totals: Counter[str] = Counter()
        moved = [*(row for row in refunds if row["status"] != "failed"), *cancellations]
        for row in moved:
            totals[row["currency"]] += row["amount"]
        effects = Counter(row["reference"] for row in moved)
        effects.update(row["idempotency_key"] for row in changes)
        return Answer(
            200,
            {
                "refunds": refunds,
                "cancellations": cancellations,
                "account_changes": changes,
                "totals": dict(totals),
                "duplicates": sorted(reference for reference, count in effects.items() if count > 1),
            },
        )

    def _refund(self, body: RefundBody, key: str) -> Answer:
        refused = None if self._trusting else self._refusal(body)
        if refused:
            return refused
        number = self._store.insert(
            "refunds",
            payment_id=body.payment_id,
            order_id=body.order_id,
            amount=body.amount,
            currency=body.currency,
            reference=body.reference,
            reason=body.reason,
            idempotency_key=key,
            created_at=self._store.now(),
        )
        self._store.insert("returned", payment_id=body.payment_id, amount=body.amount)
        return Answer(201, self._refund_answer(number))

    def fail(self, request: Request) -> Answer:
        """Have the customer's bank return the money days later. Repeating this changes nothing."""
        with self._store.transaction():
            row = self._store.row(f"{REFUNDS} WHERE printf('re_%08d', number) = ?", request.parameters["refund_id"])
            if row is None:
                return error(404, "not_found", "There is no such refund.")
            if row["failed_at"] is None:
                self._store.insert("refund_failures", refund=row["number"], failed_at=self._store.now())
                self._store.insert("returned", payment_id=row["payment_id"], amount=-row["amount"])
            return Answer(200, self._refund_answer(row["number"]))

    def _refund_answer(self, number: int) -> dict[str, Any]:
        return _refund(self._store.row(f"{REFUNDS} WHERE number = ?", number) or {})

    def _refusal(self, body: RefundBody) -> Answer | None:
        order = self._orders.order_now(body.order_id)
        if order is None or self._order_of.get(body.payment_id) != body.order_id:
            details = {"payment_id": body.payment_id, "order_id": body.order_id}
            return error(404, "not_found", "This order has no such payment.", details)
        return _refusal(order, body)


def _refusal(order: Order, body: RefundBody) -> Answer | None:
    """Return the business rule that forbids this refund, if one does."""
    if order["status"] == "cancelled":
        message = "The order is cancelled, and its payments were returned."
        return error(422, "not_refundable", message, {"status": order["status"]})
    if body.currency != order["currency"]:
        message = f"The payment was made in {order['currency']}."
        return error(422, "currency_mismatch", message, {"currency": order["currency"]})
    payment = next(p for p in order["payments"] if p["payment_id"] == body.payment_id)
    refundable = payment["captured"] - payment["refunded"]
    if body.amount > refundable:
        message = f"Only {refundable} of {payment['captured']} can still be refunded."
        details = {"captured": payment["captured"], "refunded": payment["refunded"], "refundable": refundable}
        return error(422, "amount_exceeds_refundable", message, details)
    return None


def _refund(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "refund_id": f"re_{row['number']:08d}",
        "payment_id": row["payment_id"],
        "order_id": row["order_id"],
        "amount": row["amount"],
        "currency": row["currency"],
        "reference": row["reference"],
        "status": "succeeded" if row["failed_at"] is None else "failed",
        "created_at": rfc3339(row["created_at"]),
    }


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest(error(400, "invalid_request", "created_after must be an RFC 3339 time."))
    return microseconds(moment)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise BadRequest(error(400, "invalid_request", "This cursor is invalid."))
    return int(text)
