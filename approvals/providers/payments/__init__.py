"""Where a refund is sent: the backend that PAYMENTS_BACKEND names. Only `execution` and `reconcile` may import this."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from django.conf import settings

from agentops.lib.errors import EffectUnknown, Transient
from approvals.providers.payments import contract, stripe
from approvals.providers.receipt import Receipt

NAME = "payments"


class Backend(Protocol):
    """What a module of this package offers."""

    def send_refund(self, *, body: str, key: str) -> Receipt: ...
    def find_refund(self, *, body: str, known: str) -> Receipt | None: ...
    def refunds_since(self, since: datetime) -> Iterator[Receipt]: ...


BACKENDS: dict[str, Backend] = {"http": contract, "stripe": stripe}


def send_refund(*, body: str, key: str) -> Receipt:
    """Request the refund that `body` describes (JSON, docs/contracts/refunds.yaml), at most once per `key` if the
    provider keeps keys. Raises ProviderError."""
    return BACKENDS[settings.PAYMENTS_BACKEND].send_refund(body=body, key=key)


def find_refund(*, body: str, known: str = "") -> Receipt | None:
    """The refund that `body` asked for, by the reference in it, or None where the provider has none; of several the one
    whose id is `known`, where an answer has told it. Raises ProviderError, also where what bears our reference is
    another refund."""
    try:
        return BACKENDS[settings.PAYMENTS_BACKEND].find_refund(body=body, known=known)
    except EffectUnknown as error:  # a read has no effect, whatever becomes of it
        raise Transient(
            error.code, error.message, http_status=error.http_status, body=error.body, details=error.details
        ) from error


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Every refund that the provider made since then, whoever asked for it, newest first; `data` has `reference`
    (may be empty) and `created_at`. Raises ProviderError."""
    return BACKENDS[settings.PAYMENTS_BACKEND].refunds_since(since)


def keeps_keys() -> bool:
    """Whether the provider answers a key that it has seen with its first answer, instead of doing it again."""
    return bool(settings.PAYMENTS_IDEMPOTENT)
