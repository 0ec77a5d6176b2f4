"""Bytes and digests of a running installation: an action that was approved by an earlier release must still be what
this release sends. The literal values were made by release 0.1.0 and never change."""

import pytest

from approvals.effects import payload
from approvals.effects.kinds import KINDS
from approvals.models import Action
from tickets.models import Ticket

PARAMS = {
    "refund": {
        "order_id": "#1042",
        "payment_id": "pay_1",
        "amount": 8400,
        "currency": "EUR",
        "reason": "Zerbrochen – Straße 5",  # noqa: RUF001 - an en dash, on purpose
    },
    "cancel_order": {"order_id": "#1042", "amount": 0, "currency": "JPY", "reason": "Customer asked"},
    "account_change": {
        "customer_id": "cus_1",
        "email": "new@example.com",
        "address": {"city": "Köln", "zip": "50667"},
        "reason": "Moved house",
    },
    "reply": {
        "to": "ada@example.com",
        "subject": "Re: Broken cup",
        "text": "We refunded €84.00.",
        "claims": [
            {
                "kind": "refund",
                "action": "T-1042:refund:1",
                "order_id": "#1042",
                "amount": 8400,
                "currency": "EUR",
            }
        ],
        "reason": "Answers it",
    },
}
REQUESTS = {
    "refund": '{"order_id": "#1042", "payment_id": "pay_1", "amount": 8400, "currency": "EUR", '
    '"reason": "Zerbrochen – Straße 5", "reference": "T-1042:refund:1"}',  # noqa: RUF001 - an en dash, on purpose
    "cancel_order": '{"reference": "T-1042:cancel_order:1", "reason": "Customer asked"}',
    "account_change": '{"email": "new@example.com", "address": {"city": "Köln", "zip": "50667"}}',
    "reply": '{"source": "zendesk", "external_id": "z-77", "ticket_id": "T-1042", "message_id": "T-1042:reply:1", '
    '"to": "ada@example.com", "subject": "Re: Broken cup", "body": "We refunded €84.00."}',
}
DIGESTS = {
    "refund": "6fa44b3e974c010cb78617387511cab4b711d11140c0fa2ae93fd97245034d24",
    "cancel_order": "3e946290ca9b0f30b25ad92b49968666ae28d78aa01f7d34e3098aa3290f35cd",
    "account_change": "a7bc7c9d54d5767a1b58a27f073f9559d240caeff115536ad0bc7d530d43c73a",
    "reply": "c20a7bb030b82c22642dd2b362ef82dc796f39958698b477fa344d614603da38",
}


@pytest.mark.parametrize("kind", PARAMS)
def test_the_digest_of_a_stored_row_does_not_change(kind: str) -> None:
    row = Action(kind=kind, idempotency_key=f"T-1042:{kind}:1", params=PARAMS[kind], request=REQUESTS[kind])
    assert payload.action_digest(row) == DIGESTS[kind]


@pytest.mark.parametrize("kind", PARAMS)
def test_the_same_parameters_become_the_same_bytes(kind: str) -> None:
    ticket = Ticket(pk="T-1042", source="zendesk", external_id="z-77")
    row = Action(kind=kind, params=PARAMS[kind])
    frozen = payload.freeze(KINDS[kind], KINDS[kind].params_of(row), key=f"T-1042:{kind}:1", ticket=ticket)
    money = {"amount": PARAMS[kind].get("amount"), "currency": PARAMS[kind].get("currency", "")}
    assert frozen == {"params": PARAMS[kind], "request": REQUESTS[kind], "digest": DIGESTS[kind]} | money
