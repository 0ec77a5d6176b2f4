"""HTTP calls to outside systems, and the classification of their answers (docs/design.md, 8)."""

import json
import re
from dataclasses import dataclass
from math import isnan
from typing import Any

import httpx2

from agentops.lib import deadline
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

MAX_BODY_KEPT = 20_000
CODE = re.compile(r"[\w.-]{1,60}", re.ASCII)  # anything else is prose, which may contain personal data
# The request was never sent: invalid address, unknown name, connection or TLS refused, or no free connection.
NEVER_SENT = (
    httpx2.InvalidURL,
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.ProxyError,
)


@dataclass(frozen=True)
class JsonAnswer:
    """A 2xx answer: the JSON value and the exact text it was parsed from."""

    status: int
    data: Any
    text: str
    replayed: bool


def client(base_url: str, *, token: str = "", timeout: float = 10.0, connections: int = 100) -> httpx2.Client:
    """Return a client that keeps connections open; use one per process and provider.

    `timeout` bounds a whole call, in seconds, and `deadline.MAX_ANSWER_BYTES` its answer. There are no retries at this
    level.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(
        base_url=base_url,
        headers=headers,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 5.0)),
        transport=deadline.DeadlineTransport(timeout, connections=connections),
        follow_redirects=False,
        trust_env=False,
    )


kept_client = kept(client)


def call(http: httpx2.Client, method: str, url: str, **options: Any) -> JsonAnswer:
    """Send one request and return its 2xx answer. Raises the matching ProviderError (docs/design.md, 8)."""
    response = send_request(http, method, url, **options)
    status, text, headers = response.status_code, response.text, response.headers
    replayed = headers.get("Idempotent-Replayed", "").lower() == "true"
    if not 200 <= status < 300:
        retry_after = headers.get("Retry-After")
        raise failure(status, text, replayed=replayed, retry_after=retry_after, write=method != "GET")
    try:
        return JsonAnswer(status, response.json() if response.content else None, text, replayed)
    except (ValueError, RecursionError) as error:
        kept = text[:MAX_BODY_KEPT]
        raise EffectUnknown("unreadable_answer", "The response isn't JSON.", http_status=status, body=kept) from error


def send_request(http: httpx2.Client, method: str, url: str, **options: Any) -> httpx2.Response:
    """Send one request and return its answer, whatever its status. Raises ProviderError if there is no answer."""
    try:
        return http.request(method, url, **options)
    except NEVER_SENT as error:
        raise Transient("unreachable", f"Couldn't connect: {_cause(error)}.") from error
    except httpx2.TimeoutException as error:
        raise EffectUnknown("timeout", "The provider didn't respond (timeout).") from error
    except httpx2.DecodingError as error:
        raise EffectUnknown("unreadable_answer", f"The response can't be read: {_cause(error)}.") from error
    except httpx2.HTTPError as error:
        raise EffectUnknown("connection_lost", f"Connection lost: {_cause(error)}.") from error


def _cause(error: Exception) -> str:
    """Return the error's text without a full stop, or its name if it has none."""
    return str(error).rstrip(".") or type(error).__name__


def failure(
    status: int, body: str, *, replayed: bool = False, retry_after: str | None = None, write: bool = False
) -> ProviderError:
    """Return the error for an answer outside 2xx. For a `write`, an answer that is neither success nor refusal (a
    redirect, for example) leaves its effect unknown."""
    code, message, details = _error_of(status, body)
    error = _class_of(status, code, replayed=replayed, write=write)(code, message, http_status=status, details=details)
    error.retry_after, error.body = retry_after_seconds(retry_after), body[:MAX_BODY_KEPT]
    return error


def _class_of(status: int, code: str, *, replayed: bool, write: bool) -> type[ProviderError]:
    if status == 401:
        return Unauthorized
    if status == 422 and code == "idempotency_mismatch":
        return IdempotencyMismatch
    if status == 409 and code in ("idempotency_in_progress", f"http_{status}"):
        return Transient
    if status in (425, 429, 503):
        return Transient
    if status == 408 or status >= 500 or (write and status < 400):
        return ReplayedFailure if replayed else EffectUnknown
    return Terminal


def _error_of(status: int, body: str) -> tuple[str, str, dict[str, Any]]:
    """Return the code, message and details of an error answer (docs/contracts), as far as it has them."""
    try:
        error = json.loads(body)["error"]
        code, details = error.get("code"), error.get("details")
        named = isinstance(code, str) and CODE.fullmatch(code)
        message = str(error.get("message", ""))
        return code if named else f"http_{status}", message, details if isinstance(details, dict) else {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"http_{status}", f"The provider returned HTTP {status}.", {}


def retry_after_seconds(retry_after: str | None) -> float | None:
    """Return the delay of a Retry-After header in seconds, or None."""
    try:
        wanted = float(retry_after or "nan")
    except ValueError:  # the HTTP-date form is rare; backoff covers it
        return None
    # Limit the damage of a server's mistake to one hour.
    return None if isnan(wanted) else min(max(wanted, 0.0), 3600.0)
