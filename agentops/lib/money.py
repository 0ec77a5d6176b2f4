"""Money is an integer in the currency's minor unit and an ISO 4217 code; never a float."""

import re
from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision, list_currencies

# Where CLDR, which Babel carries, leaves out minor units that prices no longer use but ISO 4217 still counts in.
_ISO_DIGITS = {"IQD": 3} | dict.fromkeys(
    ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2
)


def digits(currency: str) -> int:
    """Minor-unit digits of a currency by ISO 4217: USD 2, JPY 0, KWD 3."""
    return _ISO_DIGITS.get(currency) or int(get_currency_precision(currency))


def is_currency(currency: str) -> bool:
    return currency in list_currencies()


def major(amount: int, currency: str) -> Decimal:
    """8400 USD -> Decimal('84.00')."""
    return Decimal(amount).scaleb(-digits(currency))


def minor(text: str, currency: str) -> int:
    """'84.00' USD -> 8400. Raises ValueError where the text is no amount of this currency."""
    try:
        value = Decimal(text.strip()).scaleb(digits(currency))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount; write it like {major(8400, currency)}") from None
    if not value.is_finite() or value != value.to_integral_value():
        raise ValueError(f"{text!r} has more digits than {currency} has ({digits(currency)})")
    return int(value)


def display(amount: int, currency: str, locale: str = "en") -> str:
    """8400 USD -> '$84.00', 9150 KWD -> 'KWD 9.150': a code stands apart from its digits (CLDR's currencySpacing)."""
    decimals = digits(currency)
    pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
    text: str = format_currency(major(amount, currency), currency, pattern, locale=locale, currency_digits=False)
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "\u00a0", text)
