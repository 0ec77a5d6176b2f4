"""The text of a reply: only what is known to have happened, in a friendly tone."""

import re
from typing import Any

from .amounts import written
from .effects import Effect
from .looking import Findings
from .targets import Order
from .transcript import Call

ACTION_TOOLS = frozenset({"refund", "cancel_order", "change_account"})
CLOSING = "Kind regards,\nCustomer support"

REMARKS = {
    "nothing_left": "For order {id} nothing is left that could be paid back: its balance is zero.",
    "cancelled": "Order {id} is not active any more in our system: there is nothing left to do on it.",
    "shipped": "Order {id} has left our warehouse (it is {status}), so it is too late to call it off. "
    "Once it is with you, you can send it back.",
    "pending_part": "Order {id} has not been sent yet, and single items cannot be taken out of it. "
    "You can wait for the parcel and send items back, or we can call off the whole order: which do you prefer?",
    "final_sale": "The item on order {id} was sold as final sale, which we take back only when it is faulty. "
    "If something is wrong with it, please tell me what.",
}
STATUS = {
    "pending": "has been placed and waits to be packed",
    "processed": "has been packed and leaves our warehouse soon",
    "shipped": "is on its way to you",
    "delivered": "was delivered",
    "cancelled": "is cancelled",
    "returned": "came back to us",
}


class Draft:
    """Collects what to say and what to claim. `claims` holds succeeded actions only."""

    def __init__(self, first_name: str) -> None:
        self._greeting = f"Hi {first_name}," if first_name else "Hello,"
        self._sentences: list[str] = []
        self._questions: list[str] = []
        self._ending = ""
        self.claims: list[dict[str, Any]] = []

    @property
    def told(self) -> bool:
        return bool(self._sentences)

    @property
    def purpose(self) -> str:
        """Return why this reply is sent, for readers of the trace."""
        if self.claims:
            return "Tells the customer what has been done."
        if self._questions:
            return "Asks the customer for what is missing."
        return "Answers the customer; nothing has been changed."

    def say(self, sentence: str) -> None:
        if sentence not in self._sentences:
            self._sentences.append(sentence)

    def ask(self, question: str) -> None:
        if question not in self._questions:
            self._questions.append(question)

    def remark(self, kind: str, order: Order) -> None:
        self.say(REMARKS[kind].format(id=order["order_id"], status=order["status"]))

    def exchange(self) -> None:
        self.say("I cannot exchange items or change what was ordered from here.")
        self.ask("You can send the item back and order the one you want instead: shall I arrange that?")

    def not_found(self, findings: Findings) -> None:
        for order_id in findings.foreign:
            self.say(
                f"I cannot find {order_id} under your e-mail address. For your protection I can only help with orders "
                "that were placed with it; please write to us from the address that the order was placed with."
            )
        for order_id in findings.unknown:
            self.say(f"I cannot find an order {order_id}.")
        if findings.unknown:
            self.ask("Could you check the number in your confirmation e-mail? It begins with #W.")

    def status(self, order: Order) -> None:
        sentence = f"Order {order['order_id']} {STATUS.get(order['status'], 'is ' + str(order['status']))}"
        if order["status"] == "delivered" and order.get("delivered_at"):
            sentence += f" on {str(order['delivered_at'])[:10]}"
        sentence += f". Its total is {written(int(order['total']), order['currency'])}."
        numbers = order.get("tracking_numbers") or []
        if numbers:
            sentence += f" The tracking number is {' and '.join(numbers)}."
        self.say(sentence)

    def tell(self, effect: Effect, call: Call) -> None:
        """Describe the outcome of one effect in the customer's words."""
        if call.status == "succeeded":
            self._succeeded(effect, call.action or {})
        elif call.status == "rejected":
            self._rejected(effect, str((call.result or {}).get("reason") or ""))
        elif call.status == "blocked":
            self.say(f"I am sorry: our rules do not allow {_wish(effect)}, so nothing has been changed.")
        elif call.error_code == "not_cancellable":
            status = call.details.get("status", "no longer pending")
            self.remark("cancelled" if status == "cancelled" else "shipped", (effect.order or {}) | {"status": status})
        elif call.error_code in ("amount_exceeds_refundable", "not_refundable") and effect.order:
            self.remark("nothing_left", effect.order)
        else:
            self.say(f"I am sorry: {_wish(effect)} did not go through, and nothing has been changed.")
            self.say("Please answer this message if you would like us to look into it.")

    def text(self) -> str:
        paragraphs = [
            self._greeting,
            " ".join([*self._sentences, self._ending]).strip(),
            " ".join(self._questions),
            CLOSING,
        ]
        return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)

    def _rejected(self, effect: Effect, reason: str) -> None:
        self.say(f"I asked a colleague about {_wish(effect)}, but we are not able to agree to it.")
        answer = re.sub(r"[.!]\s+", "; ", reason.strip()).rstrip(".!")
        if answer:
            self.say(f"On your request they told me: {answer}.")
        self.say("I am sorry that I have no better news. If there is more we should know, just answer this message.")

    def _succeeded(self, effect: Effect, action: dict[str, Any]) -> None:
        key = {"action": str(action["idempotency_key"])} if action.get("idempotency_key") else {}
        if effect.tool == "change_account":
            self.say(f"We have changed {_changes(effect.arguments)} as you asked.")
            self.claims.append({"kind": "account_change"} | key)
            return
        order_id = action.get("order_id") or effect.arguments["order_id"]
        amount, currency = action.get("amount"), action.get("currency") or effect.arguments.get("currency")
        money = written(amount, currency) if isinstance(amount, int) and isinstance(currency, str) else ""
        claim = {"kind": effect.tool, "order_id": order_id} | key
        if money:
            claim |= {"amount": amount, "currency": currency}
        self.claims.append(claim)
        if effect.tool == "cancel_order":
            returned = f" and {money} goes back to your original payment method" if money else ""
            self.say(f"Order {order_id} is cancelled{returned}.")
            return
        self.say(f"We have refunded {money} for order {order_id} to your original payment method.")
        if isinstance(amount, int) and amount < int(effect.arguments["amount"]):
            asked = written(int(effect.arguments["amount"]), str(currency))
            self.say(f"After a look at your order this is what we can give back of the {asked} in question.")
        self._ending = "Money can take up to five working days to reach you."


def _wish(effect: Effect) -> str:
    """Describe the effect as something requested, so that a sentence about it claims nothing."""
    arguments = effect.arguments
    if effect.tool == "refund":
        return f"paying back {written(arguments['amount'], arguments['currency'])} for order {arguments['order_id']}"
    if effect.tool == "cancel_order":
        return f"calling off order {arguments['order_id']}"
    return f"changing {_changes(arguments)}"


def _changes(arguments: dict[str, Any]) -> str:
    names = {
        "email": f"your e-mail address to {arguments.get('email')}",
        "name": f"your name to {arguments.get('name')}",
    }
    parts = [text for name, text in names.items() if name in arguments]
    if "address" in arguments:
        parts.append("your default address")
    return " and ".join(parts)
