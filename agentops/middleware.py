"""Every web request has an id: its log lines bear it, its answer returns it. One that changes a run is part of the
run's trace; it is recorded for that only where traces are exported."""

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
    """Stands outermost. What changes something, and what fails, is a line in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ID.fullmatch(given) else uuid4().hex
        clear_contextvars()  # a thread serves one request after another
        with bound_contextvars(request_id=request_id):
            response = self._answer(request, request_id)
        clear_contextvars()
        response.headers["X-Request-ID"] = request_id
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Names who asks, where the view asks for a login anyway."""
        if getattr(view, "login_required", True) and request.user.is_authenticated:
            bind_contextvars(user=request.user.get_username())

    def _answer(self, request: HttpRequest, request_id: str) -> HttpResponse:
        if request.method in SAFE_METHODS or not tracing.exporting():
            begun = timezone.now()
            response = self._get_response(request)
        else:
            with tracing.collecting() as touched:
                begun = timezone.now()
                response = self._get_response(request)
            _record(request, response, request_id, begun, touched)
        if request.method not in SAFE_METHODS or response.status_code >= 500:
            _log(request, response, begun)
        return response


def _record(
    request: HttpRequest, response: HttpResponse, request_id: str, begun: datetime, touched: set[tuple[str, int]]
) -> None:
    """For `telemetry.shipping`, which sends it on and forgets it."""
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
            started_at=begun,
            finished_at=timezone.now(),
        )
        for ticket, run in sorted(touched)
    ]
    try:
        WebRequest.objects.bulk_create(rows)
    except DatabaseError:  # what was asked is done and answered: only its span is missing
        log.warning("a web request will be missing in its trace", exc_info=True)


def _route(request: HttpRequest) -> str:
    """Without what stands in it, such as a ticket's id."""
    return f"/{request.resolver_match.route}"[:100] if request.resolver_match else ""


def _log(request: HttpRequest, response: HttpResponse, begun: datetime) -> None:
    say = log.error if response.status_code >= 500 else log.info
    milliseconds = round((timezone.now() - begun).total_seconds() * 1000)
    say("request", method=request.method, path=request.path[:200], status=response.status_code, ms=milliseconds)
