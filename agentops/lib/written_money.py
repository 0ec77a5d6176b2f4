"""Amounts and currencies as people write them, in forms and in messages."""

import re

from babel.numbers import list_currencies

from agentops.lib.money import digits, major

# A comma only separates groups of three digits: someone who writes "12,50" means twelve and a half, never 1,250.
_AMOUNT = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")


def is_currency(currency: str) -> bool:
    return currency in list_currencies()


def minor(text: str, currency: str) -> int:
    """Parse an amount that a person typed: '84.00' USD -> 8400, '1,250' USD -> 125000.

    Accepts zero and more, in ASCII digits. Raises ValueError with a message for that person.
    """
    written = text.strip()
    found = _AMOUNT.fullmatch(written)
    if not found:
        raise ValueError(f"{written!r} isn't an amount. Enter it like {major(1250, currency)}")
    after_point = found[1] or ""
    decimals = digits(currency)
    if len(after_point) > decimals:
        fault = f"{written!r} has more decimals than {currency} allows ({decimals})"
        raise ValueError(f"{fault}. Enter it like {major(1250, currency)}")
    whole = written.split(".")[0].replace(",", "")
    return int(whole + after_point.ljust(decimals, "0"))
