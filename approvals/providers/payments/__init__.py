"""Send and look up refunds through the backend that PAYMENTS_BACKEND names. Only `approvals.effects` and
`approvals.reconciliation` may import this package."""

from typing import Protocol

from django.conf import settings

from agentops.lib.errors import EffectUnknown, Transient
from approvals.providers.payments import contract, stripe
from approvals.providers.receipt import Receipt

NAME = "payments"


class Backend(Protocol):
    """The functions that each backend module provides; `listing` lists all refunds of each."""

    def send_refund(self, *, body: str, key: str) -> Receipt: ...
    def find_refund(self, *, body: str, known: str) -> Receipt | None: ...


BACKENDS: dict[str, Backend] = {"http": contract, "stripe": stripe}


def send_refund(*, body: str, key: str) -> Receipt:
    """Request the refund that `body` describes (JSON, docs/contracts/refunds.yaml), at most once per `key` if the
    provider keeps keys. Raises ProviderError."""
    return BACKENDS[settings.PAYMENTS_BACKEND].send_refund(body=body, key=key)


def find_refund(*, body: str, known: str = "") -> Receipt | None:
    """Return the refund that `body` requested, found by its reference, or None if the provider has none. If there are
    several, prefer the one whose id is `known` from an earlier answer. Raises ProviderError, also if the refund with
    our reference is not the one requested."""
    try:
        return BACKENDS[settings.PAYMENTS_BACKEND].find_refund(body=body, known=known)
    except EffectUnknown as unread:  # reading has no effect
        status, body, details = unread.http_status, unread.body, unread.details
        raise Transient(unread.code, unread.message, http_status=status, body=body, details=details) from unread
