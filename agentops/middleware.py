"""Give every web request an id, for its log lines and its response.

A request that changes a run is part of the run's trace. It is recorded for that only if traces are exported.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars

from agentops.lib import tracing
from agentops.models import WebRequest

log = structlog.stdlib.get_logger(__name__)
ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class RequestLog:
    """The outermost middleware. It logs requests that may change something and requests that fail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The id goes into logs and headers, so take a caller's only if it can't forge a log line.
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ID.fullmatch(given) else uuid4().hex
        clear_contextvars()  # the thread may have served another request before
        with bound_contextvars(request_id=request_id):
            response = self._answer(request, request_id)
        clear_contextvars()
        response.headers["X-Request-ID"] = request_id
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Bind the user's name to the log, if the view requires a login: reading the user costs a query."""
        if getattr(view, "login_required", True) and request.user.is_authenticated:
            bind_contextvars(user=request.user.get_username())

    def _answer(self, request: HttpRequest, request_id: str) -> HttpResponse:
        if request.method in SAFE_METHODS or not tracing.exporting():
            started = timezone.now()
            response = self._get_response(request)
        else:
            with tracing.collecting() as touched:
                started = timezone.now()
                response = self._get_response(request)
            _record(request, response, request_id, started, touched)
        if request.method not in SAFE_METHODS or response.status_code >= 500:
            _log(request, response, started)
        return response


def _record(
    request: HttpRequest, response: HttpResponse, request_id: str, started: datetime, touched: set[tuple[str, int]]
) -> None:
    """Save the request for `telemetry.shipping`, which exports and deletes it."""
    parent = request.headers.get("traceparent", "")
    rows = [
        WebRequest(
            ticket_id=ticket,
            run_id=run,
            request_id=request_id,
            method=str(request.method)[:10],
            route=_route(request),
            status=response.status_code,
            user=get_contextvars().get("user", "")[:150],
            traceparent=parent if TRACEPARENT.fullmatch(parent) else "",
            started_at=started,
            finished_at=timezone.now(),
        )
        for ticket, run in sorted(touched)
    ]
    try:
        WebRequest.objects.bulk_create(rows)
    except DatabaseError:  # the request itself is done, so it must not fail over its span
        log.warning("a web request will be missing from its trace", exc_info=True)


def _route(request: HttpRequest) -> str:
    """Return the URL pattern, without values such as a ticket's id."""
    return f"/{request.resolver_match.route}"[:100] if request.resolver_match else ""


def _log(request: HttpRequest, response: HttpResponse, started: datetime) -> None:
    write_line = log.error if response.status_code >= 500 else log.info
    milliseconds = round((timezone.now() - started).total_seconds() * 1000)
    write_line("request", method=request.method, path=request.path[:200], status=response.status_code, ms=milliseconds)
