"""Identifiers of the current span, for log lines and for W3C trace context on outgoing requests.

Ids are derived from our own rows: a worker that takes over a run continues the same trace, and a later export names the
same spans. A span's name is unique within its run (`agentops.trace` lists them).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Any

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_touched: ContextVar[set[tuple[str, int]] | None] = ContextVar("touched", default=None)


def exporting() -> bool:
    """Return whether traces are exported, by OpenTelemetry's own environment variables."""
    stopped = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not stopped and any(os.environ.get(name) for name in ENDPOINTS)


def trace_id(ticket_id: str, run_id: int) -> str:
    """Return 32 hexadecimal digits. The ticket's id keeps installations that share a collector apart."""
    return sha256(f"{ticket_id}/{run_id}".encode()).hexdigest()[:32]


def span_id(trace: str, name: str) -> str:
    """Return 16 hexadecimal digits."""
    return sha256(f"{trace}/{name}".encode()).hexdigest()[:16]


def try_span(index: int, attempt: int) -> str:
    """Return the span name of one attempt at a run's step; attempts count from 1."""
    return f"step-{index}-try-{attempt}"


def attempt_span(action_id: int, number: int) -> str:
    """Return the span name of one attempt at an action."""
    return f"attempt-{action_id}-{number}"


def web_span(request_id: str) -> str:
    return f"web-{request_id}"


@contextmanager
def at(*, ticket_id: str, run_id: int | None, span: str, **more: Any) -> Iterator[None]:
    """Attach log lines and outgoing requests in this context to a span of the run.

    An action that a person created has no run and therefore no trace.
    """
    fields: dict[str, Any] = {"ticket": ticket_id, "run": run_id, **more}
    if run_id is not None:
        fields["trace_id"] = trace_id(ticket_id, run_id)
        fields["span_id"] = span_id(fields["trace_id"], span)
    with bound_contextvars(**{name: value for name, value in fields.items() if value is not None}):
        yield


@contextmanager
def collecting() -> Iterator[set[tuple[str, int]]]:
    """Collect the (ticket, run) pairs that are passed to `touch` in this context."""
    touched: set[tuple[str, int]] = set()
    token = _touched.set(touched)
    try:
        yield touched
    finally:
        _touched.reset(token)


def touch(*, ticket_id: str, run_id: int | None, **more: Any) -> None:
    """Attach the current web request to a run's trace. Outside a request, do nothing."""
    request_id = get_contextvars().get("request_id")
    if request_id is None:
        return
    bind_contextvars(ticket=ticket_id, **more)
    if run_id is not None:
        trace = trace_id(ticket_id, run_id)
        bind_contextvars(run=run_id, trace_id=trace, span_id=span_id(trace, web_span(request_id)))
        touched = _touched.get()
        if touched is not None:
            touched.add((ticket_id, run_id))


def headers() -> dict[str, str]:
    """Return the `traceparent` header if traces are exported and a span is active, else nothing."""
    here = get_contextvars() if exporting() else {}
    if "trace_id" not in here:
        return {}
    return {"traceparent": f"00-{here['trace_id']}-{here['span_id']}-01"}
