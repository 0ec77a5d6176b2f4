"""Verdicts: each rule at its limit, missing facts, and all reasons together."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agentops.lib.money import Money
from approvals.effects.kinds import verdict_on
from approvals.policy.rules import CurrencyLimit, Rules, Threshold
from approvals.policy.verdicts import Facts, Outcome, Verdict

AUTO, PERSON, BLOCK = Outcome.AUTO_APPROVE, Outcome.REQUIRE_APPROVAL, Outcome.BLOCK
RULES = Rules(
    thresholds=[
        Threshold(kind="refund", currency="USD", auto_up_to=5_000, block_above=50_000),
        Threshold(kind="refund", currency="JPY", auto_up_to=3_000, block_above=90_000),
        Threshold(kind="cancel_order", currency="USD", auto_up_to=10_000, block_above=50_000),
    ],
    share_of_order_percent=50,
    refund_window_days=30,
    customer_30_days=[CurrencyLimit(currency="USD", up_to=10_000)],
    customer_30_days_count=2,
    agent_today=[CurrencyLimit(currency="USD", up_to=100_000)],
)
# Within every rule, each exactly at its limit.
EDGE = Facts(
    kind="refund",
    money=Money(5_000, "USD"),
    captured=20_000,
    order_refunded=5_000,
    customer_30_days=5_000,
    customer_30_days_count=1,
    agent_today=95_000,
    days_since_delivery=30,
)


def verdict(rules: Rules = RULES, **changes: Any) -> Verdict:
    if "amount" in changes or "currency" in changes:
        amount, currency = changes.pop("amount", 5_000), changes.pop("currency", "USD")
        changes["money"] = None if amount is None or currency is None else Money(amount, currency)
    return verdict_on(replace(EDGE, **changes), rules)


def judged(rules: Rules = RULES, **changes: Any) -> tuple[Outcome, list[str]]:
    given = verdict(rules, **changes)
    return given.outcome, [reason.code for reason in given.reasons]


def test_exactly_at_every_limit_the_action_is_automatic() -> None:
    assert verdict_on(EDGE, RULES) == Verdict(AUTO, ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 5_001, "order_refunded": 0, "customer_30_days": 0, "agent_today": 0}, "above_threshold"),
        ({"order_refunded": 5_001}, "share_of_order"),
        ({"captured": 19_999}, "share_of_order"),
        ({"days_since_delivery": 31}, "refund_window"),
        ({"customer_30_days": 5_001}, "customer_30_days"),
        ({"customer_30_days_count": 2}, "customer_30_days_count"),
        ({"agent_today": 95_001}, "agent_today"),
        ({"further": True}, "further_effect"),
    ],
)
def test_one_step_beyond_a_limit_needs_a_person(changes: dict[str, Any], code: str) -> None:
    assert judged(**changes) == (PERSON, [code])


@pytest.mark.parametrize(("amount", "outcome"), [(50_000, PERSON), (50_001, BLOCK), (10**15, BLOCK)])
def test_above_the_block_limit_nothing_is_approved(amount: int, outcome: Outcome) -> None:
    assert judged(amount=amount)[0] == outcome


@pytest.mark.parametrize(
    "missing",
    [
        "captured",
        "order_refunded",
        "days_since_delivery",
        "customer_30_days",
        "customer_30_days_count",
        "agent_today",
    ],
)
def test_a_missing_fact_never_passes_its_rule(missing: str) -> None:
    outcome, codes = judged(**{missing: None})
    assert outcome == PERSON
    assert len(codes) == 1


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_without_amount_or_currency_the_action_is_blocked(missing: str) -> None:
    assert judged(**{missing: None}) == (BLOCK, ["amount_unknown"])


@pytest.mark.parametrize("kind", ["", "gift", "Refund", "refunds"])
def test_an_unknown_kind_is_blocked(kind: str) -> None:
    assert judged(kind=kind) == (BLOCK, ["unknown_kind"])


def test_a_currency_without_limits_needs_a_person() -> None:
    assert judged(currency="CHF") == (PERSON, ["no_threshold", "customer_30_days", "agent_today"])


def test_limits_apply_per_kind_and_currency() -> None:
    assert "above_threshold" in judged(currency="JPY", amount=3_001)[1]
    assert judged(kind="cancel_order")[0] == AUTO


def test_an_empty_policy_automates_nothing() -> None:
    assert judged(Rules())[0] == PERSON
    assert judged(Rules(), kind="cancel_order")[0] == PERSON


def test_a_share_of_zero_captured_needs_a_person() -> None:
    assert "share_of_order" in judged(captured=0, order_refunded=0)[1]


def test_a_cancellation_is_not_limited_by_its_share() -> None:
    assert judged(kind="cancel_order", amount=5_000, captured=5_000, order_refunded=0) == (AUTO, [])


def test_the_refund_window_does_not_apply_to_cancellations() -> None:
    assert judged(kind="cancel_order", days_since_delivery=None)[0] == AUTO
    assert judged(Rules(**{**RULES.model_dump(), "refund_window_days": 0}), days_since_delivery=900)[0] == AUTO


def test_all_matching_reasons_are_listed() -> None:
    outcome, codes = judged(
        amount=50_001, captured=None, customer_30_days=10_000, customer_30_days_count=2, agent_today=None, further=True
    )
    assert outcome == BLOCK
    assert codes == [
        "above_ceiling",
        "share_of_order",
        "customer_30_days_count",
        "customer_30_days",
        "agent_today",
        "further_effect",
    ]


def test_reasons_show_amounts_in_the_currencys_digits() -> None:
    assert verdict(amount=3_001, currency="JPY").reasons[0].message == "Over the agent's ¥3,000 limit"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": None}, "The amount or its currency is unknown"),
        ({"amount": 50_001}, "$500.01 is over the block limit of $500.00"),
        ({"amount": 5_001}, "Over the agent's $50.00 limit"),
        ({"currency": "CHF"}, "No refund limit is set for CHF"),
        ({"captured": None}, "The share of the order is unknown"),
        ({"order_refunded": 7_000}, "60% of the order would be refunded (limit 50%)"),
        ({"order_refunded": 5_039}, "50% of the order would be refunded (limit 50%)"),
        ({"captured": 1, "order_refunded": 0}, "500000% of the order would be refunded (limit 50%)"),
        ({"days_since_delivery": None}, "The delivery date is unknown (limit 30 days)"),
        ({"days_since_delivery": 31}, "Delivered 31 days ago (limit 30 days)"),
        (
            {"customer_30_days_count": None},
            "An unknown number of refunds to this customer in the last 30 days (limit 2)",
        ),
        ({"customer_30_days_count": 4}, "4 refunds to this customer in the last 30 days (limit 2)"),
        ({"customer_30_days": 6_000}, "$110.00 would be refunded to this customer in 30 days (limit $100.00)"),
        ({"customer_30_days": None}, "Unknown total of USD refunded to this customer in 30 days"),
        ({"currency": "CHF"}, "No limit is set for CHF refunded to this customer in 30 days"),
        ({"agent_today": 96_000}, "$1,010.00 would be auto-approved today (limit $1,000.00)"),
        ({"agent_today": None}, "Unknown total of USD auto-approved today"),
        ({"currency": "CHF"}, "No limit is set for CHF auto-approved today"),
        ({"further": True}, "Another refund on this ticket"),
    ],
)
def test_a_reason_tells_the_lead_what_and_which_limit(changes: dict[str, Any], message: str) -> None:
    assert message in [reason.message for reason in verdict(**changes).reasons]


def test_nothing_captured_counts_as_a_share_of_one_unit() -> None:
    said = [reason.message for reason in verdict(amount=5_000, captured=0, order_refunded=0).reasons]
    assert "500000% of the order would be refunded (limit 50%)" in said


def test_the_reason_of_a_reply_is_what_it_says_or_the_policy() -> None:
    judged_reply = verdict_on(Facts("reply", ungrounded=("one",)), Rules(replies_need_approval=True))
    assert [reason.message for reason in judged_reply.reasons] == ["one", "Every reply needs approval"]


def test_stored_facts_keep_the_amount_and_its_currency_apart() -> None:
    stored = EDGE.stored()
    assert (stored["amount"], stored["currency"]) == (5_000, "USD")
    assert stored["captured"] == 20_000
    assert "money" not in stored
    without = replace(EDGE, money=None).stored()
    assert (without["amount"], without["currency"]) == (None, None)


def test_an_account_change_always_needs_a_person() -> None:
    assert judged(Rules(), kind="account_change", amount=None, currency=None) == (PERSON, ["account_change"])


def test_replies_need_a_person_only_for_claims_or_by_policy() -> None:
    def reply(rules: Rules = RULES, **changes: Any) -> tuple[Outcome, list[str]]:
        given = verdict_on(Facts("reply", **changes), rules)
        return given.outcome, [reason.code for reason in given.reasons]

    assert reply() == (AUTO, [])
    assert reply(ungrounded=("one", "two")) == (PERSON, ["claim_without_ground", "claim_without_ground"])
    assert reply(Rules(replies_need_approval=True)) == (PERSON, ["replies_need_approval"])
    assert reply(further=True) == (PERSON, ["further_effect"])


@pytest.mark.parametrize(
    "rules",
    [
        {"thresholds": [{"kind": "refund", "currency": "USD", "auto_up_to": 2, "block_above": 1}]},
        {"thresholds": [{"kind": "refund", "currency": "USD", "auto_up_to": 1, "block_above": 1}] * 2},
        {"thresholds": [{"kind": "no kind", "currency": "USD", "auto_up_to": 1, "block_above": 1}]},
        {"thresholds": [{"kind": "refund", "currency": "usd", "auto_up_to": 1, "block_above": 1}]},
        {"thresholds": [{"kind": "refund", "currency": "USD", "auto_up_to": -1, "block_above": 1}]},
        {"customer_30_days": [{"currency": "USD", "up_to": 1}, {"currency": "USD", "up_to": 2}]},
        {"agent_today": [{"currency": "USD", "up_to": 1}, {"currency": "USD", "up_to": 2}]},
        {"share_of_order_percent": 101},
        {"approval_hours": 0},
        {"aproval_hours": 5},
    ],
)
def test_contradictory_rules_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(rules)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"thresholds": [{"kind": "refund", "currency": "USD", "auto_up_to": 1, "block_above": 1}] * 2},
            "Limits per action: two rows have the same kind and currency.",
        ),
        (
            {"customer_30_days": [{"currency": "USD", "up_to": 1}] * 2},
            "Per customer in 30 days: two rows have the same currency.",
        ),
        (
            {"agent_today": [{"currency": "USD", "up_to": 1}] * 2},
            "Auto-approved per day: two rows have the same currency.",
        ),
        ({"autonomy": {"kinds": [{"kind": "reply", "percent": 1}] * 2}}, "Per action: two rows have the same kind."),
        ({"autonomy": {"tags": [{"tag": "vip", "percent": 1}] * 2}}, "Per customer tag: two rows have the same tag."),
        (
            {"thresholds": [{"kind": "refund", "currency": "USD", "auto_up_to": 2, "block_above": 1}]},
            "auto_up_to must not be above block_above",
        ),
    ],
)
def test_the_refusal_of_rules_names_their_fault(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Rules.model_validate(rules)
    assert message in str(refused.value)


amounts = st.integers(min_value=0, max_value=60_000)


@given(amounts, amounts)
def test_a_larger_amount_never_gets_a_laxer_verdict(one: int, other: int) -> None:
    order = [AUTO, PERSON, BLOCK]
    small, large = sorted((one, other))
    assert order.index(judged(amount=small)[0]) <= order.index(judged(amount=large)[0])


@given(
    st.builds(
        Facts,
        kind=st.sampled_from(["refund", "cancel_order"]),
        money=st.none() | st.builds(Money, amounts, st.just("USD")),
        captured=st.none() | amounts,
        order_refunded=st.none() | amounts,
        customer_30_days=st.none() | amounts,
        customer_30_days_count=st.none() | st.integers(0, 5),
        agent_today=st.none() | amounts,
        further=st.booleans(),
    )
)
def test_the_strictest_reason_decides_the_verdict(facts: Facts) -> None:
    given = verdict_on(facts, RULES)
    assert (given.outcome == AUTO) == (not given.reasons)
    assert (given.outcome == BLOCK) == any(reason.outcome == BLOCK for reason in given.reasons)
