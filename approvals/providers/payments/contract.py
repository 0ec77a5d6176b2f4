"""Refunds as contracts/refunds.yaml says: the `http` backend."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import httpx2
from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from agentops.lib import http
from agentops.lib.errors import EffectUnknown
from approvals.providers.receipt import Receipt


class Refund(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    refund_id: str
    payment_id: str
    order_id: str
    amount: int
    currency: str
    reference: str
    status: str
    created_at: datetime | None = None


def send_refund(*, body: str, key: str) -> Receipt:
    """Asks for the refund that `body` describes, at most once per `key`. Raises ProviderError."""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = http.call(_client(), "POST", "/refunds", content=body.encode(), headers=headers)
    refund = _parse(answer.data, answer.text)
    if refund.reference != key:
        # An answer about something else proves nothing about ours.
        raise EffectUnknown("unreadable_answer", "the answer names another refund", body=answer.text)
    return _receipt(refund, answer)


def find_refund(*, reference: str, payment_id: str) -> Receipt | None:
    """The refund that bears our reference, whatever payment it is of. Raises ProviderError."""
    refunds, answer = _page({"reference": reference})
    ours = [refund for refund in refunds if refund.reference == reference]
    return _receipt(ours[0], answer) if ours else None


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Every refund made since then, whoever made it, newest first. Raises ProviderError."""
    asked = {"created_after": since.isoformat()}
    cursor = ""
    while True:
        refunds, answer = _page({**asked, "cursor": cursor} if cursor else asked)
        yield from (_receipt(refund, answer) for refund in refunds)
        following = answer.data.get("next_cursor")
        if not following or following == cursor:
            return
        cursor = str(following)


def _page(asked: dict[str, str]) -> tuple[list[Refund], http.Answer]:
    answer = http.call(_client(), "GET", "/refunds", params=asked)
    rows = answer.data.get("refunds") if isinstance(answer.data, dict) else None
    if not isinstance(rows, list):
        raise EffectUnknown("unreadable_answer", "the answer has no list of refunds", body=answer.text)
    return [_parse(row, answer.text) for row in rows], answer


def _receipt(refund: Refund, answer: http.Answer) -> Receipt:
    return Receipt(
        reference=refund.refund_id,
        status=refund.status,
        data=refund.model_dump(mode="json", exclude_none=True),
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
