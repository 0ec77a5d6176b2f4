"""Return part or all of one payment of an order."""

from collections import Counter
from typing import Any

from django.conf import settings
from pydantic import Field

from agentops.lib.errors import Refused
from agentops.lib.money import Money
from approvals import kinds, states
from approvals.effects.kinds.base import Kind, Params, Resolved, SideEffect
from approvals.effects.reservations import FundsLeft, Reading
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.models import Action
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers import orders, payments
from approvals.providers.receipt import Receipt
from tickets.models import Ticket


class RefundArguments(SideEffect):
    order_id: kinds.OrderId
    amount: kinds.Amount = Field(description="In the currency's minor unit: 8400 is 84.00 USD, 8400 is 8400 JPY.")
    currency: kinds.Currency
    payment_id: str | None = Field(None, max_length=255, description="Only where the order has several payments.")


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
        payment_id = _payment(reading, given, sources.left(reading))
        asked = given.model_dump(include={"amount", "currency", "reason"})
        params = RefundParams(order_id=order.order_id, payment_id=payment_id, **asked)
        return Resolved(self, params, order.order_id, given.further, reading=reading)

    def body(self, params: RefundParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {**params.stored, "reference": key}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return verdicts.money(rules_, facts, verdicts.share, verdicts.window)

    def may_differ(self, action: Action, snapshot: dict[str, Any]) -> tuple[str, ...]:
        """The refundable rest may change with every other refund of the order, and the payments with other refunds of
        ours: each of those was approved with this one already reserved."""
        before = action.snapshot.get("payments")
        others = Action.objects.filter(order_id=action.order_id, kind=self.name, status=states.SUCCEEDED)
        moved: Counter[str] = Counter()
        for other in others.filter(settled_at__gte=action.approved_at).exclude(pk=action.pk) if before else []:
            params = self.params_of(other)
            moved[params.payment_id] += params.amount
        expected = [{**row, "refunded": row["refunded"] + moved[row["payment_id"]]} for row in before or []]
        return ("refundable", "payments") if before and expected == snapshot.get("payments") else ("refundable",)

    def send(self, params: RefundParams, *, body: str, key: str) -> Receipt:
        return payments.send_refund(body=body, key=key)

    @property
    def keeps_keys(self) -> bool:
        return bool(settings.PAYMENTS_IDEMPOTENT)

    def look_up(self, action: Action, params: RefundParams) -> Receipt | None:
        return payments.find_refund(body=action.request, known=action.provider_reference)


def _payment(reading: Reading, given: RefundArguments, left: FundsLeft) -> str:
    """Return the payment to refund: the one named, or else the first that has enough left. Raises Refused."""
    order = reading.order
    if given.payment_id is not None and given.payment_id not in left.payments:
        known = list(left.payments)
        raise Refused("payment_not_found", f"Order {order.order_id} has no payment {given.payment_id}.", payments=known)
    rest = {name: amount for name, amount in left.payments.items() if given.payment_id in (None, name)}
    enough = next((name for name, amount in rest.items() if amount >= given.amount), None)
    if enough is not None and given.amount <= left.whole:
        return enough
    wanted = Money(given.amount, order.currency)
    most = Money(min(max(rest.values(), default=0), left.whole), order.currency)
    of_one = " of one payment" if len(rest) > 1 else ""
    message = f"{wanted} is more than the {most} that may still be refunded{of_one} of order {order.order_id}."
    limits = {"refundable": most.amount, "refundable_by_payment": rest, "currency": order.currency}
    raise Refused("amount_exceeds_refundable", message, **limits)
