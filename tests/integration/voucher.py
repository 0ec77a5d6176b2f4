"""A kind of action that exists in the tests alone: one module, and one row while a test runs."""

import json
from dataclasses import replace
from typing import Any

from agentops.lib import http
from approvals import kinds
from approvals.effects.customers import read_customer
from approvals.effects.kinds.base import Kind, Params, Resolved, SideEffect
from approvals.effects.resolution import NOW, Sources
from approvals.models import Action
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers.receipt import Receipt
from tickets.models import Ticket


class VoucherArguments(SideEffect):
    amount: kinds.Amount
    currency: kinds.Currency


class VoucherParams(Params):
    customer_id: str
    amount: kinds.Amount
    currency: kinds.Currency
    reason: kinds.Reason


class Voucher(Kind[VoucherArguments, VoucherParams]):
    name = "voucher"
    tool = "send_voucher"
    label = "Voucher"
    description = "Send this customer a voucher for the shop."
    arguments, params = VoucherArguments, VoucherParams
    providers = ("vouchers",)
    moves_money = True
    editable = ("amount", "reason")
    panel = "account"
    never_happened = "The provider has no voucher under our reference."
    while_unknown = "We ask for the voucher until it shows up."

    def __init__(self, url: str) -> None:
        self.url = url

    def resolve(
        self, given: VoucherArguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[VoucherParams]:
        customer = read_customer(ticket, sources)
        params = VoucherParams(
            customer_id=customer.customer_id, amount=given.amount, currency=given.currency, reason=given.reason
        )
        return Resolved(self, params, customer.customer_id, given.further, customer=customer)

    def read_again(self, action: Action) -> Resolved[VoucherParams]:
        return replace(self.of(action), customer=read_customer(action.ticket))

    def body(self, params: VoucherParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {"reference": key, "to": params.customer_id, "amount": params.amount, "currency": params.currency}

    def judge(self, rules_: Rules, facts: Facts) -> list[Reason]:
        return verdicts.money(rules_, facts)

    def send(self, params: VoucherParams, *, body: str, key: str) -> Receipt:
        with http.client(self.url) as client:
            return _receipt(http.call(client, "POST", "/vouchers", content=body.encode()))

    @property
    def keeps_keys(self) -> bool:
        return False

    def look_up(self, action: Action, params: VoucherParams) -> Receipt | None:
        wanted = {"reference": json.loads(action.request)["reference"]}
        with http.client(self.url) as client:
            answer = http.call(client, "GET", "/vouchers", params=wanted)
        return _receipt(answer) if answer.data["code"] else None


def _receipt(answer: http.JsonAnswer) -> Receipt:
    return Receipt(answer.data["code"], data=answer.data, answer=answer.text, http_status=answer.status)
