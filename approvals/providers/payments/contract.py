"""The `http` backend: refunds as in docs/contracts/refunds.yaml."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx2
from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from agentops.lib import http
from agentops.lib.errors import EffectUnknown
from approvals.providers import patience
from approvals.providers.receipt import Name, Receipt, require_asked_for, unexpected_format, unlikeness, unreadable


def _to_utc(moment: datetime) -> datetime:
    """Convert to UTC. A moment outside the years 1 to 9999 in UTC can't be read back from the database."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("must be within the years 1 to 9999 in UTC") from error


Moment = Annotated[datetime, AfterValidator(_to_utc)]


class Refund(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    refund_id: Annotated[Name, Field(min_length=1)]
    payment_id: Name
    order_id: Name
    amount: int = Field(gt=0, lt=2**63)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    reference: Name
    status: Literal["pending", "succeeded", "failed"]
    created_at: Moment | None = None


def send_refund(*, body: str, key: str) -> Receipt:
    """Request the refund in `body`, at most once per `key`. Raises ProviderError."""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = http.call(_client(), "POST", "/refunds", content=body.encode(), headers=headers)
    made = _receipt(_parse(answer.data, answer.text), answer)
    require_asked_for(made.data, json.loads(body), answer=answer.text)
    return made


def find_refund(*, body: str, known: str) -> Receipt | None:
    """Return the refund with our reference, the most likely one if there are several. Raises ProviderError, also if it
    is not the one that `body` requested, or if the provider returns other references: then it did not search for ours.
    """
    wanted = json.loads(body)
    ours = []
    for row, answer in _listed(_page, {"reference": wanted["reference"]}):
        refund = _parse(row, answer.text)
        if refund.reference != wanted["reference"]:
            raise EffectUnknown(
                "unreadable_answer", "The provider returned a refund with another reference.", body=answer.text
            )
        ours.append(_receipt(refund, answer))
    if not ours:
        return None
    found = min(ours, key=lambda each: unlikeness(each.data, wanted, known))
    require_asked_for(found.data, wanted, answer=found.answer)
    return found


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Yield every refund made since then, newest first, retrying transient errors. Raises ProviderError."""
    for row, answer in _listed(
        lambda asked: patience.read_with_retries(lambda: _page(asked)), {"created_after": since.isoformat()}
    ):
        try:
            found = _receipt(_parse(row, answer.text), answer)
        except EffectUnknown as error:  # one bad row must not hide the others
            found = unreadable(row, name="refund_id", why=error.message)
        yield found


def _listed(
    page: Callable[[dict[str, str]], tuple[list[Any], http.JsonAnswer]], asked: dict[str, str]
) -> Iterator[tuple[Any, http.JsonAnswer]]:
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


def _page(asked: dict[str, str]) -> tuple[list[Any], http.JsonAnswer]:
    answer = http.call(_client(), "GET", "/refunds", params=asked)
    rows = answer.data.get("refunds") if isinstance(answer.data, dict) else None
    if not isinstance(rows, list):
        raise EffectUnknown("unreadable_answer", "The response has no list of refunds.", body=answer.text)
    return rows, answer


def _receipt(refund: Refund, answer: http.JsonAnswer) -> Receipt:
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
        raise EffectUnknown("unreadable_answer", unexpected_format(error), body=text) from error


def _client() -> httpx2.Client:
    return _kept_client(settings.PAYMENTS_URL, settings.PAYMENTS_TOKEN, settings.PROVIDER_TIMEOUT_SECONDS)


@http.kept
def _kept_client(url: str, token: str, timeout: float) -> httpx2.Client:
    return http.client(url, token=token, timeout=timeout)
