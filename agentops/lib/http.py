"""One way to call an outside system over HTTP, and one classification of what comes back (docs/design.md, 8)."""

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

MAX_BODY_KEPT = 20_000
CODE = re.compile(r"[\w.-]{1,60}", re.ASCII)  # what is taken for a code; anything else is words, and may be anybody's
# Never sent: the address is none, the name was not found, the connection or TLS was refused, or none was free.
NEVER_SENT = (
    httpx2.InvalidURL,
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.ProxyError,
)


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: the JSON value and the exact text it came as."""

    status: int
    data: Any
    text: str
    replayed: bool


def client(base_url: str, *, token: str = "", timeout: float = 10.0, connections: int = 100) -> httpx2.Client:
    """A client that keeps its connections; one per process and provider. `timeout` in seconds bounds a
    call as a whole, `deadline.MAX_BYTES` its answer; nothing is retried here."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(
        base_url=base_url,
        headers=headers,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 5.0)),
        transport=deadline.Transport(timeout, connections=connections),
        follow_redirects=False,
        trust_env=False,
    )


def call(http: httpx2.Client, method: str, url: str, **options: Any) -> Answer:
    """One request, one answer. Raises the ProviderError that the outcome is (docs/design.md, 8)."""
    response = send(http, method, url, **options)
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
        return Answer(response.status_code, response.json() if response.content else None, response.text, replayed)
    except (ValueError, RecursionError) as error:
        raise EffectUnknown(
            "unreadable_answer",
            "the answer is not JSON",
            http_status=response.status_code,
            body=_kept(response.text),
        ) from error


def send(http: httpx2.Client, method: str, url: str, **options: Any) -> httpx2.Response:
    """One request and whatever answered it. Raises the ProviderError that no answer is (docs/design.md, 8)."""
    try:
        return http.request(method, url, **options)
    except NEVER_SENT as error:
        raise Transient("unreachable", f"never sent: {error}") from error
    except httpx2.TimeoutException as error:
        raise EffectUnknown("timeout", f"no answer in time: {type(error).__name__}") from error
    except httpx2.DecodingError as error:
        raise EffectUnknown("unreadable_answer", str(error)) from error
    except httpx2.HTTPError as error:
        raise EffectUnknown("connection_lost", f"connection lost: {error or type(error).__name__}") from error


def failure(
    status: int, body: str, *, replayed: bool = False, retry_after: str | None = None, write: bool = False
) -> ProviderError:
    """The error that an answer outside 2xx is. Of a `write`, what is neither success nor refusal, as a redirect, says
    nothing about its effect."""
    code, message, details = _error_of(status, body)
    kind = _class_of(status, code, replayed=replayed, write=write)
    return kind(
        code,
        message,
        http_status=status,
        retry_after=seconds(retry_after),
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
        return f"http_{status}", f"answered {status}", {}


def seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header says, or None."""
    try:
        wanted = float(retry_after or "nan")
    except ValueError:  # the HTTP-date form is rare, and backoff alone serves it
        return None
    # An hour bounds a server's mistake.
    return None if isnan(wanted) else min(max(wanted, 0.0), 3600.0)


def _kept(body: str) -> str:
    return body[:MAX_BODY_KEPT]
