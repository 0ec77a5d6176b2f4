"""What the model may request, and the parameters that a person approves."""

from typing import Any

import pytest

from agentops.lib.errors import Refused
from approvals import kinds
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.account_change import AccountChangeParams, ChangeAccountArguments
from approvals.effects.kinds.base import Kind
from approvals.effects.kinds.refund import RefundArguments
from approvals.effects.kinds.reply import ReplyArguments

REFUND = {"order_id": "#W1", "amount": 8400, "currency": "USD", "reason": "It is broken."}


def refused(schema: Any, arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        kinds.parse_strictly(schema, arguments)
    assert caught.value.code == "invalid_arguments"
    return caught.value


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "8400"}, "amount"),
        ({"amount": "84.00 dollars"}, "amount"),
        ({"amount": 84.0}, "amount"),
        ({"amount": 84.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": -8400}, "amount"),
        ({"amount": 10**15 + 1}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": float("nan")}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "dollars"}, "currency"),
        ({"currency": ["USD"]}, "currency"),
        ({"order_id": 1}, "order_id"),
        ({"order_id": "   "}, "order_id"),
        ({"order_id": "x" * 101}, "order_id"),
        ({"order_id": "#W\x00"}, "order_id"),
        ({"order_id": "#W\ud800"}, "arguments"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"further": "true"}, "further"),
        ({"further": 1}, "further"),
        ({"approved": True}, "approved"),
        ({"customer_id": "another"}, "customer_id"),
    ],
)
def test_a_malformed_refund_names_the_field(change: dict[str, Any], field: str) -> None:
    error = refused(RefundArguments, {**REFUND, **change})
    assert list(error.details["fields"]) == [field]
    assert error.details["valid"] == sorted(RefundArguments.model_fields)
    assert field in error.message


@pytest.mark.parametrize("missing", ["order_id", "amount", "currency", "reason"])
def test_a_missing_field_is_named(missing: str) -> None:
    error = refused(RefundArguments, {name: value for name, value in REFUND.items() if name != missing})
    assert list(error.details["fields"]) == [missing]


def test_all_wrong_fields_are_named_together() -> None:
    error = refused(RefundArguments, {"amount": "x", "extra": 1, "currency": "USD", "reason": "broken"})
    assert set(error.details["fields"]) == {"order_id", "amount", "extra"}


@pytest.mark.parametrize("arguments", [None, [], "text", 42, [REFUND]])
def test_arguments_that_are_not_an_object_are_refused(arguments: Any) -> None:
    refused(RefundArguments, arguments)


def test_a_further_effect_must_be_requested_explicitly() -> None:
    assert kinds.parse_strictly(RefundArguments, REFUND).further is False
    assert kinds.parse_strictly(RefundArguments, {**REFUND, "further": True}).further is True


@pytest.mark.parametrize(
    "change", [{}, {"email": None}, {"name": "  "}, {"email": "no address"}, {"address": "1 Lane"}]
)
def test_an_account_change_must_name_a_valid_field(change: dict[str, Any]) -> None:
    refused(ChangeAccountArguments, {**change, "reason": "They moved."})


@pytest.mark.parametrize("change", [{}, {"email": None}, {"address": None}, {"address": {}}])
def test_an_account_change_left_empty_by_an_edit_is_refused(change: dict[str, Any]) -> None:
    refused(AccountChangeParams, {**change, "customer_id": "c1", "reason": "They moved."})


def test_an_account_change_keeps_only_the_changed_fields() -> None:
    given = {"email": "new@example.com", "address": {"city": "York"}, "reason": "They moved."}
    parsed = kinds.parse_strictly(ChangeAccountArguments, given)
    assert parsed.changes() == {"email": "new@example.com", "address": {"city": "York"}}


@pytest.mark.parametrize(
    "claims",
    [
        [{"kind": "gift"}],
        [{}],
        ["refund"],
        {"kind": "refund"},
        [{"kind": "refund", "amount": "8400"}],
        [{"kind": "refund"}] * 21,
    ],
)
def test_claims_of_a_reply_are_validated(claims: Any) -> None:
    refused(ReplyArguments, {"text": "Hello.", "reason": "An answer.", "claims": claims})


def test_each_kind_has_exactly_one_tool() -> None:
    assert len({kind.tool for kind in KINDS.values()}) == len(KINDS)
    assert all(name == kind.name for name, kind in KINDS.items())


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_editable_fields_are_parameters_of_the_kind(kind: Kind[Any, Any]) -> None:
    assert set(kind.editable) <= set(kind.params.model_fields)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_key_of_each_kind_fits_the_providers_limit(kind: Kind[Any, Any]) -> None:
    assert len(f"{'0' * 14}:{kind.name}:{999_999}") <= 45


def test_a_digest_ignores_the_order_of_fields() -> None:
    one = {"b": {"y": 1, "x": [2, {"q": "ü", "p": None}]}, "a": True}
    other = {"a": True, "b": {"x": [2, {"p": None, "q": "ü"}], "y": 1}}
    assert kinds.json_digest(one) == kinds.json_digest(other)
    assert kinds.json_digest(one) != kinds.json_digest({**other, "b": {"x": [{"p": None, "q": "ü"}, 2], "y": 1}})


@pytest.mark.parametrize("change", [{"amount": 8401}, {"order_id": "#W2"}, {"currency": "EUR"}, {"reason": "Other."}])
def test_a_digest_changes_with_every_parameter(change: dict[str, Any]) -> None:
    assert kinds.json_digest(REFUND) != kinds.json_digest({**REFUND, **change})


def test_wording_does_not_change_the_effect() -> None:
    assert kinds.same_effect(REFUND, {**REFUND, "reason": "It came broken, they say."})
    assert not kinds.same_effect(REFUND, {**REFUND, "amount": 8401})


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.moves_money], ids=lambda kind: kind.name)
def test_a_kind_that_moves_money_names_its_order_and_amount_as_the_reservation_reads_them(kind: Kind[Any, Any]) -> None:
    assert {"order_id", "amount", "currency"} <= kind.params.model_fields.keys()
