"""One call of the language model: what is sent, what is recorded, and how a failure is classified."""

import json
import socket
from typing import Any

import pytest
from pytest_django import Settings

from agentops.lib.errors import EffectUnknown, ProviderError, Terminal, Transient, Unauthorized
from agentops.llm import client
from tests.completions import call, calls, completion
from tests.scripted import CUT, Say, Script, scripted

MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def model(settings: Settings) -> Any:
    with scripted() as script:
        settings.OPENAI_BASE_URL = f"{script.url}/v1"
        settings.LLM_TIMEOUT_SECONDS = 5.0
        yield script


def complete(**options: Any) -> client.ModelAnswer:
    return client.complete(model="gpt-5", messages=MESSAGES, **options)


def test_an_answer_is_recorded_with_its_calls_and_tokens(model: Script) -> None:
    model.will_say(calls(call("get_order", '{"order_id": "#W1"}'), reasoning_content="I look first."))
    answer = complete(tools=[{"type": "function"}])
    assert answer.output == {
        "content": "",
        "tool_calls": [{"id": "call_1", "name": "get_order", "arguments": '{"order_id": "#W1"}'}],
        "finish_reason": "tool_calls",
        "refusal": "",
    }
    assert (answer.reasoning, answer.model) == ("I look first.", "gpt-5")
    assert (answer.input_tokens, answer.cached_tokens, answer.output_tokens, answer.reasoning_tokens) == (
        100,
        60,
        20,
        5,
    )
    assert json.loads(answer.raw)["id"] == "chatcmpl-1"
    [asked] = model.asked
    assert asked.path == "/v1/chat/completions"
    bounded = {"max_completion_tokens": 8192}
    assert asked.data == {"model": "gpt-5", "messages": MESSAGES, "tools": [{"type": "function"}], **bounded}


@pytest.mark.parametrize(
    ("usage", "metered"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 20}, True),
        ({"prompt_tokens": 100, "completion_tokens": None}, False),
        ({"prompt_tokens": 100}, False),
        ({"prompt_tokens": 0, "completion_tokens": 20}, False),
        (None, False),
    ],
)
def test_an_answer_with_partial_usage_is_not_metered(
    model: Script, usage: dict[str, Any] | None, metered: bool
) -> None:
    model.will_say(completion({"content": "Hello"}, usage=usage))
    assert complete().metered is metered


def test_an_empty_answer_may_have_used_no_tokens(model: Script) -> None:
    model.will_say(completion({"content": ""}, usage={"prompt_tokens": 100, "completion_tokens": 0}))
    assert complete().metered


def test_the_older_limit_parameter_is_sent_where_required(model: Script, settings: Settings) -> None:
    settings.LLM_MAX_TOKENS_NAME, settings.LLM_MAX_TOKENS = "max_tokens", 500
    model.will_say(completion({"content": "Hello"}))
    complete()
    assert model.asked[0].data == {"model": "gpt-5", "messages": MESSAGES, "max_tokens": 500}


def test_the_estimated_request_size_covers_its_bytes(model: Script) -> None:
    request = {
        "messages": [{"role": "user", "content": "Grüße, 株式会社 🎉 “quoted” \\ \n"}],
        "tools": [{"type": "function"}],
    }
    model.will_say(completion({"content": "Hello"}))
    client.complete(model="gpt-5", **request)
    assert client.request_size("gpt-5", request) >= len(model.asked[0].body)


@pytest.mark.parametrize(
    ("say", "lost"),
    [
        (CUT, True),
        (Say(b"<html>"), True),
        (Say({"error": {"message": "Oh."}}, 500), True),
        (Say(b"", 502), True),
        (Say(b"", 504), True),
        (Say({"error": {"message": "Down."}}, 503), False),
        (Say({"error": {"message": "Wait."}}, 429), False),
        (Say({"error": {"message": "Bad."}}, 400), False),
        (Say({"error": {"message": "Who?"}}, 401), False),
    ],
)
def test_an_answer_that_may_be_billed_differs_from_a_refusal(model: Script, say: Say, lost: bool) -> None:
    model.will_say(say)
    with pytest.raises(ProviderError) as caught:
        complete()
    assert isinstance(caught.value, EffectUnknown) is lost


def test_a_timed_out_answer_may_be_billed(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        settings.LLM_TIMEOUT_SECONDS = 0.05
        with pytest.raises(EffectUnknown):
            complete()


@pytest.mark.parametrize(
    ("say", "kind", "code"),
    [
        (Say({"error": {"message": "Bad."}}, 400), Terminal, "http_400"),
        (Say({"error": {"message": "Who?", "code": "invalid_api_key"}}, 401), Unauthorized, "invalid_api_key"),
        (Say({"error": {"message": "No.", "code": "forbidden"}}, 403), Terminal, "forbidden"),
        (Say({"error": {"message": "None.", "code": "model_not_found"}}, 404), Terminal, "model_not_found"),
        (Say({"error": {"message": "Wait."}}, 408), Transient, "http_408"),
        (Say({"error": {"message": "Wait.", "code": "conflict"}}, 409), Transient, "conflict"),
        (Say({"error": {"message": "Wait."}}, 429), Transient, "http_429"),
        (Say({"error": {"message": "Oh."}}, 500), Transient, "http_500"),
        (Say(b"<html>Bad gateway</html>", 502), Transient, "http_502"),
        (Say({"error": {"message": "Down."}}, 503), Transient, "http_503"),
        (CUT, Transient, "connection_lost"),
        (Say({"half": True}, length=1000), Transient, "connection_lost"),
        (Say(b"not JSON"), Transient, "unreadable_answer"),
        (Say(b""), Transient, "unreadable_answer"),
        (Say(b"\xff\xfe"), Transient, "unreadable_answer"),
        (Say(b"<html></html>", headers={"Content-Type": "text/html"}), Transient, "unreadable_answer"),
        (Say(None), Transient, "unreadable_answer"),
        (Say([]), Transient, "unreadable_answer"),
        (Say({}), Transient, "unreadable_answer"),
        (Say({"choices": []}), Transient, "unreadable_answer"),
        (Say({"choices": [{}]}), Transient, "unreadable_answer"),
        (Say({"choices": [None]}), Transient, "unreadable_answer"),
        (Say({"choices": "none"}), Transient, "unreadable_answer"),
        (Say({"choices": [{"message": "Hello"}]}), Transient, "unreadable_answer"),
        (Say({"choices": [{"message": {"tool_calls": 5}}]}), Transient, "unreadable_answer"),
        (Say({"choices": [{"message": {"tool_calls": [{"function": "refund"}]}}]}), Transient, "unreadable_answer"),
        (Say(b"[" * 100_000), Transient, "unreadable_answer"),
        (Say({"choices": [{"message": {"tool_calls": ["refund"]}}]}), Transient, "unreadable_answer"),
    ],
)
def test_each_failure_is_classified(model: Script, say: Say, kind: type[ProviderError], code: str) -> None:
    model.will_say(say)
    with pytest.raises(ProviderError) as caught:
        complete()
    assert isinstance(caught.value, kind)
    assert caught.value.code == code
    assert len(model.asked) == 1, "the client must not retry on its own"


def test_an_unreachable_server_is_a_transient_failure(settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    with pytest.raises(Transient) as caught:
        complete()
    assert not isinstance(caught.value, EffectUnknown), "nothing was sent"


def test_retry_after_is_obeyed_by_the_model_client(model: Script) -> None:
    model.will_say(Say({"error": {"message": "Wait."}}, 429, {"Retry-After": "7"}))
    with pytest.raises(Transient) as caught:
        complete()
    assert caught.value.retry_after == 7.0


def test_a_model_that_is_too_slow_times_out(model: Script, settings: Settings) -> None:
    settings.LLM_TIMEOUT_SECONDS = 0.2
    model.will_say(Say({"slow": True}, length=10_000_000, headers={"Connection": "keep-alive"}))
    with pytest.raises(Transient):
        complete()


@pytest.mark.parametrize(
    ("message", "output"),
    [
        ({}, {"content": "", "tool_calls": [], "refusal": ""}),
        ({"content": "Hello"}, {"content": "Hello"}),
        ({"content": None, "refusal": "I can't."}, {"content": "", "refusal": "I can't."}),
        ({"tool_calls": []}, {"tool_calls": []}),
        ({"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}, {"content": "Hello"}),
        ({"content": 5}, {"content": "5"}),
    ],
)
def test_sparse_answers_are_readable(model: Script, message: dict[str, Any], output: dict[str, Any]) -> None:
    model.will_say(completion(message))
    assert complete().output.items() >= output.items()


def test_a_minimal_server_is_sufficient(model: Script) -> None:
    model.will_say(Say({"choices": [{"message": {"content": "Hello"}}]}))
    answer = complete()
    assert (answer.output["content"], answer.output["finish_reason"], answer.model) == ("Hello", "", "gpt-5")
    assert (answer.input_tokens, answer.output_tokens) == (0, 0)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "many"}, {"prompt_tokens": -5}, {"prompt_tokens": 2**40}],
)
def test_nonsensical_usage_is_stored_as_a_valid_number(model: Script, usage: Any) -> None:
    model.will_say(completion({"content": "Hello"}, usage=usage))
    assert 0 <= complete().input_tokens < 2**31


@pytest.mark.parametrize(
    ("written", "read"),
    [("", "{}"), (None, "{}"), ({"order_id": "#W1"}, '{"order_id": "#W1"}'), ("{oops", "{oops"), (5, "5")],
)
def test_arguments_are_stored_as_text(model: Script, written: Any, read: str) -> None:
    made = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": written}}
    model.will_say(calls(made))
    assert complete().output["tool_calls"][0]["arguments"] == read


@pytest.mark.parametrize("name", [None, "", 5])
def test_a_call_without_a_name_counts_as_unknown(model: Script, name: Any) -> None:
    model.will_say(calls(call(name, {})))
    assert isinstance(complete().output["tool_calls"][0]["name"], str)


@pytest.mark.parametrize("ids", [["a", "a", "a"], ["", "", ""], [None, None, "call_0_0"], ["call_1_1", "", "call_1_1"]])
def test_each_call_gets_its_own_id(model: Script, ids: list[Any]) -> None:
    model.will_say(calls(*[{**call("get_order", {}), "id": given} for given in ids]))
    made = [each["id"] for each in complete().output["tool_calls"]]
    assert len(set(made)) == 3
    assert all(made)


def test_card_numbers_and_secrets_are_removed_from_records(model: Script) -> None:
    number, secret = "4111 1111 1111 1111", "sk-abcdefghijklmnopqrstuvwx1234"
    model.will_say(
        calls(call("reply", {"text": f"Card {number}"}), content=secret, reasoning_content=f"{number} {secret}")
    )
    answer = complete()
    kept = json.dumps(answer.output) + answer.raw + answer.reasoning
    assert number not in kept
    assert secret not in kept


def test_characters_that_the_database_cannot_store_are_not_recorded(model: Script) -> None:
    model.will_say(Say(json.dumps(completion({"content": "a\x00b\ud800c"}).body).encode()))
    answer = complete()
    assert answer.output["content"] == "a\ufffdb\ufffdc"
