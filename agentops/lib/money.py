"""Money as an integer in the currency's minor unit with an ISO 4217 code; never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

# CLDR, which Babel uses, leaves out minor units that prices no longer use. ISO 4217 still counts in them.
_ISO_DIGITS = {"IQD": 3} | dict.fromkeys(
    ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2
)


@dataclass(frozen=True)
class Money:
    """An amount in minor units of an ISO 4217 currency. Adding, subtracting or ordering two currencies raises
    ValueError; amounts of different currencies are never equal."""

    amount: int
    currency: str

    @classmethod
    def of(cls, amount: int | None, currency: str | None) -> "Money | None":
        """Return the money of a record, or None if it has no amount or no currency."""
        return None if amount is None or not currency else cls(amount, currency)

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


def major(amount: int, currency: str) -> Decimal:
    """Return an amount in major units: 8400 USD -> Decimal('84.00')."""
    return Decimal(amount).scaleb(-digits(currency))


def display(amount: int, currency: str, locale: str = "en") -> str:
    """Format an amount for people: 8400 USD -> '$84.00', 9150 KWD -> 'KWD 9.150'.

    A currency code is separated from the digits by a no-break space (CLDR's currencySpacing).
    """
    decimals = digits(currency)
    pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
    text: str = format_currency(major(amount, currency), currency, pattern, locale=locale, currency_digits=False)
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "\u00a0", text)
