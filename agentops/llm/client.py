"""Calls to language models through the openai client. The client does not retry; errors are classified like those of
any provider."""

import json
from dataclasses import dataclass
from itertools import chain, count
from typing import Annotated, Any

import httpx2
import openai
from django.conf import settings
from pydantic import BaseModel, BeforeValidator, Field

from agentops.lib import deadline, http, redact
from agentops.lib.errors import EffectUnknown, ProviderError, Terminal, Transient
from agentops.lib.outbound import NotLetOut
from agentops.lib.per_process import kept


def _text(value: Any) -> str:
    """Return a field as text. Servers also send null, a list of text parts, or an object instead of its JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(str(part["text"]) for part in value if isinstance(part, dict) and "text" in part)
    return "" if value is None else json.dumps(value)


def _count(value: Any) -> int:
    return min(max(value, 0), _MAX_TOKENS) if isinstance(value, int) else 0


_MAX_TOKENS = 10**9
PRIMARY, FALLBACK = "primary", "fallback"
_Text = Annotated[str, BeforeValidator(_text)]
_Count = Annotated[int, BeforeValidator(_count)]


class _Function(BaseModel):
    name: _Text = ""
    arguments: _Text = ""


class _Call(BaseModel):
    id: _Text = ""
    type: _Text = "function"
    function: _Function | None = None


class _Message(BaseModel):
    content: _Text = ""
    refusal: _Text = ""
    reasoning_content: _Text = ""
    reasoning: _Text = ""
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: _Text = ""


class _Details(BaseModel):
    cached_tokens: _Count = 0
    reasoning_tokens: _Count = 0


class _Usage(BaseModel):
    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Completion(BaseModel):
    """The parts of an answer that are used. The openai client's own types don't check what a server sends."""

    choices: list[_Choice] = Field(min_length=1)
    model: _Text = ""
    usage: _Usage | None = None


@dataclass(frozen=True)
class ModelAnswer:
    """The answer of a model.

    `output` is what the engine records: {content, tool_calls: [{id, name, arguments}], finish_reason, refusal}. Tokens
    are counts; `prices.cost` turns them into dollars. `metered` is false if the server reported no usage.
    """

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
) -> ModelAnswer:
    """Call a model once. Raises ProviderError; EffectUnknown if the call may have been billed without an answer."""
    options = _options(model, messages, tools, response_format)
    try:
        # The raw text: it is recorded as it is, and the client's own types would accept almost anything.
        raw = _client(provider).chat.completions.with_raw_response.create(**options).text
        completion = _Completion.model_validate(redact.data(json.loads(raw)))
    except openai.APITimeoutError as error:
        raise _error_type(error)("timeout", "The model didn't respond in time.") from error
    except openai.APIStatusError as error:
        raise _status_error(error) from error
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, NotLetOut):
            raise error.__cause__ from None
        if isinstance(error.__cause__, httpx2.DecodingError):
            raise EffectUnknown(
                "unreadable_answer", f"The model's response can't be read: {error.__cause__}."
            ) from error
        raise _error_type(error)("connection_lost", f"Couldn't reach the model: {error}") from error
    except (openai.OpenAIError, ValueError, RecursionError) as error:
        raise EffectUnknown(
            "unreadable_answer", f"The model's response can't be read: {type(error).__name__}."
        ) from error
    return _answer(completion, raw, model)


def request_size(model: str, request: dict[str, Any]) -> int:
    """Return the size of the request in bytes, which is at least its number of tokens.

    `request` holds the keyword arguments of complete() except the model.
    """
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


def _error_type(error: openai.APIConnectionError) -> type[Transient]:
    """Return Transient if no connection was made, else EffectUnknown: the call may have been billed."""
    never_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    return Transient if isinstance(error.__cause__, never_sent) else EffectUnknown


def _status_error(error: openai.APIStatusError) -> ProviderError:
    body = error.response.text
    failure = http.failure(error.status_code, body, retry_after=error.response.headers.get("Retry-After"))
    # These pass, and OpenAI's own client retries them too.
    if isinstance(failure, Terminal) and error.status_code in (408, 409):
        return Transient(failure.code, failure.message, http_status=error.status_code, body=failure.body)
    return failure


def _answer(completion: _Completion, raw: str, model: str) -> ModelAnswer:
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
    return ModelAnswer(
        output={
            "content": message.content,
            "tool_calls": _with_unique_ids(calls),
            "finish_reason": completion.choices[0].finish_reason,
            "refusal": message.refusal,
        },
        reasoning=message.reasoning_content or message.reasoning,
        raw=redact.text(raw)[:100_000],
        model=completion.model or model,
        **tokens,
        # An answer with text or calls but no output tokens was not metered, whatever the input count says.
        metered=usage.prompt_tokens > 0 and (usage.completion_tokens > 0 or not (message.content or calls)),
    )


def _with_unique_ids(calls: list[dict[str, str]]) -> list[dict[str, str]]:
    """Give every call a unique id, because some servers leave ids empty or repeat them and results refer to them."""
    seen: set[str] = set()
    for number, call in enumerate(calls):
        unused = (f"call_{number}_{attempt}" for attempt in count())
        call["id"] = next(name for name in chain([call["id"]], unused) if name and name not in seen)
        seen.add(call["id"])
    return calls


def completions_url() -> str:
    """Return the URL for completions of the primary provider."""
    return f"{str(_client(PRIMARY).base_url).rstrip('/')}/chat/completions"


def _client(provider: str) -> openai.OpenAI:
    url, key = settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY
    if provider == FALLBACK:
        url, key = settings.LLM_FALLBACK_BASE_URL, settings.LLM_FALLBACK_API_KEY
    return _cached_client(url, key, settings.LLM_TIMEOUT_SECONDS)


@kept
def _cached_client(base_url: str | None, api_key: str, timeout: float) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=0,  # by default the client retries twice, without our reservations and our trace
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        http_client=openai.DefaultHttpxClient(
            transport=deadline.DeadlineTransport(timeout, trust_env=True), follow_redirects=False
        ),
    )
