"""Conversion between minor units and the amounts that people read."""

import operator
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.lib import money, written_money
from agentops.lib.money import Money


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (8400, "USD", "$84.00"),
        (1, "USD", "$0.01"),
        (0, "USD", "$0.00"),
        (123456789, "USD", "$1,234,567.89"),
        (8400, "JPY", "¥8,400"),
        (150050, "RSD", "RSD\u00a01,500.50"),
        (1500, "KWD", "KWD\u00a01.500"),
        (8400, "EUR", "€84.00"),
    ],
)
def test_an_amount_shows_the_digits_of_its_currency(amount: int, currency: str, shown: str) -> None:
    assert money.display(amount, currency) == shown


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("84.00", "USD", 8400),
        ("84", "USD", 8400),
        (" 84.5 ", "USD", 8450),
        ("8400", "JPY", 8400),
        ("1.500", "KWD", 1500),
        ("0", "USD", 0),
        ("1,250.00", "USD", 125000),
        ("1,250", "JPY", 1250),
        ("12,345,678.9", "USD", 1234567890),
    ],
)
def test_an_amount_is_parsed_into_minor_units(text: str, currency: str, amount: int) -> None:
    assert written_money.minor(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "USD"),
        ("free", "USD"),
        ("84.001", "USD"),
        ("1.5", "JPY"),
        ("12,50", "USD"),
        ("1,2345", "USD"),
        ("1234,567", "USD"),
        (",500", "USD"),
        ("1.250,00", "USD"),
        ("1,250.00", "JPY"),
        ("1e9", "USD"),
        ("1_0", "USD"),
        ("١٢", "USD"),
        ("-5", "USD"),
        ("+5", "USD"),
        ("5.", "USD"),
        (".5", "USD"),
        ("5\n5", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("$84", "USD"),
    ],
)
def test_an_invalid_amount_for_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"Enter it like (12\.50|1250)$"):
        written_money.minor(text, currency)


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("free", "USD", "'free' isn't an amount. Enter it like 12.50"),
        ("free", "JPY", "'free' isn't an amount. Enter it like 1250"),
        ("84.001", "USD", "'84.001' has more decimals than USD allows (2). Enter it like 12.50"),
        ("1.5", "JPY", "'1.5' has more decimals than JPY allows (0). Enter it like 1250"),
    ],
)
def test_a_refused_amount_is_shown_with_an_example(text: str, currency: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        written_money.minor(text, currency)


def test_an_amount_is_shown_in_the_locale_of_the_reader() -> None:
    assert money.display(123456, "EUR", "de") == "€1.234,56"
    assert money.display(123456, "EUR") == "€1,234.56"


def test_amounts_of_one_currency_are_added_compared_and_shown() -> None:
    five, three = Money(500, "USD"), Money(300, "USD")
    assert five + three == Money(800, "USD")
    assert five - three == Money(200, "USD")
    assert three - five == Money(-200, "USD")
    assert (three < five, five < three, five < Money(500, "USD")) == (True, False, False)
    assert (three <= five, five <= three, five <= Money(500, "USD")) == (True, False, True)
    assert str(five) == "$5.00"


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.lt, operator.le])
def test_amounts_of_two_currencies_are_never_combined(combine: Callable[[Money, Money], object]) -> None:
    with pytest.raises(ValueError, match=r"^USD and EUR cannot be combined$"):
        combine(Money(500, "USD"), Money(500, "EUR"))
    assert Money(500, "USD") != Money(500, "EUR")


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["USD", "JPY", "KWD", "EUR"]))
def test_major_units_convert_back_to_the_same_minor_units(amount: int, currency: str) -> None:
    assert written_money.minor(str(money.major(amount, currency)), currency) == amount


def test_amounts_are_never_floats() -> None:
    assert money.major(10**15 + 1, "USD") == Decimal("10000000000000.01")


@pytest.mark.parametrize(("code", "known"), [("USD", True), ("KWD", True), ("usd", False), ("XXZ", False), ("", False)])
def test_currencies_are_iso_4217_codes(code: str, known: bool) -> None:
    assert written_money.is_currency(code) is known
