"""What a run does next, decided from its recorded steps alone."""

import json
from typing import Any

import pytest

from agentops.runs import turn
from agentops.runs.turn import (
    Answered,
    AskModel,
    AskTriage,
    HandOver,
    Recorded,
    Resume,
    RunTool,
    SkipCall,
    WaitFor,
    next_step,
)


def triage(status: str = turn.DONE) -> Recorded:
    return Recorded(0, turn.TRIAGE, status)


def call(name: str, number: int = 1, arguments: str = "{}") -> dict[str, str]:
    return {"id": f"call_{number}", "name": name, "arguments": arguments}


def said(index: int, *calls: dict[str, str], status: str = turn.DONE, **more: Any) -> Recorded:
    output = {"content": "", "tool_calls": list(calls), "finish_reason": "", "refusal": "", **more}
    return Recorded(index, turn.LLM, status, output)


def did(index: int, name: str, number: int = 1, **more: Any) -> Recorded:
    given = {"status": turn.DONE, "output": {}, **more}
    return Recorded(index, turn.TOOL, call_id=f"call_{number}", name=name, **given)


def after(*steps: Recorded, max_turns: int = 12) -> turn.NextStep:
    return next_step(steps, max_turns=max_turns)


def test_a_run_starts_with_triage() -> None:
    assert after() == AskTriage()


def test_after_triage_the_model_is_asked() -> None:
    assert after(triage()) == AskModel(1)


def test_a_failed_triage_does_not_stop_the_run() -> None:
    assert after(triage(turn.FAILED)) == AskModel(1)


def test_a_call_is_executed_as_the_model_wrote_it() -> None:
    assert after(triage(), said(1, call("get_order", arguments="{oops"))) == RunTool("call_1", "get_order", "{oops")


def test_several_calls_are_executed_in_order() -> None:
    answer = said(1, call("get_order", 1), call("get_customer", 2))
    assert after(triage(), answer) == RunTool("call_1", "get_order", "{}")
    assert after(triage(), answer, did(2, "get_order", 1)) == RunTool("call_2", "get_customer", "{}")
    assert after(triage(), answer, did(2, "get_order", 1), did(3, "get_customer", 2)) == AskModel(2)


def test_a_reused_call_id_is_a_new_call() -> None:
    steps = [triage(), said(1, call("get_order")), did(2, "get_order"), said(3, call("get_customer"))]
    assert after(*steps) == RunTool("call_1", "get_customer", "{}")


@pytest.mark.parametrize("kind", [turn.TRIAGE, turn.LLM, turn.TOOL])
def test_a_step_without_a_recorded_answer_resumes_under_its_index(kind: str) -> None:
    assert after(triage(), said(1, call("get_order")), Recorded(2, kind, turn.STARTED)) == Resume(2)


@pytest.mark.parametrize("status", [turn.STARTED, turn.WAITING])
def test_the_run_waits_for_an_unsettled_action(status: str) -> None:
    step = did(2, "refund", status=status, action_id=7, action_status="awaiting_approval")
    assert after(triage(), said(1, call("refund")), step) == WaitFor(2, 7)


@pytest.mark.parametrize("status", ["succeeded", "failed", "rejected", "blocked", "expired"])
def test_the_model_continues_after_an_action(status: str) -> None:
    step = did(2, "refund", action_id=7, action_status=status)
    assert after(triage(), said(1, call("refund")), step) == AskModel(2)


def skipped(index: int, name: str, number: int) -> Recorded:
    return did(index, name, number, status=turn.FAILED, error_code=turn.NOT_DONE)


def the_skipped(step: turn.NextStep) -> tuple[str, str]:
    assert isinstance(step, SkipCall)
    return step.call.call_id, step.why


def test_calls_after_a_sent_reply_are_recorded_and_not_made() -> None:
    steps = [
        triage(),
        said(1, call("reply", 1), call("refund", 2), call("get_order", 3)),
        did(2, "reply", 1, action_id=1, action_status="succeeded"),
    ]
    assert the_skipped(after(*steps)) == ("call_2", "Not done: an earlier call of this answer ended the run.")
    assert the_skipped(after(*steps, skipped(3, "refund", 2)))[0] == "call_3"
    assert after(*steps, skipped(3, "refund", 2), skipped(4, "get_order", 3)) == Answered()


@pytest.mark.parametrize("status", ["succeeded", "rejected", "failed", "expired", "withdrawn"])
def test_calls_after_one_that_waited_are_proposed_again(status: str) -> None:
    waited = did(2, "refund", 1, action_id=7, action_status=status, waited=True)
    steps = [triage(), said(1, call("refund", 1), call("reply", 2), call("refund", 3)), waited]
    assert the_skipped(after(*steps)) == (
        "call_2",
        "Not done: an earlier call of this answer had to wait for a person. Its outcome is known "
        "now: propose this again if it is still right.",
    )
    assert the_skipped(after(*steps, skipped(3, "reply", 2)))[0] == "call_3"
    steps += [skipped(3, "reply", 2), skipped(4, "refund", 3)]
    assert after(*steps) == AskModel(2)
    assert after(*steps, said(5, call("reply", 4))) == RunTool("call_4", "reply", "{}"), "the next answer is free"


def test_calls_before_the_one_that_waited_are_made() -> None:
    answer = said(1, call("get_order", 1), call("refund", 2), call("reply", 3))
    assert after(triage(), answer, did(2, "get_order", 1)) == RunTool("call_2", "refund", "{}")


def test_a_blocked_wish_goes_to_a_person_unless_the_agent_may_decline_it() -> None:
    answer = said(1, call("refund", 1), call("reply", 2))
    blocked = {"action_id": 7, "action_status": "blocked", "status": turn.FAILED}
    wish = "Refund of $2,000.00 for #W1 is blocked by policy."
    handed = did(2, "refund", 1, **blocked, output={"for_person": wish})
    assert the_skipped(after(triage(), answer, handed))[0] == "call_2"
    assert after(triage(), answer, handed, skipped(3, "reply", 2)) == HandOver(wish)
    assert after(triage(), answer, did(2, "refund", 1, **blocked)) == RunTool("call_2", "reply", "{}")


def test_after_a_second_rejected_reply_a_person_takes_over() -> None:
    def rejected(index: int, reason: str) -> Recorded:
        output = {"reason": reason}
        return did(index, "reply", status=turn.FAILED, action_id=index, action_status="rejected", output=output)

    once = [triage(), said(1, call("reply")), rejected(2, "Not true.")]
    assert after(*once) == AskModel(2)
    twice = [*once, said(3, call("reply")), rejected(4, "Still not true.")]
    assert after(*twice) == HandOver("2 replies of the agent were rejected. Still not true.")
    thrice = [*twice, said(5, call("reply")), rejected(6, "Untrue again.")]
    assert after(*thrice) == HandOver("3 replies of the agent were rejected. Untrue again.")
    without = [*once, said(3, call("reply")), rejected(4, "")]
    assert after(*without) == HandOver("2 replies of the agent were rejected.")


@pytest.mark.parametrize("status", ["failed", "expired", "blocked", "unresolved"])
def test_an_unsent_reply_goes_to_a_person(status: str) -> None:
    step = did(2, "reply", status=turn.FAILED, action_id=1, action_status=status)
    assert after(triage(), said(1, call("reply")), step) == HandOver(f"The reply wasn't delivered ({status}).")


def test_a_rejected_reply_may_be_rewritten() -> None:
    step = did(2, "reply", status=turn.FAILED, action_id=1, action_status="rejected")
    assert after(triage(), said(1, call("reply")), step) == AskModel(2)


def test_a_handover_ends_the_run_with_its_reason() -> None:
    step = did(2, "hand_over", output={"handed_over": True, "reason": "They want a person."})
    assert after(triage(), said(1, call("hand_over")), step) == HandOver("They want a person.")


def test_an_unreadable_handover_does_not_end_the_run() -> None:
    for status in (turn.FAILED, turn.DONE):
        step = did(2, "hand_over", status=status, output={"error": {}}, error_code="invalid_arguments")
        assert after(triage(), said(1, call("hand_over")), step) == AskModel(2)


@pytest.mark.parametrize("output", [None, {}, {"reason": ""}])
def test_a_handover_without_a_reason_gets_one(output: dict[str, str] | None) -> None:
    step = did(2, "hand_over", output=output)
    assert after(triage(), said(1, call("hand_over")), step) == HandOver("The agent handed this ticket over.")


def test_an_answer_recorded_without_calls_is_corrected() -> None:
    # As a server that leaves the field out records it.
    steps = [triage(), Recorded(1, turn.LLM, turn.DONE, {"finish_reason": "stop"})]
    assert after(*steps) == AskModel(2)
    assert turn.request_messages("", [], steps)[1:] == [
        {"role": "assistant", "content": ""},
        {"role": "user", "content": NO_CALL},
    ]


def test_an_unreachable_model_means_a_person() -> None:
    step = Recorded(1, turn.LLM, turn.FAILED, {"error": {}}, error_code="timeout")
    assert after(triage(), step) == HandOver("The model call failed: timeout.", failed=True)


def test_the_number_of_turns_is_bounded() -> None:
    steps = [triage()]
    for number in range(12):
        steps += [said(len(steps), call("get_order")), did(len(steps) + 1, "get_order")]
        expected = AskModel(number + 2) if number < 11 else HandOver("No answer after 12 turns.", failed=True)
        assert after(*steps) == expected


@pytest.mark.parametrize("code", ["invalid_arguments", "unknown_tool"])
def test_five_unusable_calls_mean_a_person(code: str) -> None:
    steps = [triage()]
    for number in range(5):
        assert after(*steps) == AskModel(number + 1)
        steps += [said(len(steps), call("x")), did(len(steps) + 1, "x", status=turn.FAILED, error_code=code)]
    assert after(*steps) == HandOver("The model's response was unusable 5 times.", failed=True)


def test_five_answers_without_a_call_mean_a_person() -> None:
    steps = [triage(), *(said(index) for index in range(1, 6))]
    assert after(*steps[:5]) == AskModel(5)
    assert after(*steps) == HandOver("The model's response was unusable 5 times.", failed=True)


def test_a_factual_mistake_does_not_count_as_unusable() -> None:
    steps = [triage()]
    for _ in range(6):
        steps += [
            said(len(steps), call("get_order")),
            did(len(steps) + 1, "get_order", status=turn.FAILED, error_code="order_not_found"),
        ]
    assert after(*steps) == AskModel(7)


REFUSED = "You refused. Call hand_over with the reason, so that a person takes this ticket."
CUT_OFF = "Your answer was cut off. Answer again, shorter, with one tool call."
NO_CALL = (
    "Your answer holds no tool call, so the customer received nothing. "
    "Answer with a tool call: reply or hand_over end your work."
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"refusal": "I can't."}, REFUSED),
        ({"finish_reason": "length"}, CUT_OFF),
        ({"content": "Done!"}, NO_CALL),
        ({}, NO_CALL),
    ],
)
def test_an_answer_without_a_call_gets_a_correction(answer: dict[str, Any], expected: str) -> None:
    assert turn.complaint(answer) == expected


def test_the_messages_hold_the_conversation_and_all_recorded_steps() -> None:
    steps = [
        triage(),
        said(1, call("get_order", arguments='{"order_id": "#W1"}'), content="Let me look."),
        did(2, "get_order", output={"total": 1}),
        said(3, content="It is refunded."),
        Recorded(4, turn.LLM, turn.STARTED),
    ]
    sent = turn.request_messages("You are…", [{"role": "user", "content": "Hello"}], steps)
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert sent[2]["tool_calls"][0]["function"] == {"name": "get_order", "arguments": '{"order_id": "#W1"}'}
    assert sent[3] == {"role": "tool", "tool_call_id": "call_1", "content": '{"total": 1}'}
    assert sent[5]["content"] == turn.complaint(steps[3].output)


def test_rebuilding_the_messages_gives_the_same_result() -> None:
    steps = [triage(), said(1, call("get_order")), did(2, "get_order", output={"b": 1, "a": [2, "ü"]})]
    reread = [Recorded(**{**step.__dict__, "output": json.loads(json.dumps(step.output))}) for step in steps]
    assert turn.json_digest(turn.request_messages("p", [], steps)) == turn.json_digest(
        turn.request_messages("p", [], reread)
    )


@pytest.mark.parametrize("text", ["", "null", "[]", '"refund"', '{"intent": "gift"}', '{"language": 5}', "not json"])
def test_an_unreadable_triage_raises_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="valid"):
        turn.Triage.model_validate_json(text)


def test_fields_missing_from_a_triage_count_as_ambiguous() -> None:
    assert turn.Triage.model_validate_json('{"intent": "refund", "mood": "sad"}').ambiguous is True


def test_the_calls_taken_from_one_answer_are_limited() -> None:
    answer = said(1, *(call("get_customer", number) for number in range(1, 402)))
    done = [did(index + 1, "get_customer", index) for index in range(1, turn.MAX_CALLS + 1)]
    number, why = the_skipped(after(triage(), answer, *done))
    assert (number, why) == ("call_11", "Not done: an answer may have at most 10 calls. Propose this again.")
    rest = [skipped(index + 1, "get_customer", index) for index in range(turn.MAX_CALLS + 1, 402)]
    assert after(triage(), answer, *done, *rest) == AskModel(2)
    messages = turn.request_messages("", [], [triage(), answer, *done, *rest])
    assert len(messages[1]["tool_calls"]) == len(messages) - 2 == 401, "each call has its result"


def test_too_many_unusable_calls_end_the_run_immediately() -> None:
    answer = said(1, *(call("shred", number) for number in range(1, 10)))
    bad = [
        did(index + 1, "shred", index, status=turn.FAILED, error_code="unknown_tool")
        for index in range(1, turn.MAX_NONSENSE + 1)
    ]
    number, why = the_skipped(after(triage(), answer, *bad))
    assert (number, "ended the run" in why) == (f"call_{turn.MAX_NONSENSE + 1}", True)
    rest = [skipped(index + 1, "shred", index) for index in range(turn.MAX_NONSENSE + 1, 10)]
    assert isinstance(after(triage(), answer, *bad, *rest), HandOver)


def test_the_messages_are_exactly_these() -> None:
    steps = [
        triage(),
        said(1, call("get_order", arguments='{"order_id": "#W1"}'), content="Let me look."),
        did(2, "get_order", output={"name": "Zoë", "amount": 5}),
        said(3, refusal="I won't."),
    ]
    function = {"name": "get_order", "arguments": '{"order_id": "#W1"}'}
    assert turn.request_messages("You are…", [{"role": "user", "content": "Hello"}], steps) == [
        {"role": "system", "content": "You are…"},
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"amount": 5, "name": "Zoë"}'},
        {"role": "assistant", "content": "I won't."},
        {"role": "user", "content": turn.complaint({"refusal": "I won't."})},
    ]


def test_a_digest_depends_on_the_value_and_not_on_the_order_of_keys() -> None:
    assert turn.json_digest({"a": 1, "b": "ë"}) == turn.json_digest({"b": "ë", "a": 1})
    assert turn.json_digest({"a": 1}) != turn.json_digest({"a": 2})


def test_a_digest_is_the_same_in_every_release() -> None:
    # Digests are stored: another one for the same value would tell that a recorded request was changed.
    assert turn.json_digest({"b": "ë"}) == "1194004cafe6382509e9e311820fca96e87583ca5087b4b703ae3d542debe191"
