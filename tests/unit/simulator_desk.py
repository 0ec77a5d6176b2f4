"""The application as the simulated model sees it: a desk that answers tool calls about one customer's orders."""

import json
from collections.abc import Mapping
from typing import Any

from agentops.lab.simulator.faults import Faults, Table
from agentops.lab.simulator.model.api import ModelApi
from agentops.lab.simulator.wire import Request

LAMP = {"item_id": "1", "name": "Reading Lamp", "price": 8400, "quantity": 1}
MUG = {"item_id": "2", "name": "Enamel Mug", "price": 1450, "quantity": 2}
TOOLS = ["find_orders", "get_order", "get_customer", "refund", "cancel_order", "change_account", "reply", "hand_over"]


def order(order_id: str, *items: Mapping[str, Any], status: str = "delivered", **more: Any) -> dict[str, Any]:
    total = sum(item["price"] * item["quantity"] for item in items)
    payment = {"payment_id": f"pay_{order_id}", "method": "card", "captured": total, "refunded": 0}
    base = {
        "order_id": order_id,
        "customer_id": "ada",
        "customer_email": "ada@example.com",
        "status": status,
        "currency": "USD",
        "total": total,
        "placed_at": "2026-03-01T00:00:00Z",
        "delivered_at": None,
        "items": [dict(item) for item in items],
        "payments": [payment],
        "tracking_numbers": ["490313116609"] if status != "pending" else [],
        "refundable": total,
    }
    return base | more


class Desk:
    """Answers tool calls about a customer's orders. `decided` is the outcome of each action."""

    def __init__(self, *orders: dict[str, Any], decided: Mapping[str, Any] | None = None) -> None:
        self.orders = {row["order_id"]: row for row in orders}
        self.decided = dict(decided or {"status": "succeeded"})
        self.acted: list[dict[str, Any]] = []

    def answer(self, name: str, raw: str) -> dict[str, Any]:
        try:
            given = json.loads(raw)
        except ValueError:
            return refused("invalid_arguments")
        if name not in TOOLS:
            return refused("unknown_tool")
        if name == "get_order":
            return self._order(given["order_id"])
        if name == "find_orders":
            number = given.get("tracking_number")
            found = [o for o in self.orders.values() if number is None or number in o["tracking_numbers"]]
            return {"orders": found}
        if name == "get_customer":
            return {"customer_id": "ada", "email": "ada@example.com", "name": "Ada Lovelace"}
        if name == "hand_over":
            return {"handed_over": True, "reason": given["reason"]}
        return self._act(name, given)

    def _order(self, order_id: Any) -> dict[str, Any]:
        if order_id in self.orders:
            return self.orders[order_id]
        owner = next((o["order_id"] for o in self.orders.values() if order_id in o["tracking_numbers"]), None)
        return refused("order_not_found", **({"order_id": owner} if owner else {}))

    def _act(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        if name == "reply":
            known = {(done["kind"], done.get("order_id")) for done in self.acted}
            grounded = all((claim["kind"], claim.get("order_id")) in known for claim in given["claims"])
            return {"action": {"kind": "reply", "status": "succeeded" if grounded else "rejected"}, "message": ""}
        if name == "refund" and type(given["amount"]) is not int:
            return refused("invalid_arguments")
        row = self.orders.get(given.get("order_id", ""))
        if row is None and name != "change_account":
            return self._order(given["order_id"])
        if name == "refund" and row and given["amount"] > row["refundable"]:
            return refused("amount_exceeds_refundable", refundable=row["refundable"])
        if any(done["tool"] == name for done in self.acted) and not given.get("further"):
            return refused("key_conflict")
        kind = {"change_account": "account_change"}.get(name, name)
        action = {"kind": kind, "status": "succeeded", "tool": name}
        action |= {field: given[field] for field in ("order_id", "amount", "currency") if field in given}
        result = {"action": action | self.decided, "message": "", "reason": self.decided.get("reason", "")}
        if result["action"]["status"] == "succeeded":
            self.acted.append(result["action"])
        return result


def refused(code: str, **details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": code, "details": details}}


class Model:
    """The model, called through its endpoint's function, with the transcript of one ticket."""

    def __init__(self, body: str, subject: str = "Help", table: Table | None = None) -> None:
        self.api = ModelApi(Faults(1, table or Table()), latency=0)
        heading = f"Ticket 7 from Ada Lovelace <ada@example.com>\nSubject: {subject}\n\n"
        self.messages: list[dict[str, Any]] = [
            {"role": "system", "content": "You are a support agent."},
            {"role": "user", "content": heading + body},
        ]

    def ask(self, **more: Any) -> dict[str, Any]:
        tools = [{"type": "function", "function": {"name": name}} for name in TOOLS]
        body = json.dumps({"model": "m", "messages": self.messages, "tools": tools} | more).encode()
        path = "/v1/chat/completions"
        answer = self.api.complete(Request("POST", path, f"POST {path}", {}, {}, {}, body))
        assert answer.status == 200, answer.body
        completion: dict[str, Any] = answer.body
        return completion

    def work(self, desk: Desk, turns: int = 12) -> list[tuple[str, dict[str, Any]]]:
        """Return the calls until the ticket is answered or handed over. Unreadable arguments are returned as {}."""
        path: list[tuple[str, dict[str, Any]]] = []
        for _ in range(turns):
            message = self.ask()["choices"][0]["message"]
            calls = message.get("tool_calls") or []
            self.messages.append({name: message[name] for name in ("role", "content", "tool_calls") if name in message})
            if not calls:
                self.messages.append({"role": "user", "content": "Answer with a tool call."})
            for call in calls:
                name, raw = call["function"]["name"], call["function"]["arguments"]
                result = desk.answer(name, raw)
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)})
                path.append((name, json.loads(raw) if raw.endswith("}") else {}))
                if name == "hand_over" or (name == "reply" and result["action"]["status"] == "succeeded"):
                    return path
        return path


def work(body: str, *orders: dict[str, Any], **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return Model(body).work(Desk(*orders, **more))


def names(path: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in path]


ONE = order("#W1111111", LAMP)
TWO = order("#W2222222", MUG, LAMP, tracking_numbers=["555000111222"])
PENDING = order("#W3333333", MUG, status="pending")
