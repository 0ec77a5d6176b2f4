"""The language model, through the openai client: no retries of its own, errors classified as any provider's."""

import json
import threading
from dataclasses import dataclass
from functools import cache
from itertools import chain, count
from typing import Annotated, Any

import httpx2
import openai
from django.conf import settings
from pydantic import BaseModel, BeforeValidator, Field

from agentops.lib import deadline, http, redact
from agentops.lib.errors import EffectUnknown, NotLetOut, ProviderError, Terminal, Transient


def _text(value: Any) -> str:
    """Servers differ: null, parts of a text, an object where its JSON text belongs."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(str(part["text"]) for part in value if isinstance(part, dict) and "text" in part)
    return "" if value is None else json.dumps(value)


def _count(value: Any) -> int:
    return min(max(value, 0), MOST_TOKENS) if isinstance(value, int) else 0


MOST_TOKENS = 10**9
_one_at_a_time = threading.Lock()
PRIMARY, FALLBACK = "primary", "fallback"
Text = Annotated[str, BeforeValidator(_text)]
Count = Annotated[int, BeforeValidator(_count)]


class _Function(BaseModel):
    name: Text = ""
    arguments: Text = ""


class _Call(BaseModel):
    id: Text = ""
    type: Text = "function"
    function: _Function | None = None


class _Message(BaseModel):
    content: Text = ""
    refusal: Text = ""
    reasoning_content: Text = ""
    reasoning: Text = ""
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Text = ""


class _Details(BaseModel):
    cached_tokens: Count = 0
    reasoning_tokens: Count = 0


class _Usage(BaseModel):
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Completion(BaseModel):
    """What is read of an answer; the client's own types take a server's word for its shape."""

    choices: list[_Choice] = Field(min_length=1)
    model: Text = ""
    usage: _Usage | None = None


@dataclass(frozen=True)
class Answer:
    """`output` is what the engine records: {content, tool_calls: [{id, name, arguments}], finish_reason, refusal}.
    Tokens are counts; what they cost is `prices.cost`."""

    output: dict[str, Any]
    reasoning: str
    raw: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    metered: bool = True


def complete(
    *,
    model: str,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    response_format: dict[str, Any] | None = None,
    provider: str = PRIMARY,
) -> Answer:
    """One model call. Raises ProviderError; EffectUnknown where it may have been billed all the same."""
    options = _options(model, messages, tools, response_format)
    try:
        raw = _client(provider).chat.completions.with_raw_response.create(**options).text
        completion = _Completion.model_validate(redact.data(json.loads(raw)))
    except openai.APITimeoutError as error:
        raise _class_of(error)("timeout", "the model did not answer in time") from error
    except openai.APIStatusError as error:
        raise _status_error(error) from error
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, NotLetOut):
            raise error.__cause__ from None
        if isinstance(error.__cause__, httpx2.DecodingError):
            raise EffectUnknown("unreadable_answer", f"the model's answer cannot be read: {error.__cause__}") from error
        raise _class_of(error)("connection_lost", f"the model could not be reached: {error}") from error
    except (openai.OpenAIError, ValueError, RecursionError) as error:
        raise EffectUnknown(
            "unreadable_answer", f"the model's answer cannot be read: {type(error).__name__}"
        ) from error
    return _answer(completion, raw, model)


def size(model: str, request: dict[str, Any]) -> int:
    """The request's bytes: at least as many as its tokens. `request` is what complete() is given, the model apart."""
    options = _options(model, request["messages"], request.get("tools"), request.get("response_format"))
    return len(json.dumps(options, ensure_ascii=False).encode(errors="replace"))


def _options(
    model: str,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    response_format: dict[str, Any] | None,
) -> dict[str, Any]:
    options: dict[str, Any] = {"model": model, "messages": messages}
    if tools:
        options["tools"] = tools
    if response_format:
        options["response_format"] = response_format
    return {**options, settings.LLM_MAX_TOKENS_NAME: settings.LLM_MAX_TOKENS}


def _class_of(error: openai.APIConnectionError) -> type[Transient]:
    """Without a connection nothing was sent; afterwards the server may have answered, and billed, what never came."""
    never_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    return Transient if isinstance(error.__cause__, never_sent) else EffectUnknown


def _status_error(error: openai.APIStatusError) -> ProviderError:
    body = error.response.text
    failure = http.failure(error.status_code, body, retry_after=error.response.headers.get("Retry-After"))
    if isinstance(failure, Terminal) and error.status_code in (408, 409):
        return Transient(failure.code, failure.message, http_status=error.status_code, body=failure.body)
    return failure


def _answer(completion: _Completion, raw: str, model: str) -> Answer:
    message, usage = completion.choices[0].message, completion.usage or _Usage()
    calls = [
        {"id": call.id, "name": call.function.name, "arguments": call.function.arguments or "{}"}
        for call in message.tool_calls or []
        if call.type == "function" and call.function is not None
    ]
    tokens = {
        "input_tokens": usage.prompt_tokens,
        "cached_tokens": usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0,
        "output_tokens": usage.completion_tokens,
        "reasoning_tokens": usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else 0,
    }
    return Answer(
        output={
            "content": message.content,
            "tool_calls": _distinct(calls),
            "finish_reason": completion.choices[0].finish_reason,
            "refusal": message.refusal,
        },
        reasoning=message.reasoning_content or message.reasoning,
        raw=redact.text(raw)[:100_000],
        model=completion.model or model,
        **tokens,
        # An answer that took no tokens was not counted, whatever is said of the question's.
        metered=usage.prompt_tokens > 0 and (usage.completion_tokens > 0 or not (message.content or calls)),
    )


def _distinct(calls: list[dict[str, str]]) -> list[dict[str, str]]:
    """Some servers leave ids empty or repeat them; each call needs one of its own to be answered under."""
    seen: set[str] = set()
    for number, call in enumerate(calls):
        fresh = (f"call_{number}_{again}" for again in count())
        call["id"] = next(name for name in chain([call["id"]], fresh) if name and name not in seen)
        seen.add(call["id"])
    return calls


def address() -> str:
    """Where a completion is asked for."""
    return f"{str(_client(PRIMARY).base_url).rstrip('/')}/chat/completions"


def _client(provider: str) -> openai.OpenAI:
    url, key = settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY
    if provider == FALLBACK:
        url, key = settings.LLM_FALLBACK_BASE_URL, settings.LLM_FALLBACK_API_KEY
    with _one_at_a_time:  # threads that begin together would each make one
        return _kept_client(url, key, settings.LLM_TIMEOUT_SECONDS)


@cache
def _kept_client(base_url: str | None, api_key: str, timeout: float) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=0,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        http_client=openai.DefaultHttpxClient(
            transport=deadline.Transport(timeout, trust_env=True), follow_redirects=False
        ),
    )
