"""The language model, through the openai client: no retries of its own, errors classified as any provider's."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import httpx2
import openai
from django.conf import settings

from agentops.lib import http, redact
from agentops.lib.errors import ProviderError, Terminal, Transient


@dataclass(frozen=True)
class Answer:
    """`output` is what the engine records: {content, tool_calls: [{id, name, arguments}], finish_reason, refusal}.
    Tokens are counts; `cost_usd` is None where the model has no price."""

    output: dict[str, Any]
    reasoning: str
    raw: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Decimal | None


def complete(
    *,
    model: str,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    response_format: dict[str, Any] | None = None,
) -> Answer:
    """One model call. Raises ProviderError."""
    options: dict[str, Any] = {"model": model, "messages": messages}
    if tools:
        options["tools"] = tools
    if response_format:
        options["response_format"] = response_format
    try:
        response = _client().chat.completions.with_raw_response.create(**options)
        raw = response.text
        completion = response.parse()
    except openai.APITimeoutError as error:
        raise Transient("timeout", "the model did not answer in time") from error
    except openai.APIStatusError as error:
        raise _status_error(error) from error
    except openai.APIConnectionError as error:
        raise Transient("connection_lost", f"the model could not be reached: {error}") from error
    except (openai.APIError, openai.OpenAIError, ValueError) as error:
        raise Transient("unreadable_answer", f"the model's answer cannot be read: {error}") from error
    return _answer(completion, raw, model)


def _status_error(error: openai.APIStatusError) -> ProviderError:
    body = error.response.text
    failure = http.failure(error.status_code, body, retry_after=error.response.headers.get("Retry-After"))
    if isinstance(failure, Terminal) and error.status_code in (408, 409):
        return Transient(failure.code, failure.message, http_status=error.status_code, body=failure.body)
    return failure


def _answer(completion: Any, raw: str, model: str) -> Answer:
    choices = getattr(completion, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise Transient("unreadable_answer", "the model's answer has no choice", body=raw[: http.MAX_BODY_KEPT])
    message, usage = choices[0].message, completion.usage
    extra = message.model_extra or {}
    calls = [
        {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
        for call in message.tool_calls or []
        if call.type == "function"
    ]
    tokens = {
        "input_tokens": usage.prompt_tokens if usage else 0,
        "cached_tokens": _detail(usage, "prompt_tokens_details", "cached_tokens"),
        "output_tokens": usage.completion_tokens if usage else 0,
        "reasoning_tokens": _detail(usage, "completion_tokens_details", "reasoning_tokens"),
    }
    return Answer(
        output=redact.data(
            {
                "content": message.content or "",
                "tool_calls": _distinct(calls),
                "finish_reason": choices[0].finish_reason or "",
                "refusal": message.refusal or "",
            }
        ),
        reasoning=redact.text(str(extra.get("reasoning_content") or extra.get("reasoning") or "")),
        raw=redact.text(raw)[:100_000],
        model=completion.model or model,
        cost_usd=_cost(model, **tokens),
        **tokens,
    )


def _distinct(calls: list[dict[str, str]]) -> list[dict[str, str]]:
    """Some servers leave ids empty or repeat them; each call needs one of its own to be answered under."""
    seen: set[str] = set()
    for number, call in enumerate(calls):
        if not call["id"] or call["id"] in seen:
            call["id"] = f"call_{number}_{len(seen)}"
        seen.add(call["id"])
        call["arguments"] = call["arguments"] or "{}"
    return calls


def _detail(usage: Any, group: str, name: str) -> int:
    return getattr(getattr(usage, group, None), name, None) or 0


def _cost(model: str, *, input_tokens: int, cached_tokens: int, output_tokens: int, **_: int) -> Decimal | None:
    price = settings.LLM_PRICES.get(model)
    if price is None:
        return None
    fresh = max(input_tokens - cached_tokens, 0)
    per_million = (
        fresh * Decimal(price["input"])
        + cached_tokens * Decimal(price.get("cached", price["input"]))
        + output_tokens * Decimal(price["output"])
    )
    return (per_million / 1_000_000).quantize(Decimal("0.000001"))


def _client() -> openai.OpenAI:
    return _kept_client(settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.LLM_TIMEOUT_SECONDS)


@cache
def _kept_client(base_url: str | None, api_key: str, timeout: float) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=0,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
    )
