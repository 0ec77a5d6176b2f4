"""A customer's request to change the account: new e-mail address, name or postal address."""

import re
from dataclasses import dataclass, field
from typing import Any

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
VERB = r"(?:change|update|correct|replace|switch|fix|set|move)"
EMAIL_WISH = re.compile(
    rf"\b{VERB}\b[^.\n]{{0,60}}\be-?mail|\bnew e-?mail|\be-?mail\b[^.\n]{{0,30}}\b(?:changed|is now)\b", re.I
)
NAME_WISH = re.compile(
    rf"\b(?:{VERB}\b[^.\n]{{0,40}}\bname\b[^\n]{{0,40}}?\bto\b"
    r"|(?:my )?(?:new|correct) name is|name (?:is now|should be))"
    r"\s+(?P<name>[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)+)"
)
ADDRESS_WISH = re.compile(
    rf"\b(?:{VERB}|new|moved)\b[^.\n]{{0,80}}\b(?:address|house|flat|apartment)\b|\bmoved to\b", re.I
)
ADDRESS = re.compile(r"(?:\bto(?: be)?|\bis(?: now)?|:|\bat)\s*(?P<address>\d+[^.\n,]*,[^.\n]+)", re.I)
OF_AN_ORDER = re.compile(
    r"\b(?:order(?:'s)?|orders'?|shipping|delivery)\b[^.\n]{0,20}\baddress|\baddress\w*[^.\n]{0,30}\border", re.I
)


@dataclass(frozen=True)
class AccountChange:
    """`changes` are the arguments of change_account. `missing` names requested values that the customer did not
    give."""

    changes: dict[str, Any] = field(default_factory=dict)
    missing: str = ""


def account_change(text: str, own_email: str) -> AccountChange | None:
    """Return the requested change, or None. The address of an order is not one of the account."""
    changes: dict[str, Any] = {}
    missing = ""
    if EMAIL_WISH.search(text):
        others = [found for found in EMAIL.findall(text) if found.lower() != own_email.lower()]
        if others:
            changes["email"] = others[-1].rstrip(".")
        else:
            missing = "e-mail address"
    name = NAME_WISH.search(text)
    if name:
        changes["name"] = name["name"]
    if ADDRESS_WISH.search(EMAIL_WISH.sub("", text)) and not OF_AN_ORDER.search(text):
        found = ADDRESS.search(text)
        if found:
            changes["address"] = _address(found["address"])
        elif not changes:
            missing = missing or "postal address"
    return AccountChange(changes, missing) if changes or missing else None


def _address(text: str) -> dict[str, str]:
    """Parse "1 Mill Lane, Leeds, LS1 4AB, GB" into address1, city, zip and country."""
    first, *rest = [part.strip() for part in text.split(",") if part.strip()]
    address = {"address1": first}
    for part in rest:
        if "city" not in address and not any(character.isdigit() for character in part):
            address["city"] = part
        elif any(character.isdigit() for character in part):
            address["zip"] = part
        elif len(part) == 2 and part.isupper() and "state" not in address and "zip" not in address:
            address["state"] = part
        else:
            address["country"] = part
    return address
