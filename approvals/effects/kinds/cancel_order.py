"""Cancel an order that has not shipped; the shop returns its payments."""

from typing import Annotated, Any

from pydantic import Field

from agentops.lib.errors import Refused
from approvals import kinds, states
from approvals.audit import events
from approvals.effects import payload
from approvals.effects.kinds.base import CannotBeAsked, Kind, Params, Resolved, SideEffect
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.models import Action, ApprovalRequest
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
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
        return Resolved(self, params, order.order_id, given.further, reading=reading)

    def body(self, params: CancelOrderParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {"reference": key, "reason": params.reason}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return verdicts.money(rules_, facts)

    def follow(self, request: ApprovalRequest, now: Resolved[CancelOrderParams]) -> None:
        """Give the waiting action the order's current amount: a cancellation returns everything that is left, and that
        is what people decide on."""
        action = request.action
        if now.reading is None or action.digest != payload.action_digest(action):  # a mismatch must stay visible
            return
        left = now.reading.order.captured - now.reading.order.refunded
        if left == now.params.amount:
            return
        params = now.params.model_copy(update={"amount": left})
        new = payload.freeze(self, params, key=action.idempotency_key, ticket=action.ticket)
        for name, value in new.items():
            setattr(action, name, value)
        if Action.objects.filter(pk=action.pk, status=states.AWAITING_APPROVAL).update(**new):
            ApprovalRequest.objects.filter(pk=request.pk).update(digest=action.digest)
            told = {"amount": action.amount, "digest": action.digest}
            events.record_action_event(action, "action.amount_followed", after=told)

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
        return "Cancel order" + (f" and refund {action.money}" if action.money else "")
