"""Money as an integer in the currency's minor unit with an ISO 4217 code; never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision, list_currencies

# CLDR, which Babel uses, leaves out minor units that prices no longer use. ISO 4217 still counts in them.
_ISO_DIGITS = {"IQD": 3} | dict.fromkeys(
    ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2
)

# A comma only separates groups of three digits: someone who writes "12,50" means twelve and a half, never 1,250.
_AMOUNT = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")


@dataclass(frozen=True)
class Money:
    """An amount in minor units of an ISO 4217 currency. Adding, subtracting or ordering two currencies raises
    ValueError; amounts of different currencies are never equal."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __str__(self) -> str:
        return display(self.amount, self.currency)

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be combined")
        return other.amount


def digits(currency: str) -> int:
    """Return the number of minor-unit digits in ISO 4217: USD 2, JPY 0, KWD 3."""
    return _ISO_DIGITS.get(currency) or int(get_currency_precision(currency))


def is_currency(currency: str) -> bool:
    return currency in list_currencies()


def major(amount: int, currency: str) -> Decimal:
    """Return an amount in major units: 8400 USD -> Decimal('84.00')."""
    return Decimal(amount).scaleb(-digits(currency))


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


def display(amount: int, currency: str, locale: str = "en") -> str:
    """Format an amount for people: 8400 USD -> '$84.00', 9150 KWD -> 'KWD 9.150'.

    A currency code is separated from the digits by a no-break space (CLDR's currencySpacing).
    """
    decimals = digits(currency)
    pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
    text: str = format_currency(major(amount, currency), currency, pattern, locale=locale, currency_digits=False)
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "\u00a0", text)
