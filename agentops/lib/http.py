"""HTTP calls to outside systems, and the classification of their answers (docs/design.md, 8)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from math import isnan
from threading import Lock
from typing import Any, cast

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


def kept[**P, T](make: Callable[P, T]) -> Callable[P, T]:
    """Make one client per arguments and process, also when several threads ask for it at once."""
    made, lock = cast("Callable[P, T]", cache(make)), Lock()

    @wraps(make)
    def keep(*given: P.args, **named: P.kwargs) -> T:
        with lock:
            return made(*given, **named)

    return keep


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


def call(http: httpx2.Client, method: str, url: str, **options: Any) -> JsonAnswer:
    """Send one request and return its 2xx answer. Raises the matching ProviderError (docs/design.md, 8)."""
    response = send_request(http, method, url, **options)
    replayed = response.headers.get("Idempotent-Replayed", "").lower() == "true"
    if not 200 <= response.status_code < 300:
        raise failure(
            response.status_code,
            response.text,
            replayed=replayed,
            retry_after=response.headers.get("Retry-After"),
            write=method != "GET",
        )
    try:
        return JsonAnswer(response.status_code, response.json() if response.content else None, response.text, replayed)
    except (ValueError, RecursionError) as error:
        raise EffectUnknown(
            "unreadable_answer",
            "The response isn't JSON.",
            http_status=response.status_code,
            body=_kept(response.text),
        ) from error


def send_request(http: httpx2.Client, method: str, url: str, **options: Any) -> httpx2.Response:
    """Send one request and return its answer, whatever its status. Raises ProviderError if there is no answer."""
    try:
        return http.request(method, url, **options)
    except NEVER_SENT as error:
        raise Transient("unreachable", f"Couldn't connect, so nothing was sent: {_cause(error)}.") from error
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
    """Return the error for an answer outside 2xx.

    For a `write`, an answer that is neither success nor refusal (a redirect, for example) leaves its effect unknown.
    """
    code, message, details = _error_of(status, body)
    kind = _class_of(status, code, replayed=replayed, write=write)
    return kind(
        code,
        message,
        http_status=status,
        retry_after=retry_after_seconds(retry_after),
        body=_kept(body),
        details=details,
    )


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
    try:
        error = json.loads(body)["error"]
        code, details = error.get("code"), error.get("details")
        named = isinstance(code, str) and CODE.fullmatch(code)
        return (
            code if named else f"http_{status}",
            str(error.get("message", "")),
            details if isinstance(details, dict) else {},
        )
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


def _kept(body: str) -> str:
    return body[:MAX_BODY_KEPT]
