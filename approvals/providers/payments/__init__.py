"""Send and look up refunds through the backend that PAYMENTS_BACKEND names. Only `approvals.effects` and
`approvals.reconciliation` may import this package."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from django.conf import settings

from agentops.lib.errors import EffectUnknown, Transient
from approvals.providers.payments import contract, stripe
from approvals.providers.receipt import Receipt

NAME = "payments"


class Backend(Protocol):
    """The functions that each backend module provides."""

    def send_refund(self, *, body: str, key: str) -> Receipt: ...
    def find_refund(self, *, body: str, known: str) -> Receipt | None: ...
    def refunds_since(self, since: datetime) -> Iterator[Receipt]: ...


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
    except EffectUnknown as error:  # reading has no effect
        raise Transient(
            error.code, error.message, http_status=error.http_status, body=error.body, details=error.details
        ) from error


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Yield every refund that the provider made since then, including other systems' refunds, newest first. `data` has
    `reference` (may be empty) and `created_at`. Raises ProviderError."""
    return BACKENDS[settings.PAYMENTS_BACKEND].refunds_since(since)


def keeps_keys() -> bool:
    """Return whether the provider replays its first answer for a known key instead of repeating the refund."""
    return bool(settings.PAYMENTS_IDEMPOTENT)
