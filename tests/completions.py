"""Answers of a language model, in the format of Chat Completions."""

import json
from typing import Any

from tests.scripted import Say

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def completion(message: dict[str, Any], finish: str = "stop", **fields: Any) -> Say:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5",
        "choices": [choice],
        "usage": USAGE,
    }
    return Say({**body, **fields})


def triage(**fields: Any) -> Say:
    said = {
        "intent": "refund",
        "language": "en",
        "ambiguous": False,
        "risk_signs": [],
        "summary": "A refund.",
        **fields,
    }
    return completion({"content": json.dumps(said)})


def call(name: Any, arguments: Any, number: int = 1) -> dict[str, Any]:
    """A tool call. Arguments that are not text are written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": text}}


def calls(*made: dict[str, Any], **message: Any) -> Say:
    return completion({"tool_calls": list(made), **message}, "tool_calls")


def uses(name: Any, arguments: Any = None) -> Say:
    """One tool call."""
    return calls(call(name, {} if arguments is None else arguments))


def replies(text: str = "Thank you for your message.", **more: Any) -> Say:
    return uses("reply", {"text": text, "reason": "Answers the customer.", **more})


def hands_over(reason: str = "They want a person.") -> Say:
    return uses("hand_over", {"reason": reason})


def claims_a_refund_of(order: dict[str, Any], amount: int) -> Say:
    """A reply that reports a refund in dollars and claims it, without naming the action."""
    claim = {"kind": "refund", "order_id": order["order_id"], "amount": amount, "currency": order["currency"]}
    return replies(f"I have refunded ${amount // 100}.{amount % 100:02d}.", claims=[claim])
