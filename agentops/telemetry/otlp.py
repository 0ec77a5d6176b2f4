"""Spans in OpenTelemetry's own shape, sent by its own exporter. Loaded only where traces are exported."""

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
# Bad data, and too much at once. Every other no, wrong credentials too, is put right over there.
REFUSED = (400, 413)
_answers: list[int] = []
_SCOPE = InstrumentationScope(names.SCOPE, schema_url=names.SCHEMA_URL)


def export(told: Sequence[ExportedSpan]) -> Literal["taken", "refused", "away"]:
    """Send the spans and return the collector's answer. `refused` spans will never be accepted. Takes as long as
    OTEL_EXPORTER_OTLP_TIMEOUT says at most, 10 s by default."""
    _answers.clear()
    if _exporter().export([_span(one) for one in told]) is SpanExportResult.SUCCESS:
        return "taken"
    return "refused" if _answers and _answers[-1] in REFUSED else "away"


@cache
def _exporter() -> OTLPSpanExporter:
    """It tells its caller nothing of an answer but whether it was a yes: the session does."""
    session = requests.Session()
    session.hooks["response"].append(lambda response, **_: _answers.append(response.status_code))
    return OTLPSpanExporter(session=session, max_request_size=0)


@cache
def _resource() -> Resource:
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {names.SERVICE_NAME: names.SCOPE}, schema_url=names.SCHEMA_URL)


def _span(told: ExportedSpan) -> ReadableSpan:
    return ReadableSpan(
        name=told.name,
        context=_context(told.trace_id, told.span_id),
        parent=_context(told.trace_id, told.parent_id) if told.parent_id else None,
        resource=_resource(),
        attributes=_attributes(told),
        links=[_link(told.link)] if told.link else (),
        kind=_SPAN_KINDS[told.kind],
        status=Status(StatusCode.ERROR, told.error) if told.error else Status(StatusCode.UNSET),
        start_time=_nanoseconds(told.started_at),
        end_time=_nanoseconds(told.finished_at),
        instrumentation_scope=_SCOPE,
    )


def _attributes(told: ExportedSpan) -> Mapping[str, Any]:
    """Without what is not known."""
    given = {**told.attributes, names.ERROR_TYPE: told.error}
    return {name: value for name, value in given.items() if value not in ("", None, [])}


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _link(traceparent: str) -> Link:
    _, trace_id, span_id, _ = traceparent.split("-")
    return Link(_context(trace_id, span_id))


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
