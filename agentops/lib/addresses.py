"""Email addresses: one spelling for each mailbox, however a help desk or a shop writes it.

An address is not checked beyond having one @. Addresses that RFC 5321 forbids exist and receive mail (for example
`a..b@docomo.ne.jp`), so refusing them would lose customers.
"""

import re
import unicodedata

import idna

from agentops.lib import redact

_WITH_NAME = re.compile(r'(?:[^<>@]|"[^"]*")*<\s*(?P<address>[^<>]+?)\s*>')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED = re.compile(r'"(?P<inner>(?:[^"\\]|\\.)+)"')
_NEEDS_NO_QUOTES = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+")
_DOT_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")


def parse(text: str) -> str:
    """Return the address as customers are stored under it: lower case, the domain in Unicode, no needless quotes.

    A name in front (`Kim Doe <kim@example.com>`) is left out. Raises ValueError without exactly one @.
    """
    address = unicodedata.normalize("NFC", redact.storable(text)).strip()
    if named := _WITH_NAME.fullmatch(address):
        address = named["address"]
    local, _, domain = address.rpartition("@")
    quoted = _QUOTED.fullmatch(local)
    if not local or not domain or _CONTROL.search(address) or ("@" in local and not quoted):
        raise ValueError("must be an email address with one @, for example kim@example.com")
    if quoted and _NEEDS_NO_QUOTES.fullmatch(quoted["inner"]):
        local = quoted["inner"]
    return f"{local.lower()}@{_unicode(domain)}"


def start_of(text: str) -> str:
    """Return the start of an address that a person searches for, in the spelling of `parse`."""
    return _key(text)


def same(one: str, other: str) -> bool:
    """Return whether two addresses are the same mailbox, in any spelling."""
    return _key(one) == _key(other)


def spellings(address: str) -> list[str]:
    """Return the address, followed by the one with an ASCII domain where that differs. A shop may know either."""
    ascii_only = with_ascii_domain(address)
    return [address] if ascii_only == address else [address, ascii_only]


def with_ascii_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def deliverable(address: str) -> str:
    """Return the address as a mail server takes it: an ASCII domain, and quotes around a local part that needs them."""
    local, _, domain = with_ascii_domain(address).rpartition("@")
    if _DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local):
        return f"{local}@{domain}"
    escaped = local.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"@{domain}'


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain, uts46=True)
    except idna.IDNAError:
        return domain.lower()


def _key(address: str) -> str:
    try:
        return parse(address)
    except ValueError:
        return address.strip().lower()
