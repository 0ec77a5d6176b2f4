"""Where this process is at work: the identifiers that its log lines bear, and that go with its requests to others as
W3C trace context.

They are made from our own rows, so that whoever takes a run over goes on with the same trace, and whoever tells of it
afterwards names the same spans. A span's name is unique in its run (`agentops.trace` says which there are).
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
    """Whether traces go to a collector: the environment says so, to us and to OpenTelemetry's own exporter."""
    stopped = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not stopped and any(os.environ.get(name) for name in ENDPOINTS)


def trace_id(ticket_id: str, run_id: int) -> str:
    """32 hexadecimal digits. The ticket's id keeps two installations that share a collector apart."""
    return sha256(f"{ticket_id}/{run_id}".encode()).hexdigest()[:32]


def span_id(trace: str, name: str) -> str:
    """16 hexadecimal digits."""
    return sha256(f"{trace}/{name}".encode()).hexdigest()[:16]


def try_span(index: int, attempt: int) -> str:
    """The name of the span of one attempt at a run's step; attempts are counted from 1."""
    return f"step-{index}-try-{attempt}"


def attempt_span(action_id: int, number: int) -> str:
    """The name of the span of one attempt at an action."""
    return f"attempt-{action_id}-{number}"


def web_span(request_id: str) -> str:
    return f"web-{request_id}"


@contextmanager
def at(*, ticket_id: str, run_id: int | None, span: str, **more: Any) -> Iterator[None]:
    """Within it, log lines and outgoing requests belong to this span of the run; an action that a person made has no
    run, and no trace."""
    fields: dict[str, Any] = {"ticket": ticket_id, "run": run_id, **more}
    if run_id is not None:
        fields["trace_id"] = trace_id(ticket_id, run_id)
        fields["span_id"] = span_id(fields["trace_id"], span)
    with bound_contextvars(**{name: value for name, value in fields.items() if value is not None}):
        yield


@contextmanager
def collecting() -> Iterator[set[tuple[str, int]]]:
    """The (ticket, run) of every run that `touch` names meanwhile."""
    touched: set[tuple[str, int]] = set()
    token = _touched.set(touched)
    try:
        yield touched
    finally:
        _touched.reset(token)


def touch(*, ticket_id: str, run_id: int | None, **more: Any) -> None:
    """Says that the web request at hand, if it is one, is about this run: from here on, it is part of the run's
    trace."""
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
    """What a request to an outside system bears: `traceparent`, where traces are exported and this is one."""
    here = get_contextvars() if exporting() else {}
    if "trace_id" not in here:
        return {}
    return {"traceparent": f"00-{here['trace_id']}-{here['span_id']}-01"}
