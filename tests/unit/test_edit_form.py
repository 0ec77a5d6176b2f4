"""The fields that a person may edit before approving, derived from the kind's schema."""

from typing import Any

import pytest

from approvals.models import Action
from approvals.web.forms.decision import EditForm

REFUND = {
    "order_id": "#W1",
    "payment_id": "pay_1",
    "amount": 8400,
    "currency": "USD",
    "reason": "It arrived broken.",
}
ACCOUNT = {
    "customer_id": "c1",
    "email": "new@example.com",
    "address": {"address1": "1 Mill Lane", "city": "Leeds"},
    "reason": "Moved house.",
}
REPLY = {"to": "a@example.com", "subject": "Hi", "text": "One.\n\nTwo.", "claims": [], "reason": "Answers it."}


def form(kind: str, params: dict[str, Any], **entered: str) -> EditForm:
    """Return the form as a browser submits it: the current values with these fields changed."""
    action = Action(kind=kind, params=params)
    blank = EditForm(action)
    data = {blank.add_prefix(name): field.initial or "" for name, field in blank.fields.items()}
    data |= {blank.add_prefix(name): text for name, text in entered.items()}
    return EditForm(action, data)


def test_the_form_offers_the_editable_fields_of_the_kind() -> None:
    assert list(EditForm(Action(kind="refund", params=REFUND)).fields) == ["amount", "reason"]
    assert "address.city" in EditForm(Action(kind="account_change", params=ACCOUNT)).fields


def test_amounts_are_entered_in_major_units() -> None:
    edited = form("refund", REFUND, amount="40.5")
    assert edited.is_valid()
    assert edited.changes() == {"amount": 4050}


def test_currencies_without_minor_units_are_supported() -> None:
    yen = {**REFUND, "currency": "JPY"}
    assert EditForm(Action(kind="refund", params=yen)).fields["amount"].initial == "8400"
    edited = form("refund", yen, amount="4200")
    assert edited.is_valid()
    assert edited.changes() == {"amount": 4200}


def test_more_digits_than_the_currency_has_are_refused() -> None:
    edited = form("refund", REFUND, amount="84.005")
    assert not edited.is_valid()
    assert "more decimals" in edited.errors["amount"][0]


@pytest.mark.parametrize("text", ["12,50", "2,50", "1e9", "1_0", "١٢", "-5"])
def test_ambiguous_amounts_are_refused(text: str) -> None:
    edited = form("refund", REFUND, amount=text)
    assert edited.errors["amount"] == [f"{text!r} isn't an amount. Enter it like 12.50"]


def test_thousands_separators_are_accepted() -> None:
    edited = form("refund", REFUND, amount="1,250.00")
    assert edited.is_valid()
    assert edited.changes() == {"amount": 125000}


def test_zero_negative_and_unreadable_amounts_are_refused() -> None:
    assert not form("refund", REFUND, amount="0").is_valid()
    assert not form("refund", REFUND, amount="-3").is_valid()
    assert not form("refund", REFUND, amount="lots").is_valid()


def test_an_edit_that_changes_nothing_is_refused() -> None:
    assert not form("refund", REFUND).is_valid()
    assert not form("account_change", ACCOUNT).is_valid()


def test_browser_line_endings_do_not_count_as_an_edit() -> None:
    assert not form("reply", REPLY, text="One.\r\n\r\nTwo.").is_valid()
    edited = form("reply", REPLY, text="One.\r\n\r\nThree.")
    assert edited.is_valid()
    assert edited.changes() == {"text": "One.\n\nThree."}


def test_an_address_is_edited_as_a_whole() -> None:
    edited = form("account_change", ACCOUNT, **{"address.city": "York"})
    assert edited.is_valid()
    assert edited.changes() == {"address": {"address1": "1 Mill Lane", "city": "York"}}
