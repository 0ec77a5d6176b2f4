"""The `http` backend: refunds as in docs/contracts/refunds.yaml."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import httpx2
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops.lib import http
from agentops.lib.errors import EffectUnknown
from approvals.providers.receipt import Name, Receipt, require_asked_for, unlikeness
from approvals.providers.times import UtcTime
from approvals.providers.unreadable import unexpected_format

type Query = dict[str, str]
type Page = tuple[list[Any], http.JsonAnswer]


class Refund(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    refund_id: Annotated[Name, Field(min_length=1)]
    payment_id: Name
    order_id: Name
    amount: int = Field(gt=0, lt=2**63)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    reference: Name
    status: Literal["pending", "succeeded", "failed"]
    created_at: UtcTime | None = None


def send_refund(*, body: str, key: str) -> Receipt:
    """Request the refund in `body`, at most once per `key`. Raises ProviderError."""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = http.call(_client(), "POST", "/refunds", content=body.encode(), headers=headers)
    made = receipt_from(answer.data, answer)
    require_asked_for(made.data, json.loads(body), answer=answer.text)
    return made


def find_refund(*, body: str, known: str) -> Receipt | None:
    """Return the refund with our reference, the most likely one if there are several. Raises ProviderError, also if it
    is not the one that `body` requested, or if the provider returns other references: then it did not search for ours.
    """
    wanted = json.loads(body)
    ours = []
    for row, answer in read_pages(read_page, {"reference": wanted["reference"]}):
        refund = receipt_from(row, answer)
        if refund.data["reference"] != wanted["reference"]:
            why = "The provider returned a refund with another reference."
            raise EffectUnknown("unreadable_answer", why, body=answer.text)
        ours.append(refund)
    if not ours:
        return None
    found = min(ours, key=lambda each: unlikeness(each.data, wanted, known))
    require_asked_for(found.data, wanted, answer=found.answer)
    return found


def read_pages(page: Callable[[Query], Page], asked: Query) -> Iterator[tuple[Any, http.JsonAnswer]]:
    """Yield the rows of every page. A repeated cursor is an error, not the end, because the rest would go unread.
    Raises ProviderError."""
    seen: set[str] = set()
    following = asked
    while True:
        rows, answer = page(following)
        yield from ((row, answer) for row in rows)
        if not (cursor := answer.data.get("next_cursor")):
            return
        if str(cursor) in seen:
            raise EffectUnknown("unreadable_answer", "The provider returned the same page twice.", body=answer.text)
        seen.add(str(cursor))
        following = {**asked, "cursor": str(cursor)}


def read_page(asked: Query) -> Page:
    answer = http.call(_client(), "GET", "/refunds", params=asked)
    rows = answer.data.get("refunds") if isinstance(answer.data, dict) else None
    if not isinstance(rows, list):
        raise EffectUnknown("unreadable_answer", "The response has no list of refunds.", body=answer.text)
    return rows, answer


def receipt_from(row: Any, answer: http.JsonAnswer) -> Receipt:
    """Return the receipt of a refund in this answer. Raises EffectUnknown if it can't be read."""
    try:
        refund = Refund.model_validate(row)
    except ValidationError as error:
        raise EffectUnknown("unreadable_answer", unexpected_format(error), body=answer.text) from error
    data, text = refund.model_dump(mode="json", exclude_none=True), answer.text[: http.MAX_BODY_KEPT]
    return Receipt(refund.refund_id, refund.status, data, text, answer.status, answer.replayed)


def _client() -> httpx2.Client:
    return http.kept_client(
        settings.PAYMENTS_URL, token=settings.PAYMENTS_TOKEN, timeout=settings.PROVIDER_TIMEOUT_SECONDS
    )
