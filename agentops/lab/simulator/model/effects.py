"""The effects that the agent intends, and how far each has come in the transcript."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import amounts
from .looking import Findings, Next, read_order
from .phrases import Kind
from .reading import Part, Wish
from .targets import CANCELLABLE, Order, Target, Unclear, choose_items, price_of, whole_order
from .transcript import Call, Case

MOST_TRIES = 4
# Refusals that a corrected call can overcome. Every other code ends the attempt.
CORRECTABLE = frozenset(
    {"key_conflict", "currency_mismatch", "amount_exceeds_refundable", "order_not_found", "invalid_arguments"}
)


@dataclass(frozen=True)
class Effect:
    """A call that changes something. `arguments` are complete except for `further`."""

    tool: str
    arguments: dict[str, Any]
    order: Order | None = None


@dataclass(frozen=True)
class Remark:
    """A remark to the customer about an order for which nothing is done."""

    kind: str  # nothing_left, cancelled, shipped, pending_part, currency, final_sale
    order: Order


type Decider = Callable[[Order, Part, Wish], list[Effect | Remark]]


def refund_effects(order: Order, part: Part, wish: Wish) -> list[Effect | Remark]:
    """Return the refund (or the cancellation, before the parcel leaves) that matches a request. Raises Unclear."""
    if order["status"] == "cancelled":
        return [Remark("cancelled", order)]
    left = refundable(order)
    if left <= 0:
        return [Remark("nothing_left", order)]
    items = choose_items(order, part, wish)
    asked = _asked_amount(order, part)
    if order["status"] in CANCELLABLE and asked is None and not wish.complaint:
        return cancel_effects(order, part, wish)
    if asked is None and not wish.complaint and any(item.get("final_sale") for item in items or order["items"]):
        return [Remark("final_sale", order)]
    sought = asked or (price_of(items, part.text) if items else _single(order, part) or left)
    amount = min(sought, left)
    common = {"currency": order["currency"], "reason": _why(wish, order, amount, left)}
    shares = _shares(order, amount)
    return [Effect("refund", {"order_id": order["order_id"]} | share | common, order) for share in shares]


def cancel_effects(order: Order, part: Part, wish: Wish) -> list[Effect | Remark]:
    if order["status"] == "cancelled":
        return [Remark("cancelled", order)]
    if order["status"] not in CANCELLABLE:
        return [Remark("shipped", order)]
    if not whole_order(order, choose_items(order, part, wish), part):
        return [Remark("pending_part", order)]
    reason = f"The customer asks to cancel order {order['order_id']}; it is {order['status']} and has not been sent."
    return [Effect("cancel_order", {"order_id": order["order_id"], "reason": reason}, order)]


def account_effect(changes: dict[str, Any]) -> Effect:
    what = " and ".join({"email": "e-mail address"}.get(name, name) for name in changes)
    reason = f"The customer asks to change the {what} of the account."
    return Effect("change_account", changes | {"reason": reason})


def effects_of(case: Case, wish: Wish, targets: dict[str, list[Target]]) -> list[Effect | Remark]:
    """Return everything requested, one entry per order and kind, after reading each order. Raises Next or Unclear."""
    planned: list[Effect | Remark] = []
    deciders: tuple[tuple[Kind, Decider], ...] = (("cancel", cancel_effects), ("refund", refund_effects))
    for kind, decide in deciders:
        for target in targets.get(kind, []):
            findings = Findings()
            read_order(case, target.order_id, findings)
            for order in findings.orders:
                planned += decide(order, wish.parts[kind], wish)
    unique = {_subject(entry): entry for entry in reversed(planned)}
    return [entry for entry in planned if unique[_subject(entry)] is entry]


def _subject(entry: Effect | Remark) -> tuple[Any, ...]:
    """Merge two entries with the same subject."""
    order_id = entry.order["order_id"] if entry.order else ""
    if isinstance(entry, Remark):
        return (entry.kind, order_id)
    return (entry.tool, order_id, entry.arguments.get("payment_id"))


def pursue(case: Case, effect: Effect, *, further: bool) -> Call:
    """Return how an effect ended: settled, or refused permanently. Raises Next while there is a better call to make."""
    arguments = dict(effect.arguments)
    if further:
        arguments["further"] = True
    named = {name: arguments[name] for name in ("order_id", "payment_id") if name in arguments}
    made = case.calls_of(effect.tool, **named)
    for call in made:
        if call.action or not _correct(arguments, call):
            return call
    if len(made) >= MOST_TRIES:
        return made[-1]
    raise Next(effect.tool, arguments, str(arguments["reason"]))


def refundable(order: Order) -> int:
    """Return the refundable minor units, according to the tool or the payments."""
    stated = order.get("refundable")
    if isinstance(stated, int):
        return stated
    return sum(int(p["captured"]) - int(p["refunded"]) for p in order.get("payments", []))


def _correct(arguments: dict[str, Any], call: Call) -> bool:
    """Apply a correction from an error. Returns False if the error says that this cannot be done."""
    if call.result is None:
        return True
    if call.error_code not in CORRECTABLE:
        return False
    if call.error_code == "key_conflict":
        if arguments.get("further"):
            return False
        arguments["further"] = True
    elif call.error_code == "currency_mismatch":
        arguments["currency"] = call.details.get("currency", arguments["currency"])
    elif call.error_code == "amount_exceeds_refundable":
        return _lower(arguments, call)
    return True


def _lower(arguments: dict[str, Any], call: Call) -> bool:
    left, tried = call.details.get("refundable"), call.argument("amount")
    if not isinstance(left, int) or left < 1:
        return False
    arguments["amount"] = min(int(arguments["amount"]), left)
    return bool(arguments["amount"] != tried)


def _asked_amount(order: Order, part: Part) -> int | None:
    """Return what the customer wants back, in the order's minor units. Raises Unclear about another currency."""
    if not part.amounts:
        return None
    place = part.text.find(order["order_id"].lstrip("#").lower())
    several = len(part.order_ids) == len(part.amounts) > 1 and place >= 0
    which = part.order_ids.index(order["order_id"]) if several and order["order_id"] in part.order_ids else 0
    amount = part.amounts[which]
    currency = order["currency"]
    if amount.currency not in (None, currency):
        total = amounts.written(int(order["total"]), currency)
        raise Unclear(
            f"Order {order['order_id']} was paid in {currency} ({total}). How much in {currency} is it about?"
        )
    return amount.minor(currency) or None


def _single(order: Order, part: Part) -> int | None:
    """Return the price of one piece if the order has several pieces of one article and the customer means one."""
    items = order["items"]
    if len(items) == 1 and int(items[0].get("quantity", 1)) > 1:
        price = price_of(items, part.text)
        return price if price < int(items[0]["price"]) * int(items[0]["quantity"]) else None
    return None


def _shares(order: Order, amount: int) -> list[dict[str, Any]]:
    """Return the amount with its payment, where there are several; in parts if no payment is large enough."""
    payments = order.get("payments", [])
    if len(payments) < 2:
        return [{"amount": amount}]
    left = {str(p["payment_id"]): int(p["captured"]) - int(p["refunded"]) for p in payments}
    for payment_id, most in left.items():
        if most >= amount:
            return [{"amount": amount, "payment_id": payment_id}]
    shares = []
    for payment_id, most in left.items():
        share = min(most, amount)
        amount -= share
        if share:
            shares.append({"amount": share, "payment_id": payment_id})
    return shares


def _why(wish: Wish, order: Order, amount: int, left: int) -> str:
    """Return the reason for the approver."""
    currency = order["currency"]
    cause = "reports a problem with what arrived" if wish.complaint else "asks for the money back"
    return (
        f"The customer {cause}. Order {order['order_id']} is {order['status']}; I propose "
        f"{amounts.written(amount, currency)} of {amounts.written(left, currency)} that can be refunded."
    )
