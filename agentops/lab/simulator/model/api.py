"""The OpenAI-compatible endpoints: chat completions (not streamed) and the list of models."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ..faults import Faults, chance
from ..wire import Answer, Request
from .misbehave import Answer as Spoken
from .misbehave import Moods
from .plan import Move, decide
from .transcript import Case, read
from .triage import triage

MODELS = ("simulated-triage", "simulated-agent", "simulated-expert")


class ModelApi:
    """Serves `/v1/...`. `latency` is the approximate duration of a completion in seconds."""

    def __init__(self, faults: Faults, latency: float) -> None:
        self._latency = latency
        self._moods = Moods(faults)

    def forget(self) -> None:
        self._moods.forget()

    def models(self, request: Request) -> Answer:
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in MODELS]
        return Answer(200, {"object": "list", "data": listed})

    def complete(self, request: Request) -> Answer:
        try:
            asked = json.loads(request.body)
        except ValueError:
            return _refused("The body is not JSON.")
        problem = _problem(asked)
        if problem:
            return _refused(problem)
        time.sleep(self._latency * (0.7 + 0.6 * chance(request.body)))
        case = read(asked["messages"], asked.get("tools") or [])
        message, finish = self._message(case, asked)
        digest = sha256(request.body).hexdigest()
        return Answer(
            200,
            {
                "id": f"chatcmpl-{digest[:24]}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": asked["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
                "usage": _usage(asked, message),
            },
        )

    def _message(self, case: Case, asked: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        if _wants_json(asked):
            found = triage(case)
            reasoning = f"This reads like {found['intent']}. {'It is not clear enough.' if found['ambiguous'] else ''}"
            return message | {"content": json.dumps(found), "reasoning_content": reasoning.strip()}, "stop"
        if not case.tools:
            return message | {"content": "I am a simulated support agent and need tools to work with."}, "stop"
        spoken = self._moods.give(case, decide(case))
        message["reasoning_content"] = spoken.move.reasoning
        if spoken.refusal:
            message["refusal"] = spoken.refusal
        elif spoken.move.calls:
            message["tool_calls"] = _tool_calls(case, spoken)
        else:
            message["content"] = spoken.move.content
        return message, spoken.finish or ("tool_calls" if spoken.move.calls else "stop")


def _tool_calls(case: Case, spoken: Spoken) -> list[dict[str, Any]]:
    calls = []
    move: Move = spoken.move
    for place, call in enumerate(move.calls):
        raw = spoken.raw[place] if place < len(spoken.raw) else json.dumps(call.arguments, ensure_ascii=False)
        name = sha256(f"{case.first}\n{len(case.calls) + place}\n{call.name}\n{raw}".encode()).hexdigest()
        function = {"name": call.name, "arguments": raw}
        calls.append({"id": f"call_{name[:24]}", "type": "function", "function": function})
    return calls


def _problem(asked: Any) -> str:
    """Return why a request cannot be answered, or nothing."""
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        return "model is missing."
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        return "messages is not a list of messages."
    if asked.get("stream"):
        return "stream is not supported here."
    answered = {str(m.get("tool_call_id")) for m in messages if m.get("role") == "tool"}
    called = {str(call.get("id")) for m in messages for call in m.get("tool_calls") or [] if isinstance(call, dict)}
    if called - answered:
        return f"tool_calls without an answer: {', '.join(sorted(called - answered))}."
    if answered - called:
        return f"tool messages without a call: {', '.join(sorted(answered - called))}."
    return ""


def _refused(message: str) -> Answer:
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_request"}
    return Answer(400, {"error": body})


def _wants_json(asked: Mapping[str, Any]) -> bool:
    wanted = asked.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") == "json_schema"


def _usage(asked: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """Count four characters per token. The request before the last exchange counts as cached."""
    tools = json.dumps([asked.get("tools"), asked.get("response_format")])
    sizes = [len(json.dumps(m, ensure_ascii=False)) for m in asked["messages"]]
    own = [place for place, m in enumerate(asked["messages"]) if m.get("role") == "assistant"]
    prompt = (len(tools) + sum(sizes)) // 4
    cached = (len(tools) + sum(sizes[: own[-1]])) // 4 if own else 0
    reasoning = len(message.get("reasoning_content") or "") // 4
    said = json.dumps([message.get("content"), message.get("tool_calls"), message.get("refusal")])
    completion = reasoning + len(said) // 4
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
