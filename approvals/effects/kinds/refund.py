"""Return part or all of one payment of an order."""

from typing import Any

from pydantic import Field

from agentops.lib.errors import Refused
from agentops.lib.money import Money, display
from approvals import kinds, states
from approvals.effects.kinds.base import Kind, Params, Resolved, SideEffect, stored
from approvals.effects.reservations import FundsLeft, Reading
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.models import Action
from approvals.policy import rules
from approvals.policy.rules import Facts, Reason, Rules
from approvals.providers import orders, payments
from approvals.providers.receipt import Receipt
from tickets.models import Ticket


class RefundArguments(SideEffect):
    order_id: kinds.OrderId
    amount: kinds.Amount = Field(description="In the currency's minor unit: 8400 is 84.00 USD, 8400 is 8400 JPY.")
    currency: kinds.Currency
    payment_id: str | None = Field(
        default=None, max_length=255, description="Only where the order has several payments."
    )


class RefundParams(Params):
    order_id: str
    payment_id: str
    amount: kinds.Amount
    currency: kinds.Currency
    reason: kinds.Reason


class RefundKind(Kind[RefundArguments, RefundParams]):
    name = tool = icon = "refund"
    label = "Refund"
    description = "Refund part or all of a payment of one of this customer's orders. Read the order first."
    arguments, params = RefundArguments, RefundParams
    providers = (payments.NAME, orders.NAME)
    moves_money = True
    editable = ("amount", "reason")
    never_happened = "The provider has no refund with our reference."
    while_unknown = (
        "We keep asking the provider for this reference until it answers, or until people confirm the outcome."
    )

    def resolve(
        self, given: RefundArguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[RefundParams]:
        reading = read_order(ticket, given.order_id, sources)
        order = reading.order
        if order.status == "cancelled":
            raise Refused("not_refundable", f"Order {order.order_id} is cancelled; its payments were returned.")
        if given.currency != order.currency:
            message = f"Order {order.order_id} is in {order.currency}, not {given.currency}."
            raise Refused("currency_mismatch", message, currency=order.currency)
        params = RefundParams(
            order_id=order.order_id,
            payment_id=_payment(reading, given, sources.left(reading)),
            amount=given.amount,
            currency=given.currency,
            reason=given.reason,
        )
        money = Money(given.amount, given.currency)
        return Resolved(
            self, params, order.order_id, given.further, money=money, order_id=order.order_id, reading=reading
        )

    def body(self, params: RefundParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {**stored(params), "reference": key}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return rules.money(rules_, facts, rules.share, rules.window)

    def may_differ(self, action: Action, snapshot: dict[str, Any]) -> tuple[str, ...]:
        """The refundable rest may change with every other refund of the order, and the payments with other refunds of
        ours: each of those was approved with this one already reserved."""
        before = action.snapshot.get("payments")
        if not before:
            return super().may_differ(action, snapshot)
        others = Action.objects.filter(order_id=action.order_id, kind=self.name, status=states.SUCCEEDED)
        moved: dict[str, int] = {}
        for other in others.filter(settled_at__gte=action.approved_at).exclude(pk=action.pk):
            payment_id = self.params_of(other).payment_id
            moved[payment_id] = moved.get(payment_id, 0) + (other.amount or 0)
        expected = [{**row, "refunded": row["refunded"] + moved.get(row["payment_id"], 0)} for row in before]
        return ("refundable", "payments") if expected == snapshot.get("payments") else ("refundable",)

    def send(self, params: RefundParams, *, body: str, key: str) -> Receipt:
        return payments.send_refund(body=body, key=key)

    @property
    def keeps_keys(self) -> bool:
        return payments.keeps_keys()

    def look_up(self, action: Action, params: RefundParams) -> Receipt | None:
        return payments.find_refund(body=action.request, known=action.provider_reference)


def _payment(reading: Reading, given: RefundArguments, left: FundsLeft) -> str:
    """Return the payment to refund: the one named, or else the first that has enough left."""
    order = reading.order
    if given.payment_id is not None and given.payment_id not in left.payments:
        known = list(left.payments)
        raise Refused("payment_not_found", f"Order {order.order_id} has no payment {given.payment_id}.", payments=known)
    rest = {name: amount for name, amount in left.payments.items() if given.payment_id in (None, name)}
    enough = next((name for name, amount in rest.items() if amount >= given.amount), None)
    if enough is None or given.amount > left.whole:
        most = min(max(rest.values(), default=0), left.whole)
        raise Refused(
            "amount_exceeds_refundable",
            f"{display(given.amount, order.currency)} is more than the {display(most, order.currency)} that "
            f"may still be refunded{' of one payment' if len(rest) > 1 else ''} of order {order.order_id}.",
            refundable=most,
            refundable_by_payment=rest,
            currency=order.currency,
        )
    return enough
