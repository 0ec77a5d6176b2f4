"""Names, errors and attributes of exported spans, by the conventions."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from agentops.models import Run, Step
from agentops.runs import tools
from agentops.telemetry import content
from agentops.telemetry import conventions as names
from agentops.trace import Span

OPENAI = "https://api.openai.com"


def span_name(span: Span) -> str:
    match span.kind:
        case "llm":
            return f"{names.CHAT} {span.name}"
        case "tool":
            return f"{names.EXECUTE_TOOL} {tool_name(span)}"
        case "policy":
            return "policy"
        case "human":
            return "human approval"
        case "provider":
            return f"{span.attributes['kind']} attempt"


def tool_name(span: Span) -> str:
    """Return the tool's name. A name that the model made up is content, so it is exported only on request."""
    if span.name in tools.tool_names():
        return span.name
    return (
        content.clean(span.name) if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT else tools.UNKNOWN_TOOL
    )


def error_code(span: Span) -> str:
    return (span.error_code or span.error_class or "error") if span.status == "error" else ""


def span_attributes(run: Run, span: Span, step: Step) -> dict[str, Any]:
    about = {names.STEP: span.step_index, names.ERROR_CLASS: span.error_class}
    if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT:
        about |= content.content_of(run, span, step)
    match span.kind:
        case "llm":
            return about | _model_call_attributes(run, span, step)
        case "tool":
            return about | {
                names.OPERATION_NAME: names.EXECUTE_TOOL,
                names.TOOL_NAME: tool_name(span),
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
                names.RESEND_COUNT: resend_count(span.attributes["number"]),
                names.STATUS_CODE: span.attributes["http_status"],
                names.WORKER: span.attributes["worker"],
            }


def _model_call_attributes(run: Run, span: Span, step: Step) -> dict[str, Any]:
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


def run_attributes(run: Run) -> dict[str, Any]:
    usage = [(step.input_tokens, step.output_tokens) for step in run.steps.all()]
    given = {names.AGENTOPS_REASON: content.clean(run.reason)}
    return {
        names.OPERATION_NAME: names.INVOKE_AGENT,
        names.PROVIDER_NAME: names.PROVIDER,
        names.AGENT_NAME: names.AGENTOPS_AGENT,
        names.CONVERSATION_ID: run.ticket_id,
        names.REQUEST_MODEL: run.llm_model,
        names.INPUT_TOKENS: sum(read for read, _ in usage),
        names.OUTPUT_TOKENS: sum(written for _, written in usage),
        names.COST: float(run.cost_usd),
        names.TURNS: run.turns,
        names.RUN_NUMBER: run.number,
        names.RUN_STATUS: run.status,
        names.RUN_OUTCOME: run.outcome,
        names.URL: _page(run),
        **(given if settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT else {}),
    }


def resend_count(number: int) -> int | None:
    """Return the resend count of the conventions; a first attempt has none."""
    return number - 1 or None


def _answer(step: Step) -> dict[str, Any]:
    try:
        found = json.loads(step.raw_response or "{}")
    except (ValueError, RecursionError):  # a long response is stored truncated
        return {}
    return found if isinstance(found, dict) else {}


def _page(run: Run, step: int | None = None) -> str:
    return f"{settings.PUBLIC_URL}{reverse('run', args=[run.pk])}" + ("" if step is None else f"?step={step}")
