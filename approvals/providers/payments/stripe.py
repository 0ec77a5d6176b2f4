"""The `stripe` backend. Stripe's client builds the requests and parses the answers. The connection, the timeouts and
the classification of errors (docs/design.md, 8) are ours, and nothing is retried here."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

import httpx2
import stripe
from django.conf import settings

from agentops.lib import http
from agentops.lib.errors import (
    EffectUnknown,
    IdempotencyMismatch,
    ProviderError,
    ReplayedFailure,
    Terminal,
    Transient,
    Unauthorized,
)
from agentops.lib.per_process import kept
from approvals.providers import patience
from approvals.providers.payments.stripe_refund import StripeRefund, to_stripe
from approvals.providers.receipt import Receipt, require_asked_for, unlikeness
from approvals.providers.unreadable import unexpected_format, unreadable

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams, RefundListParams

# Otherwise the client reports our latencies and host details, and writes a host id into the home folder.
stripe.enable_telemetry = False
PAGE = 100
type _Asking = Callable[[], stripe.ListObject[stripe.Refund]]
type _Page = tuple[list[str], _Asking | None]  # the rows, and the request for the next page


def send_refund(*, body: str, key: str) -> Receipt:
    """Request the refund that `body` describes (JSON, docs/contracts/refunds.yaml), once per `key`.

    Raises ProviderError."""
    wanted = json.loads(body)
    try:
        amount = to_stripe(wanted["amount"], wanted["currency"])
    except ValueError as error:
        raise Terminal("amount_not_possible", str(error)) from error
    wanted_refund = {
        _named(wanted["payment_id"]): wanted["payment_id"],
        "amount": amount,
        # Stripe has no look-up by key, so find_refund searches for this reference.
        "metadata": {"reference": wanted["reference"], "order_id": wanted["order_id"]},
    }
    try:
        made = _client().v1.refunds.create(cast("RefundCreateParams", wanted_refund), {"idempotency_key": key})
    except stripe.StripeError as error:
        raise _classified(error) from error
    response = getattr(made, "last_response", None)
    if response is None:
        raise EffectUnknown("unreadable_answer", "The response isn't an object.", body=str(made)[:2000])
    refund = _parse(response.data, response.body)
    require_asked_for(_as_wanted(refund, wanted), wanted, answer=response.body)
    return _receipt(refund, response.body, response.code, replayed=_replayed(response.headers))


def find_refund(*, body: str, known: str) -> Receipt | None:
    """Return the payment's refund with our reference, the most likely one if there are several. Stripe can't search
    refunds, so all refunds of the payment are read. Raises ProviderError, also if it is not the one requested."""
    wanted = json.loads(body)
    ours = [
        (_as_wanted(refund, wanted), refund, text)
        for row, text in _listed(_ask, {_named(wanted["payment_id"]): wanted["payment_id"]})
        if not _names_another(row, wanted["reference"])
        and (refund := _parse(row, text)).reference == wanted["reference"]
    ]
    if not ours:
        return None
    data, refund, text = min(ours, key=lambda found: unlikeness(found[0], wanted, known))
    require_asked_for(data, wanted, answer=text)
    return _receipt(refund, text, 200)


def _names_another(row: Any, reference: str) -> bool:
    """Return whether the row clearly belongs to someone else. Such a row is skipped even if it is malformed."""
    if not isinstance(row, dict) or "metadata" not in row:
        return False
    metadata = row["metadata"]
    return metadata is None or (isinstance(metadata, dict) and metadata.get("reference") != reference)


def _as_wanted(refund: StripeRefund, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the refund's data under the payment id that we asked for: Stripe names both a charge and its intent."""
    data = refund.as_data()
    named = wanted["payment_id"] in (refund.payment_intent, refund.charge)
    return {**data, "payment_id": wanted["payment_id"]} if named else data


def refunds_since(since: datetime) -> Iterator[Receipt]:
    """Yield every refund made since then, newest first, retrying transient errors. Raises ProviderError."""
    for row, text in _listed(
        lambda ask: patience.read_with_retries(lambda: _ask(ask)), {"created": {"gte": int(since.timestamp())}}
    ):
        try:
            found = _receipt(_parse(row, text), text, 200)
        except EffectUnknown as error:  # one bad row must not hide the others
            found = unreadable(row, name="id", why=error.message)
        yield found


def _listed(page: Callable[[_Asking], _Page], params: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield each row of every page, parsed and as text. A repeated page is an error, not the end, because the rest
    would go unread. Raises ProviderError."""
    seen: set[str] = set()
    texts, following = page(lambda: _client().v1.refunds.list(cast("RefundListParams", {**params, "limit": PAGE})))
    while True:
        yield from ((json.loads(text), text) for text in texts)
        if following is None:
            return
        if texts[-1] in seen:
            raise EffectUnknown("unreadable_answer", "Stripe returned the same page twice.", body=texts[-1])
        seen.add(texts[-1])
        texts, following = page(following)


def _ask(request: _Asking) -> _Page:
    """Return the rows of a page as JSON texts, and the request for the next page. Raises ProviderError."""
    try:
        page = request()
        texts = [json.dumps(row.to_dict()) for row in page.data]
        return texts, page.next_page if page.has_more and texts else None
    except stripe.StripeError as error:
        raise _classified(error) from error
    # Stripe's client doesn't check what it parses, so an answer that is no list of refunds fails in any of these ways.
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise EffectUnknown("unreadable_answer", f"The response isn't a list of refunds: {error}.") from error


class Transport(stripe.HTTPClient):
    """Sends the client's requests through one shared httpx2 client, which classifies requests without an answer."""

    name = "httpx2"

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._http = http.client("", timeout=timeout)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        response = http.send_request(self._http, method.upper(), url, headers=headers, content=post_data)
        return response.text, response.status_code, response.headers


def _client() -> stripe.StripeClient:
    return _kept_client(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE, settings.PROVIDER_TIMEOUT_SECONDS)


@kept
def _kept_client(key: str, base: str, timeout: float) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base.rstrip("/")},
        max_network_retries=0,  # by default the client retries twice; attempts are counted and spaced by the engine
        http_client=Transport(timeout),
    )


def _named(payment_id: str) -> Literal["payment_intent", "charge"]:
    return "payment_intent" if payment_id.startswith("pi_") else "charge"


def _classified(error: stripe.StripeError) -> ProviderError:
    """Convert Stripe's error to ours. An error without a status means that the answer was unreadable."""
    status, details = error.http_status or 0, error.error
    code = error.code or (details and (details.code or details.type)) or f"http_{status}"
    headers = httpx2.Headers(error.headers)
    return _class_of(error, status, headers)(
        str(code),
        error.user_message or f"Stripe returned HTTP {status}.",
        http_status=error.http_status,
        retry_after=http.retry_after_seconds(headers.get("Retry-After")),
        body=(error.http_body or "")[: http.MAX_BODY_KEPT],
    )


def _class_of(error: stripe.StripeError, status: int, headers: httpx2.Headers) -> type[ProviderError]:
    if isinstance(error, stripe.AuthenticationError) or status == 401:
        return Unauthorized
    if isinstance(error, stripe.IdempotencyError):
        return IdempotencyMismatch
    # Stripe says whether the same request can get a different answer (docs.stripe.com/error-low-level).
    advice = headers.get("Stripe-Should-Retry", "").lower()
    if status in (409, 425, 429, 503):
        return Terminal if advice == "false" else Transient
    if status < 400 or status in (408, 424) or status >= 500:
        stuck = advice == "false" or (_replayed(headers) and advice != "true")
        return ReplayedFailure if stuck else EffectUnknown
    return Transient if advice == "true" or isinstance(error, stripe.RateLimitError) else Terminal


def _replayed(headers: Mapping[str, str]) -> bool:
    return headers.get("Idempotent-Replayed", "").lower() == "true"


def _parse(data: Any, text: str) -> StripeRefund:
    try:
        refund = StripeRefund.model_validate(data)
        refund.as_data()
    except ValueError as error:  # pydantic.ValidationError is one
        raise EffectUnknown("unreadable_answer", unexpected_format(error), body=text) from error
    return refund


def _receipt(refund: StripeRefund, text: str, status: int, *, replayed: bool = False) -> Receipt:
    data = refund.as_data()
    return Receipt(
        reference=refund.id,
        status=data["status"],
        data=data,
        answer=text[: http.MAX_BODY_KEPT],
        http_status=status,
        replayed=replayed,
    )
