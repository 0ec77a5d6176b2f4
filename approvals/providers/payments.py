"""Where a refund is sent (contracts/refunds.yaml). Only `execution` and `reconcile` may import this."""

from functools import cache
from typing import Any

import httpx2
from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from agentops.lib import http
from agentops.lib.errors import EffectUnknown
from approvals.providers.receipt import Receipt

NAME = "payments"


class Refund(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    refund_id: str
    payment_id: str
    order_id: str
    amount: int
    currency: str
    reference: str
    status: str


def send_refund(*, body: str, key: str) -> Receipt:
    """Asks for the refund that `body` describes, at most once per `key`. Raises ProviderError."""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = http.call(_client(), "POST", "/refunds", content=body.encode(), headers=headers)
    refund = _parse(answer.data, answer.text)
    if refund.reference != key:
        # An answer about something else proves nothing about ours.
        raise EffectUnknown("unreadable_answer", "the answer names another refund", body=answer.text)
    return _receipt(refund, answer)


def find_refund(*, reference: str) -> Receipt | None:
    """The refund that bears our reference, or None where the provider has none. Raises ProviderError."""
    answer = http.call(_client(), "GET", "/refunds", params={"reference": reference})
    rows = answer.data.get("refunds") if isinstance(answer.data, dict) else None
    if not isinstance(rows, list):
        raise EffectUnknown("unreadable_answer", "the answer has no list of refunds", body=answer.text)
    ours = [refund for refund in (_parse(row, answer.text) for row in rows) if refund.reference == reference]
    return _receipt(ours[0], answer) if ours else None


def _receipt(refund: Refund, answer: http.Answer) -> Receipt:
    return Receipt(
        reference=refund.refund_id,
        status=refund.status,
        data=refund.model_dump(),
        answer=answer.text[: http.MAX_BODY_KEPT],
        http_status=answer.status,
        replayed=answer.replayed,
    )


def _parse(data: Any, text: str) -> Refund:
    try:
        return Refund.model_validate(data)
    except ValidationError as error:
        raise EffectUnknown("unreadable_answer", f"not the contract's shape: {error}", body=text) from error


def _client() -> httpx2.Client:
    return _kept_client(settings.PAYMENTS_URL, settings.PAYMENTS_TOKEN, settings.PROVIDER_TIMEOUT_SECONDS)


@cache
def _kept_client(url: str, token: str, timeout: float) -> httpx2.Client:
    return http.client(url, token=token, timeout=timeout)
