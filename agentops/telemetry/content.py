"""Content for spans: messages, arguments, results and reasons. Exported only on request, and redacted once more."""

import json
from typing import Any

from agentops.lib import redact
from agentops.models import Run, Step
from agentops.runs import steps
from agentops.telemetry import conventions as names
from agentops.trace import Span

MAX_LENGTH = 20_000  # characters of one attribute


def content_of(run: Run, span: Span, step: Step) -> dict[str, str]:
    """Return the span's content as attributes."""
    common = {names.ERROR_MESSAGE: clean(span.error_message)}
    match span.kind:
        case "llm":
            return common | _messages(run, step)
        case "tool":
            return common | {
                names.TOOL_ARGUMENTS: clean(str(step.input.get("arguments", ""))),
                names.TOOL_RESULT: _json(step.output),
            }
        case "human":
            return common | {names.AGENTOPS_REASON: clean(span.attributes["reason"])}
    return common


def clean(text: str) -> str:
    # Redact before cutting, since half a card number would no longer be recognized.
    return redact.text(text)[:MAX_LENGTH]


def _messages(run: Run, step: Step) -> dict[str, str]:
    """Return the messages in the shape of the conventions' own schema: messages of parts."""
    if step.kind == Step.Kind.LLM:
        sent = steps.sent_messages(run, list(run.steps.all()), step.index)
        request = {names.INPUT_MESSAGES: _json([_message(message) for message in sent])}
    else:
        request = {}
    output = step.output if isinstance(step.output, dict) else {}
    parts = [{"type": "reasoning", "content": step.reasoning}] if step.reasoning else []
    answer = _message({"role": "assistant", **output})
    answer = {**answer, "parts": [*parts, *answer["parts"]], "finish_reason": str(output.get("finish_reason", ""))}
    return request | {names.OUTPUT_MESSAGES: _json([answer])}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message.get("tool_call_id", ""), "response": message.get("content")}
        return {"role": "tool", "parts": [part]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": message["content"]}] if message.get("content") else []
    for call in message.get("tool_calls") or []:
        made = call.get("function", call)
        parts.append({"type": "tool_call", "id": call["id"], "name": made["name"], "arguments": made["arguments"]})
    return {"role": message["role"], "parts": parts}


def _json(value: Any) -> str:
    return json.dumps(redact.data(value), ensure_ascii=False)[:MAX_LENGTH]
