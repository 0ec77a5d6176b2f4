"""Card numbers and secrets are taken out of texts before they are stored (docs/design.md, 5.13)."""

import re
from typing import Any

# Major card networks' leading digits and 13 to 19 digits, blanks and dashes allowed between them. A point may end
# the sentence; before more digits it makes a decimal fraction.
_CARD = re.compile(r"(?<![\w#.])(?:[3-6](?:[ -]?\d){12,18}|2[2-7](?:[ -]?\d){14})(?!\w|\.\d)")
# What PostgreSQL cannot hold in a text or a JSON value; a model or a broken proxy may well send it.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SECRETS = re.compile(
    r"\b(?:sk|rk|pk)[-_](?:(?:live|test|proj|svcacct)[-_][A-Za-z0-9_-]{16,}|[A-Za-z0-9]{16,})"
    r"|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}"
)


def text(value: str) -> str:
    """The text with every card number and secret replaced by a marker, and fit to be stored."""
    return _SECRETS.sub("[secret removed]", _CARD.sub(_card, storable(value)))


def storable(value: str) -> str:
    """The text without what the database cannot hold; all else as it is, for a name that something is found by."""
    return _UNSTORABLE.sub("\ufffd", value)


def data(value: Any) -> Any:
    """The same through a JSON value: strings redacted, the shape kept."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [data(item) for item in value]
    return value


def _card(match: re.Match[str]) -> str:
    number = [int(digit) for digit in match.group() if digit.isdigit()]
    doubled = [digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(reversed(number))]
    if sum(doubled) % 10:  # Luhn: an order or tracking number stays readable
        return match.group()
    return f"[card number removed, ends {''.join(map(str, number[-4:]))}]"
