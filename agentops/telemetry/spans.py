"""A run's spans for export: those of `agentops.trace` with the names of `conventions`, below a root for the run.

Reads only rows that `trace.loading.find_run` has loaded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agentops import trace
from agentops.lib import tracing
from agentops.models import Run, Step, WebRequest
from agentops.telemetry import attributes
from agentops.telemetry import conventions as names
from agentops.trace import Span

ROOT = "run"


@dataclass(frozen=True)
class ExportedSpan:
    """A span that ended. Ids are hexadecimal, and the root has an empty `parent_id`.

    `link` is a caller's W3C trace context, or empty. `error` is a code for how the span failed, or empty.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Literal["internal", "client", "server"]
    started_at: datetime
    finished_at: datetime
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    link: str = ""


def spans_between(run: Run, after: datetime, until: datetime) -> Iterator[ExportedSpan]:
    """Yield the run's spans that ended after `after` and up to `until`."""

    def within(moment: datetime | None) -> bool:
        return moment is not None and after < moment <= until

    steps = {step.index: step for step in run.steps.all()}
    for span in trace.spans(run):
        if span.finished_at is not None and within(span.finished_at):
            step = steps[span.step_index]
            yield _exported_span(
                run,
                span.id,
                span.parent or ROOT,
                attributes.span_name(span),
                span.started_at,
                span.finished_at,
                attributes=attributes.span_attributes(run, span, step),
                error=attributes.error_code(span),
                kind="client" if span.kind in ("llm", "provider") else "internal",
            )
            if span.kind in ("llm", "tool"):
                yield from _tries(run, span, step)
    if run.finished_at is not None and within(run.finished_at):
        if run.started_at is not None:
            yield _exported_span(run, "queued", ROOT, "queued", run.created_at, run.started_at)
        name = f"{names.INVOKE_AGENT} {names.AGENTOPS_AGENT}"
        error = "run_failed" if run.status == Run.Status.FAILED else ""
        yield _exported_span(
            run, ROOT, "", name, run.created_at, run.finished_at, attributes=attributes.run_attributes(run), error=error
        )


def request_span(request: WebRequest) -> ExportedSpan:
    """Return the span of a web request that started or changed the run."""
    trace_id = tracing.trace_id(request.ticket_id, request.run_id)
    return ExportedSpan(
        trace_id=trace_id,
        span_id=tracing.span_id(trace_id, tracing.web_span(request.request_id)),
        parent_id=tracing.span_id(trace_id, ROOT),
        name=f"{request.method} {request.route}".strip(),
        kind="server",
        started_at=request.started_at,
        finished_at=request.finished_at,
        attributes={
            names.METHOD: request.method,
            names.ROUTE: request.route,
            names.STATUS_CODE: request.status,
            names.REQUEST_ID: request.request_id,
            names.USER: request.user,
            names.TICKET: request.ticket_id,
            names.RUN: request.run_id,
        },
        error=str(request.status) if request.status >= 500 else "",
        link=request.traceparent,
    )


def _exported_span(
    run: Run,
    name: str,
    parent: str,
    shown: str,
    started_at: datetime,
    finished_at: datetime,
    *,
    attributes: dict[str, Any] | None = None,
    error: str = "",
    kind: Literal["internal", "client"] = "internal",
) -> ExportedSpan:
    trace_id = tracing.trace_id(run.ticket_id, run.pk)
    return ExportedSpan(
        trace_id=trace_id,
        span_id=tracing.span_id(trace_id, name),
        parent_id=tracing.span_id(trace_id, parent) if parent else "",
        name=shown,
        kind=kind,
        started_at=started_at,
        finished_at=max(finished_at, started_at),
        attributes={names.RUN: run.pk, names.TICKET: run.ticket_id, **(attributes or {})},
        error=error,
    )


def _tries(run: Run, span: Span, step: Step) -> Iterator[ExportedSpan]:
    """Yield a span for each call that the step attempted, as the parent of the server's own spans.

    An action's attempts have spans already.
    """
    for failure in step.failures:
        if "started_at" in failure:  # old rows don't have the times
            times = (datetime.fromisoformat(failure[name]) for name in ("started_at", "finished_at"))
            yield _try(run, span, failure["attempt"], *times, error=failure["code"], status=failure.get("http_status"))
    if step.action_id is None and step.finished_at is not None:
        began = step.tried_at or step.started_at
        yield _try(run, span, step.attempts, began, step.finished_at, error=attributes.error_code(span))


def _try(
    run: Run, span: Span, number: int, began: datetime, ended: datetime, *, error: str, status: int | None = None
) -> ExportedSpan:
    about = {
        names.STEP: span.step_index,
        names.ATTEMPT: number,
        names.RESEND_COUNT: attributes.resend_count(number),
        names.STATUS_CODE: status,
    }
    name = attributes.tool_name(span) if span.kind == "tool" else span.name
    span_name = tracing.try_span(span.step_index, number)
    return _exported_span(
        run, span_name, span.id, f"{name} attempt", began, ended, attributes=about, error=error, kind="client"
    )
