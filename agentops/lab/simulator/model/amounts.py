"""Amounts of money as customers write them and as replies show them. Minor units internally."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Digits after the point, and minor units per major unit, where they are not 2 and 100.
DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}
UNITS = {currency: int("1".ljust(digits + 1, "0")) for currency, digits in DIGITS.items()}
SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
WORDS = {"dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "yen": "JPY", "dinar": "KWD"}
CODES = "USD|EUR|GBP|JPY|KWD|CHF|CAD|AUD|SEK|NOK|DKK|BHD|OMR|JOD|TND|KRW"

NUMBER = r"\d{1,3}(?:[ ,.]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,3})?(?!\d)"
AMOUNT = re.compile(
    rf"(?P<symbol>[$€£¥])\s?(?P<after_symbol>{NUMBER})"
    rf"|\b(?P<code>{CODES})\s?(?P<after_code>{NUMBER})"
    rf"|(?<![\w#.,])(?P<before>{NUMBER})\s?(?P<unit>€|£|¥|(?:{CODES})\b|(?:{'|'.join(WORDS)})s?\b)"
    r"|(?<![\w#.,])(?P<bare>\d+[.,]\d{2})(?![\d.,]?\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Amount:
    """Digits as written, and the currency if the customer named one. `start` is the position in the text."""

    written: str
    currency: str | None
    start: int

    def minor(self, currency: str) -> int:
        """Return minor units of `currency`. The last separator is the decimal one unless only thousands fit it."""
        unit = UNITS.get(currency, 100)
        plain = self.written.replace(" ", "")
        place = max(plain.rfind("."), plain.rfind(","))
        if place < 0:
            return int(plain) * unit
        whole, fraction = re.sub(r"[.,]", "", plain[:place]), plain[place + 1 :]
        both = "." in plain and "," in plain
        if len(fraction) == 3 and unit != 1000 and not both:
            return int(whole + fraction) * unit
        return int(whole or "0") * unit + int(fraction) * unit // int("1".ljust(len(fraction) + 1, "0"))


def find_amounts(text: str) -> Iterator[Amount]:
    """Return every amount in a text, in order."""
    for found in AMOUNT.finditer(text):
        written = found["after_symbol"] or found["after_code"] or found["before"] or found["bare"]
        yield Amount(written, _currency(found), found.start())


def _currency(found: re.Match[str]) -> str | None:
    unit = (found["symbol"] or found["code"] or found["unit"] or "").lower()
    if not unit:
        return None
    return SYMBOLS.get(unit) or WORDS.get(unit.rstrip("s")) or unit.upper()


def written(amount: int, currency: str) -> str:
    """Format an amount for people: 8400 USD is "84.00 USD", 1200 JPY "1200 JPY", 1500 KWD "1.500 KWD"."""
    unit = UNITS.get(currency, 100)
    if unit == 1:
        return f"{amount} {currency}"
    return f"{amount // unit}.{amount % unit:0{DIGITS.get(currency, 2)}d} {currency}"
