"""Card numbers and secrets are removed before anything is stored; other text stays readable."""

import pytest

from agentops.lib import redact

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "written",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "3530111333300000",
    ],
)
@pytest.mark.parametrize(
    "around", ["my card {} was charged", "{}", "card:{}", "({})", "It is {}.", "{}, I think", "{}!\n"]
)
def test_a_card_number_is_removed_anywhere(written: str, around: str) -> None:
    clean = redact.text(around.format(written))
    assert written not in clean
    digits = [letter for letter in written if letter.isdigit()]
    assert f"[card number removed, ends {''.join(digits[-4:])}]" in clean


@pytest.mark.parametrize(
    "text",
    [
        "order #W4111111111111111",
        "tracking number 490313116609",
        "4111111111111112 fails the check digit",
        "phone 030 1234567",
        "refund of 84.00 USD",
        "item 1234567890",
        "payment pay_4111111111111111",
        "ratio 0.4111111111111111",
    ],
)
def test_numbers_that_are_not_card_numbers_stay(text: str) -> None:
    assert redact.text(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefghijklmnopqrstuvwx1234",
        "sk_live_abcdefghijklmnop1234",
        "rk_test_abcdefghijklmnop1234",
        "sk-proj-abcd_EFGH-ijklMNOPqrstuvwx",
        "whsec_aW50YWtlLXNlY3JldC1vZi10aGU=",
        "Bearer abcdefghijklmnop.qrst",
    ],
)
def test_a_secret_is_removed(secret: str) -> None:
    assert redact.text(f"use {secret} now") == "use [secret removed] now"


def test_a_json_value_keeps_its_shape() -> None:
    value = {"a": [f"pay with {VISA}", 4111111111111111, None, True], "b": {"c": "plain"}}
    clean = redact.data(value)
    assert clean == {
        "a": ["pay with [card number removed, ends 1111]", 4111111111111111, None, True],
        "b": {"c": "plain"},
    }


def test_characters_that_the_database_cannot_store_are_removed() -> None:
    assert redact.text("a\x00b") == "a\ufffdb"
    assert redact.text("a\ud800b") == "a\ufffdb"
    assert redact.data({"k\x00": ["\x00"]}) == {"k\ufffd": ["\ufffd"]}


def test_redacting_twice_changes_nothing() -> None:
    once = redact.text(f"{VISA} and whsec_aW50YWtlLXNlY3JldC1vZi10aGU=")
    assert redact.text(once) == once
