"""Cancel an order that has not shipped; the shop returns its payments."""

from typing import Annotated, Any

from pydantic import Field

from agentops.lib.errors import Refused
from agentops.lib.money import Money, display
from approvals import kinds
from approvals.effects.kinds.base import CannotBeAsked, Kind, Params, Resolved, SideEffect
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.models import Action
from approvals.policy import rules
from approvals.policy.rules import Facts, Reason, Rules
from approvals.providers import orders
from approvals.providers.receipt import Receipt
from tickets.models import Ticket


class CancelOrderArguments(SideEffect):
    order_id: kinds.OrderId


class CancelOrderParams(Params):
    order_id: str
    amount: Annotated[int, Field(ge=0)] = Field(description="What the cancellation returns, in minor units.")
    currency: kinds.Currency
    reason: kinds.Reason


class CancelOrderKind(Kind[CancelOrderArguments, CancelOrderParams]):
    name = tool = icon = "cancel_order"
    label = "Cancel order"
    heading = "Cancellation"
    description = "Cancel one of this customer's orders that has not shipped; its payments are returned in full."
    arguments, params = CancelOrderArguments, CancelOrderParams
    providers = (orders.NAME,)
    moves_money = True
    never_happened = "The order isn't cancelled."
    while_unknown = "We keep checking the order until it shows the outcome, or until people confirm it."

    def resolve(
        self, given: CancelOrderArguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[CancelOrderParams]:
        reading = read_order(ticket, given.order_id, sources)
        order = reading.order
        if order.status not in ("pending", "processed"):
            message = f"Order {order.order_id} is {order.status}; only an order that has not shipped can be cancelled."
            raise Refused("not_cancellable", message, status=order.status, valid=["pending", "processed"])
        amount = order.captured - order.refunded
        # A cancellation returns all that is left. A refund that is reserved or unknown would be paid twice.
        if sources.left(reading).whole < amount:
            raise Refused("refund_in_progress", f"A refund of order {order.order_id} is under way; wait for it.")
        params = CancelOrderParams(order_id=order.order_id, amount=amount, currency=order.currency, reason=given.reason)
        money = Money(amount, order.currency)
        return Resolved(
            self, params, order.order_id, given.further, money=money, order_id=order.order_id, reading=reading
        )

    def body(self, params: CancelOrderParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {"reference": key, "reason": params.reason}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return rules.money(rules_, facts)

    def follows(self, params: CancelOrderParams, now: Resolved[CancelOrderParams]) -> CancelOrderParams:
        """Return the parameters with the order's current amount: a cancellation returns everything that is left."""
        if now.reading is None:
            return params
        return params.model_copy(update={"amount": now.reading.order.captured - now.reading.order.refunded})

    def send(self, params: CancelOrderParams, *, body: str, key: str) -> Receipt:
        return orders.cancel_order(params.order_id, body=body, key=key)

    def look_up(self, action: Action, params: CancelOrderParams) -> Receipt | None:
        order = orders.get_order(params.order_id)
        if order is None:
            raise CannotBeAsked("the order no longer exists.")
        if order.status != "cancelled":
            return None
        return Receipt(reference=order.order_id, data=order.model_dump(mode="json"))

    def approving(self, action: Action) -> str:
        amount = action.amount
        return "Cancel order" + (f" and refund {display(amount, action.currency)}" if amount is not None else "")
