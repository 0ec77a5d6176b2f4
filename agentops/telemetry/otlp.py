"""Convert spans to OpenTelemetry's and send them with its exporter. Imported only if traces are exported."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agentops.telemetry import conventions as names
from agentops.telemetry.spans import ExportedSpan
from agentops.telemetry.watermark import EPOCH

_SPAN_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT, "server": SpanKind.SERVER}
# Bad or too much data: sending it again won't help. Any other refusal, such as wrong credentials, is fixed at the
# collector, so those spans are worth keeping.
_REFUSING_STATUSES = (400, 413)
_statuses: list[int] = []
_SCOPE = InstrumentationScope(names.SCOPE, schema_url=names.SCHEMA_URL)


def export(span: Sequence[ExportedSpan]) -> Literal["accepted", "refused", "unavailable"]:
    """Send the spans and return the collector's answer. Spans that are `refused` will never be accepted.

    Takes at most OTEL_EXPORTER_OTLP_TIMEOUT, 10 s by default.
    """
    _statuses.clear()
    if _exporter().export([_span(one) for one in span]) is SpanExportResult.SUCCESS:
        return "accepted"
    return "refused" if _statuses and _statuses[-1] in _REFUSING_STATUSES else "unavailable"


@cache
def _exporter() -> OTLPSpanExporter:
    """Return the exporter. It reports only success or failure, so a hook of its session records the HTTP status."""
    session = requests.Session()
    session.hooks["response"].append(lambda response, **_: _statuses.append(response.status_code))
    return OTLPSpanExporter(session=session, max_request_size=0)


@cache
def _resource() -> Resource:
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {names.SERVICE_NAME: names.SCOPE}, schema_url=names.SCHEMA_URL)


def _span(span: ExportedSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
        resource=_resource(),
        attributes=_attributes(span),
        links=[_link(span.link)] if span.link else (),
        kind=_SPAN_KINDS[span.kind],
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
        start_time=_nanoseconds(span.started_at),
        end_time=_nanoseconds(span.finished_at),
        instrumentation_scope=_SCOPE,
    )


def _attributes(span: ExportedSpan) -> Mapping[str, Any]:
    """Return the attributes without empty values, which the conventions leave out."""
    given = {**span.attributes, names.ERROR_TYPE: span.error}
    return {name: value for name, value in given.items() if value not in ("", None, [])}


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _link(traceparent: str) -> Link:
    _, trace_id, span_id, _ = traceparent.split("-")
    return Link(_context(trace_id, span_id))


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
