"""The sentences in which a lead reads what is wrong with a reply, and what counts as untrue."""

from dataclasses import replace
from typing import Any

import pytest

from agentops.lib.money import Money
from approvals.grounding.check import SucceededEffect, claim_for, fill_in_actions, find_ungrounded, is_untrue

REFUND = SucceededEffect("refund", "#W1234567", Money(8400, "USD"), "t1:refund:1")
CANCEL = SucceededEffect("cancel_order", "#W7654321", Money(12_000, "USD"), "t1:cancel_order:1")
ACCOUNT = SucceededEffect("account_change", key="t1:account_change:1")


def reports(text: str, *done: SucceededEffect, claims: list[dict[str, Any]] | None = None) -> list[str]:
    return find_ungrounded(text, [claim_for(effect) for effect in done] if claims is None else claims, done)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"kind": "refund", "currency": "EUR"}, "money was refunded, but there is no such refund"),
        ({"kind": "refund", "amount": 8401}, "8401 was refunded, but there is no such refund"),
        (
            {"kind": "refund", "amount": 8401, "currency": "USD", "order_id": "#W1234567"},
            "$84.01 was refunded for #W1234567, but there is no such refund",
        ),
        ({"kind": "cancel_order", "order_id": "#W1"}, "order #W1 was cancelled, but there is no such cancellation"),
        (
            {"kind": "cancel_order", "amount": 1, "currency": "USD"},
            "an order was cancelled and $0.01 refunded, but there is no such cancellation",
        ),
        (
            {"kind": "account_change", "order_id": "#W1"},
            "the account was changed, but there is no such account change",
        ),
        ({"kind": "account_change"}, "the account was changed, but doesn't name the action"),
        (
            {"kind": "account_change", "action": "t1:refund:1"},
            "the account was changed, but t1:refund:1 did something else",
        ),
        ({"kind": "cancel_order"}, "an order was cancelled, but doesn't name the action"),
    ],
)
def test_a_claim_is_reported_with_what_it_says_and_what_is_missing(claim: dict[str, Any], said: str) -> None:
    assert reports("Hello.", REFUND, CANCEL, ACCOUNT, claims=[claim]) == [f"The reply says {said}."]


@pytest.mark.parametrize(
    ("text", "done", "said"),
    [
        ("I have refunded you.", (), "mentions a refund, but the reply names no action for it."),
        ("Your new address has been saved.", (), "mentions an account change, but the reply names no action for it."),
        (
            "I have cancelled the order and your new address has been saved.",
            (),
            "mentions a cancellation and an account change, but the reply names no action for it.",
        ),
        (
            "I have refunded $84.00 for order #W7654321.",
            (REFUND,),
            "mentions #W7654321, but no claimed action is for it.",
        ),
        ("I have refunded $85.00.", (REFUND,), "mentions $85.00, which matches no claimed action."),
        ("I have refunded you eighty-four.", (REFUND,), "gives an amount in words, which can't be checked."),
        (
            "You have been reimbursed in full.",
            (replace(REFUND, captured=8401),),
            "says everything was refunded, but the claimed refunds are less.",
        ),
        ("I have refunded $84.00 twice.", (REFUND,), "says this happened more than once."),
        (
            "I have refunded $84.00 three times.",
            (REFUND, replace(REFUND, key="t1:refund:2")),
            "says this happened more than 2 times.",
        ),
        ("It is done as you asked.", (), "says something was done, but the reply names no action for it."),
    ],
)
def test_a_sentence_is_reported_as_written_and_with_its_fault(
    text: str, done: tuple[SucceededEffect, ...], said: str
) -> None:
    assert reports(text, *done) == [f"“{text}” {said}"]


def test_a_long_sentence_is_quoted_in_part() -> None:
    text = f"I have refunded you because {'the order was late and ' * 9}it was our fault."
    assert reports(text) == [f"“{text[:200]}” mentions a refund, but the reply names no action for it."]


def test_full_refunds_of_two_orders_are_counted_apart() -> None:
    full, half = replace(REFUND, captured=8400), replace(REFUND, order_id="#W2", captured=8401, key="t1:refund:2")
    text = "You have been reimbursed in full."
    assert reports(text, full, replace(half, captured=8400)) == []
    assert reports(text, full, half) == [
        "“You have been reimbursed in full.” says everything was refunded, but the claimed refunds are less."
    ]


def test_a_refund_without_an_amount_returns_nothing() -> None:
    bare = SucceededEffect("refund", "#W1234567", None, "t1:refund:1", captured=1)
    assert reports("You have been reimbursed in full.", bare) == [
        "“You have been reimbursed in full.” says everything was refunded, but the claimed refunds are less."
    ]


def test_each_action_fills_in_one_claim() -> None:
    twin = replace(REFUND, key="t1:refund:2", money=Money(100, "USD"))
    claims = [{"kind": "refund", "amount": 100}, {"kind": "refund"}]
    assert [claim["action"] for claim in fill_in_actions(claims, [REFUND, twin])] == [twin.key, REFUND.key]


@pytest.mark.parametrize(
    ("text", "claims", "untrue"),
    [
        ("Hello.", [], False),
        ("I have refunded $84.00.", [], False),  # true, though undeclared
        ("I have refunded $84.00.", [claim_for(REFUND)], False),
        ("Hello.", [claim_for(REFUND), claim_for(CANCEL)], True),
        ("Hello.", [{"kind": "refund", "amount": 8401}], True),
        ("I have refunded $85.00.", [claim_for(REFUND)], True),
        ("Your order is cancelled.", [], True),
    ],
)
def test_only_what_did_not_happen_is_untrue(text: str, claims: list[dict[str, Any]], untrue: bool) -> None:
    assert is_untrue(text, claims, [REFUND]) is untrue


def test_a_cancellation_that_the_shop_shows_is_not_untrue() -> None:
    text = "Order #W7654321 is cancelled."
    assert is_untrue(text, [], [REFUND])
    assert not is_untrue(text, [], [REFUND], ["#W7654321"])
