"""Finding the orders that a ticket is about: the next read, and the results so far."""

from dataclasses import dataclass, field
from typing import Any

from .reading import Wish
from .transcript import Call, Case

# Answers that another call would not change.
FINAL_CODES = frozenset({"order_not_found", "not_found", "not_this_customers_order", "customer_not_found"})
TRIES = 2


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: dict[str, Any]


class Next(Exception):
    """The call that has to come next, and why."""

    def __init__(self, name: str, arguments: dict[str, Any], reasoning: str) -> None:
        super().__init__(reasoning)
        self.call = ToolCall(name, arguments)
        self.reasoning = reasoning


class GiveUp(Exception):
    """Only a person can continue; the message says why."""


@dataclass
class Findings:
    """The orders read, in the order of the references; unknown order ids; ids of other customers' orders."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def look(case: Case, name: str, arguments: dict[str, Any], reasoning: str) -> Call:
    """Return the answer to a read, wherever it is in the transcript. Raises Next, or GiveUp after two failures."""
    made = case.calls_of(name, **arguments)
    made = [call for call in made if call.arguments == arguments]
    for call in made:
        if not call.error or call.error_code in FINAL_CODES:
            return call
    if len(made) >= TRIES:
        raise GiveUp(f"{name} failed {len(made)} times: {made[-1].error_code or 'no answer'}.")
    raise Next(name, arguments, reasoning)


def read_order(case: Case, order_id: str, findings: Findings) -> None:
    """Add one order to the findings, following a correction from the tool."""
    call = look(case, "get_order", {"order_id": order_id}, f"I need to see order {order_id} before I do anything.")
    belongs = call.details.get("order_id")
    if call.error_code == "not_this_customers_order":
        findings.foreign.append(order_id)
    elif call.error and isinstance(belongs, str) and belongs != order_id:
        read_order(case, belongs, findings)
    elif call.error:
        findings.unknown.append(order_id)
    elif call.result and all(order["order_id"] != call.result["order_id"] for order in findings.orders):
        findings.orders.append(call.result)


def referenced(case: Case, wish: Wish) -> Findings:
    """Return the orders behind the order and tracking numbers in the text."""
    findings = Findings()
    for number in wish.called_orders:
        _read_called_order(case, number, findings)
    for order_id in wish.order_ids:
        read_order(case, order_id, findings)
    for number in wish.tracking_numbers:
        _read_tracking(case, number, findings)
    return findings


def of_customer(case: Case) -> list[dict[str, Any]]:
    """Return all orders of the customer, newest first, as the search returns them."""
    reasoning = "There is no order number in the message, so I look the orders up by the customer's e-mail address."
    call = look(case, "find_orders", {"customer_email": case.email}, reasoning)
    return _orders_in(call)


def _read_called_order(case: Case, number: str, findings: Findings) -> None:
    """The customer calls it an order number, so it is tried as one; the tool recognises it."""
    before = len(findings.unknown)
    read_order(case, number, findings)
    if len(findings.unknown) > before:
        findings.unknown.pop()
        _read_tracking(case, number, findings)


def _read_tracking(case: Case, number: str, findings: Findings) -> None:
    reasoning = f"{number} looks like a tracking number; I search the order that it belongs to."
    call = look(case, "find_orders", {"tracking_number": number}, reasoning)
    found = _orders_in(call)
    for order in found:
        read_order(case, order["order_id"], findings)
    if call.error_code == "not_this_customers_order":
        findings.foreign.append(number)
    elif not found:
        findings.unknown.append(number)


def _orders_in(call: Call) -> list[dict[str, Any]]:
    found = (call.result or {}).get("orders")
    return [order for order in found if isinstance(order, dict)] if isinstance(found, list) else []
