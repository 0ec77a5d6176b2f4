"""A run's spans as other tools are told of them: those of `agentops.trace`, each with the names of `conventions`, below
one root that is the run. Reads only rows that `trace.loading.find_run` has loaded."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from agentops import trace
from agentops.lib import tracing
from agentops.models import Run, Step, WebRequest
from agentops.runs import tools
from agentops.telemetry import content
from agentops.telemetry import conventions as names
from agentops.trace import Span

ROOT = "run"
OPENAI = "https://api.openai.com"


@dataclass(frozen=True)
class ExportedSpan:
    """A span that ended. Ids are hexadecimal; `parent_id` is empty for the root; `link` is the W3C trace context of a
    caller, or empty; `error` says how it failed, in a word."""

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
    """What of the run ended after the one moment and up to the other."""

    def within(moment: datetime | None) -> bool:
        return moment is not None and after < moment <= until

    steps = {step.index: step for step in run.steps.all()}
    for span in trace.spans(run):
        if span.finished_at is not None and within(span.finished_at):
            step = steps[span.step_index]
            yield _told(run, span.id, span.parent or ROOT, _name(span), span.started_at, span.finished_at,
                        attributes=_attributes(run, span, step), error=_error(span),
                        kind="client" if span.kind in ("llm", "provider") else "internal")  # fmt: skip
            if span.kind in ("llm", "tool"):
                yield from _tries(run, span, step)
    if run.finished_at is not None and within(run.finished_at):
        if run.started_at is not None:
            yield _told(run, "queued", ROOT, "queued", run.created_at, run.started_at)
        yield _told(run, ROOT, "", f"{names.INVOKE_AGENT} {names.AGENTOPS_AGENT}", run.created_at, run.finished_at,
                    attributes=_of_run(run), error="run_failed" if run.status == Run.Status.FAILED else "")  # fmt: skip


def request_span(request: WebRequest) -> ExportedSpan:
    """The web request that began the run, or changed what became of it."""
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


def _told(
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


def _name(span: Span) -> str:
    match span.kind:
        case "llm":
            return f"{names.CHAT} {span.name}"
        case "tool":
            return f"{names.EXECUTE_TOOL} {_tool(span)}"
        case "policy":
            return "policy"
        case "human":
            return "human approval"
        case "provider":
            return f"{span.attributes['kind']} attempt"


def _tool(span: Span) -> str:
    """The tool's name. One that there is not has what the model made up: content, told of only when asked for."""
    if span.name in tools.tool_names():
        return span.name
    return (
        content.clean(span.name) if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT else tools.UNKNOWN_TOOL
    )


def _error(span: Span) -> str:
    return (span.error_code or span.error_class or "error") if span.status == "error" else ""


def _attributes(run: Run, span: Span, step: Step) -> dict[str, Any]:
    about = {names.STEP: span.step_index, names.ERROR_CLASS: span.error_class}
    if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT:
        about |= content.content_of(run, span, step)
    match span.kind:
        case "llm":
            return about | _of_model_call(run, span, step)
        case "tool":
            return about | {
                names.OPERATION_NAME: names.EXECUTE_TOOL,
                names.TOOL_NAME: _tool(span),
                names.TOOL_TYPE: "function",
                names.TOOL_CALL_ID: step.input.get("call_id", ""),
                names.ACTION_KEY: step.action.idempotency_key if step.action else "",
                names.URL: _page(run, span.step_index),
            }
        case "policy":
            return about | {
                names.POLICY_VERSION: span.attributes["policy_version"],
                names.VERDICT: span.attributes["verdict"],
                names.REASONS: [str(reason.get("code", "")) for reason in span.attributes["reasons"]],
            }
        case "human":
            return about | {
                names.REQUEST: span.attributes["request"],
                names.DECISION: span.attributes["verdict"],
                names.DECIDED_BY: span.attributes["decided_by"],
            }
        case "provider":
            return about | {
                names.ACTION_KIND: span.attributes["kind"],
                names.ACTION_KEY: span.attributes["idempotency_key"],
                names.ATTEMPT: span.attributes["number"],
                names.RESEND_COUNT: _resent(span.attributes["number"]),
                names.STATUS_CODE: span.attributes["http_status"],
                names.WORKER: span.attributes["worker"],
            }


def _of_model_call(run: Run, span: Span, step: Step) -> dict[str, Any]:
    answered = _answer(step)
    output = step.output if isinstance(step.output, dict) else {}
    fallback = step.input.get("provider") == "fallback"
    server = urlsplit(settings.LLM_FALLBACK_BASE_URL if fallback else settings.OPENAI_BASE_URL or OPENAI)
    return {
        names.OPERATION_NAME: names.CHAT,
        names.PROVIDER_NAME: names.PROVIDER,
        names.CONVERSATION_ID: run.ticket_id,
        names.REQUEST_MODEL: span.name,
        names.RESPONSE_MODEL: str(answered.get("model") or ""),
        names.RESPONSE_ID: str(answered.get("id") or ""),
        names.FINISH_REASONS: [str(output["finish_reason"])] if output.get("finish_reason") else [],
        names.OUTPUT_TYPE: "json" if step.kind == Step.Kind.TRIAGE else "text",
        names.INPUT_TOKENS: span.tokens.input,
        names.CACHED_TOKENS: span.tokens.cached,
        names.OUTPUT_TOKENS: span.tokens.output,
        names.REASONING_TOKENS: span.tokens.reasoning,
        names.COST: float(span.cost_usd),
        names.SERVER_ADDRESS: server.hostname or "",
        names.SERVER_PORT: server.port or (443 if server.scheme == "https" else 80),
        names.URL: _page(run, span.step_index),
    }


def _of_run(run: Run) -> dict[str, Any]:
    totals = [(step.input_tokens, step.output_tokens) for step in run.steps.all()]
    given = {names.AGENTOPS_REASON: content.clean(run.reason)}
    return {
        names.OPERATION_NAME: names.INVOKE_AGENT,
        names.PROVIDER_NAME: names.PROVIDER,
        names.AGENT_NAME: names.AGENTOPS_AGENT,
        names.CONVERSATION_ID: run.ticket_id,
        names.REQUEST_MODEL: run.llm_model,
        names.INPUT_TOKENS: sum(read for read, _ in totals),
        names.OUTPUT_TOKENS: sum(written for _, written in totals),
        names.COST: float(run.cost_usd),
        names.TURNS: run.turns,
        names.RUN_NUMBER: run.number,
        names.RUN_STATUS: run.status,
        names.RUN_OUTCOME: run.outcome,
        names.URL: _page(run),
        **(given if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT else {}),
    }


def _tries(run: Run, span: Span, step: Step) -> Iterator[ExportedSpan]:
    """Each call that the step made, or tried to: what a server says of it hangs below. An action's own attempts are
    told by themselves."""
    for failure in step.failures:
        if "started_at" in failure:  # older ones are without their times
            times = (datetime.fromisoformat(failure[name]) for name in ("started_at", "finished_at"))
            yield _try(run, span, failure["attempt"], *times, error=failure["code"], status=failure.get("http_status"))
    if step.action_id is None and step.finished_at is not None:
        began = step.tried_at or step.started_at
        yield _try(run, span, step.attempts, began, step.finished_at, error=_error(span))


def _try(
    run: Run, span: Span, number: int, began: datetime, ended: datetime, *, error: str, status: int | None = None
) -> ExportedSpan:
    about = {
        names.STEP: span.step_index,
        names.ATTEMPT: number,
        names.RESEND_COUNT: _resent(number),
        names.STATUS_CODE: status,
    }
    name = _tool(span) if span.kind == "tool" else span.name
    return _told(run, tracing.try_span(span.step_index, number), span.id, f"{name} attempt", began, ended,
                 attributes=about, error=error, kind="client")  # fmt: skip


def _resent(number: int) -> int | None:
    """The conventions' count of resends, which a first attempt is without."""
    return number - 1 or None


def _answer(step: Step) -> dict[str, Any]:
    try:
        found = json.loads(step.raw_response or "{}")
    except (ValueError, RecursionError):  # cut where it was too long to keep
        return {}
    return found if isinstance(found, dict) else {}


def _page(run: Run, step: int | None = None) -> str:
    return f"{settings.PUBLIC_URL}{reverse('run', args=[run.pk])}" + ("" if step is None else f"?step={step}")
