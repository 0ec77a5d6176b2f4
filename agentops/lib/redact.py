"""Remove card numbers and secrets from text before it is stored (docs/design.md, 5.13)."""

import re
from typing import Any

# The leading digits of the major card networks and 13 to 19 digits, with blanks and dashes allowed between them. A full
# stop may follow at the end of a sentence; before more digits it is a decimal point.
_CARD = re.compile(r"(?<![\w#.])(?:[3-6](?:[ -]?\d){12,18}|2[2-7](?:[ -]?\d){14})(?!\w|\.\d)")
# Characters that PostgreSQL can't store in text or JSON. A model or a broken proxy may send them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# API keys of OpenAI and Stripe, secrets of Standard Webhooks, and bearer tokens.
_SECRETS = re.compile(
    r"\b(?:sk|rk|pk)[-_](?:(?:live|test|proj|svcacct)[-_][A-Za-z0-9_-]{16,}|[A-Za-z0-9]{16,})"
    r"|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}"
)


def text(value: str) -> str:
    """Replace card numbers and secrets by a marker, and remove what the database can't store."""
    return _SECRETS.sub("[secret removed]", _CARD.sub(_card, storable(value)))


def storable(value: str) -> str:
    """Remove what the database can't store and keep the rest, for names that serve as lookup keys."""
    return _UNSTORABLE.sub("\ufffd", value)


def data(value: Any) -> Any:
    """Redact all strings of a JSON value and keep its shape."""
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
    if sum(doubled) % 10:  # the Luhn check keeps order and tracking numbers readable
        return match.group()
    return f"[card number removed, ends {''.join(map(str, number[-4:]))}]"
