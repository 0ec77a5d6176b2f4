"""Runs from the first step to the last: a scripted model, and the shop behind the simulator."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.lib import retry
from agentops.models import Run, Step
from agentops.runs import commit, engine, leasing, steps
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution, lookup, pauses
from approvals.models import Action, ApprovalRequest, AuditEvent
from approvals.policy.rules import Threshold
from tests.completions import call, calls, claims_a_refund_of, completion, hands_over, replies, triage, uses
from tests.interruptions import (
    MODEL,
    Interruption,
    Killed,
    after_answer,
    before_request,
    before_statement,
    die,
    fail_with,
    from_call,
)
from tests.scripted import CUT, Say, Script
from tests.waiting import until
from tests.world import World, at_once, expires, put_rules, refund_arguments, run_through, ticket_of
from tickets import incoming, intake
from tickets.models import Message, Ticket

REFUND = {"order_id": "#W1", "amount": 999_999, "currency": "USD", "reason": "He said so."}


def status(ticket: Ticket) -> tuple[str, str]:
    ticket.refresh_from_db()
    return ticket.status, ticket.reason


def last_step(run: Run) -> Step:
    return run.steps.latest("index")


def last_tool_result(script: Script) -> dict[str, Any]:
    """Return the last tool result that the model received."""
    message = script.asked[-1].data["messages"][-1]
    assert message["role"] == "tool"
    return json.loads(message["content"])


def another_message(ticket: Ticket, body: str = "And another thing.", external_id: str = "further-1") -> Message:
    said = incoming.NewMessage(ticket_id=ticket.pk, external_id=external_id, body=body)
    return intake.receive_message(ticket.pk, said)[0]


# --- complete runs --------------------------------------------------------------------------------------


def test_a_small_refund_is_made_and_answered(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order, "The mug is broken.")
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run = run_through(ticket)
    assert (run.status, run.outcome, run.turns) == ("succeeded", "answered", 3)
    assert status(ticket) == ("answered", "")
    assert [row["amount"] for row in world.refunds(order)] == [2_000]
    assert [(step.kind, step.status) for step in run.steps.order_by("index")] == [
        ("triage", "done"),
        ("llm", "done"),
        ("tool", "done"),
        ("llm", "done"),
        ("tool", "done"),
        ("llm", "done"),
        ("tool", "done"),
    ]
    assert [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk] == [
        "I have refunded $20.00."
    ]
    assert run.tokens == 4 * 120
    assert run.cost_usd > 0


def test_the_trace_records_requests_and_answers(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(triage(), calls(call("get_order", {"order_id": order["order_id"]}), reasoning_content="I look."))
    model.will_say(hands_over())
    run = run_through(ticket_of(order))
    asked = run.steps.get(index=1)
    assert (asked.reasoning, asked.input_tokens, asked.cached_tokens, asked.output_tokens) == ("I look.", 100, 60, 20)
    assert json.loads(asked.raw_response)["choices"]
    assert steps.sent_messages(run, list(run.steps.order_by("index")), 3) == model.asked[2].data["messages"]
    read = run.steps.get(index=2)
    assert (read.name, json.loads(read.input["arguments"])) == ("get_order", {"order_id": order["order_id"]})
    assert read.output["refundable"] == 10_000


def test_an_unambiguous_ticket_stays_with_the_small_model(world: World, model: Script, settings: Settings) -> None:
    for ambiguous, name in ((False, settings.LLM_TRIAGE_MODEL), (True, settings.LLM_EXPERT_MODEL)):
        model.will_say(triage(ambiguous=ambiguous), hands_over())
        run = run_through(ticket_of(world.order()))
        assert (run.llm_model, model.asked[-1].data["model"]) == (name, name)


@pytest.mark.parametrize("said", ["", "null", "I think they want a refund.", '{"intent": 5}', "[" * 5000])
def test_an_unreadable_triage_selects_the_expert(world: World, model: Script, settings: Settings, said: str) -> None:
    model.will_say(completion({"content": said}), hands_over())
    run = run_through(ticket_of(world.order()))
    assert (run.llm_model, run.steps.get(index=0).error_code) == (settings.LLM_EXPERT_MODEL, "unreadable_triage")


def test_a_large_refund_waits_and_continues_after_approval(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run = run_through(ticket)
    assert (run.status, last_step(run).status) == ("waiting", "waiting")
    assert status(ticket)[0] == "awaiting_approval"
    assert run.pk not in leasing.due(1000)
    engine.advance(run.pk)
    assert len(model.asked) == 2, "waiting costs nothing"

    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    execution.execute(request.action_id)
    assert run.pk in leasing.due(1000)
    model.will_say(claims_a_refund_of(order, 6_000))
    run = run_through(ticket)
    assert (run.status, status(ticket)[0]) == ("succeeded", "answered")
    assert [row["amount"] for row in world.refunds(order)] == [6_000]


def test_the_model_learns_of_a_persons_edit(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.edit(request_id=request.pk, by=lead, seen=decide.seen_now(request), changes={"amount": 2_500})
    execution.execute(request.action_id)
    model.will_say(claims_a_refund_of(order, 2_500))
    run_through(ticket)
    assert last_tool_result(model)["message"] == "Done, as a person edited it."
    assert last_tool_result(model)["action"]["amount"] == 2_500
    assert status(ticket)[0] == "answered"


def test_the_model_learns_of_a_rejection_and_its_reason(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="It was used for a year.")
    model.will_say(replies("I am sorry, we cannot refund this."))
    run_through(ticket)
    assert (last_tool_result(model)["action"]["status"], last_tool_result(model)["reason"]) == (
        "rejected",
        "It was used for a year.",
    )
    assert status(ticket)[0] == "answered"
    assert world.refunds(order) == []


def test_the_model_learns_of_an_expired_request(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run_through(ticket)
    expires(ApprovalRequest.objects.get(action__ticket=ticket))
    model.will_say(hands_over("Nobody decided."))
    run_through(ticket)
    assert last_tool_result(model)["action"]["status"] == "expired"
    assert status(ticket) == ("needs_person", "Nobody decided.")


def test_the_model_learns_which_rule_blocked_a_refund_that_it_may_decline(world: World, model: Script) -> None:
    limits = [Threshold(kind="refund", currency="USD", auto_up_to=1, block_above=5_000)]
    put_rules(thresholds=limits, agent_may_decline=["refund"])
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)), replies("We are not able to do this."))
    run_through(ticket)
    assert last_tool_result(model)["action"]["status"] == "blocked"
    assert "over the block limit" in last_tool_result(model)["reason"]
    assert world.refunds(order) == []


def test_after_a_terminal_failure_the_model_may_not_claim_success(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    world.faults("POST /refunds", "refused_by_bank")
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run = run_through(ticket)
    assert run.status == "waiting"
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    assert request.action.kind == "reply"
    assert len(request.snapshot["ungrounded"]) == 2
    assert [row for row in world.simulator.replies() if row["ticket_id"] == ticket.pk] == []
    assert run.steps.get(index=2).output["error"]["code"] == "refused_by_bank"


def test_an_unknown_outcome_waits_for_a_person_and_then_continues(
    world: World, model: Script, settings: Settings
) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    ticket = ticket_of(order)
    world.faults("POST /refunds", "error_500_after")
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    run = run_through(ticket)
    action = Action.objects.get(ticket=ticket)
    assert execution.execute(action.pk).status == states.UNRESOLVED
    engine.advance(run.pk)
    assert Run.objects.get(pk=run.pk).status == "waiting"
    lookup.settle_by_lookup(action.pk)
    model.will_say(claims_a_refund_of(order, 2_000))
    run = run_through(ticket)
    assert (run.outcome, status(ticket)[0]) == ("answered", "answered")
    assert len(world.refunds(order)) == 1


def test_a_lost_answer_is_retried_without_another_model_call(world: World, model: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    ticket = ticket_of(order)
    world.faults("POST /refunds", "lost_answer")
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    assert run_through(ticket).status == "waiting"
    assert execution.execute(Action.objects.get(ticket=ticket).pk).status == states.SUCCEEDED
    model.will_say(claims_a_refund_of(order, 2_000))
    assert run_through(ticket).outcome == "answered"
    assert len(world.refunds(order)) == 1


# --- unusable answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (call("get_order", "{oops"), "invalid_arguments"),
        (call("get_order", ""), "invalid_arguments"),
        (call("get_order", "null"), "invalid_arguments"),
        (call("get_order", "[" * 100_000), "invalid_arguments"),
        (call("get_order", '{"order_id": 5}'), "invalid_arguments"),
        (call("get_order", '{"order_id": "#W1", "order_id2": "#W2"}'), "invalid_arguments"),
        (call("get_order", '{"order_id": "\\u0000"}'), "invalid_arguments"),
        (call("get_order", '{"order_id": "\\ud800"}'), "invalid_arguments"),
        (call("get_order", '{"order_id": NaN}'), "invalid_arguments"),
        (call("get_order", '{"order_id": ' + "9" * 5000 + "}"), "invalid_arguments"),
        (call("get_order", '{"order_id": "#W0000000"}'), "order_not_found"),
        (call("find_orders", "{}"), "invalid_arguments"),
        (call("find_orders", '{"customer_email": "victim@example.com"}'), "not_this_customer"),
        (call("refund", {**REFUND, "amount": "84.00 dollars"}), "invalid_arguments"),
        (call("refund", REFUND), "order_not_found"),
        (call("refund", {**REFUND, "order_id": "#W1\x00"}), "invalid_arguments"),
        (call("reply", '{"text": ""}'), "invalid_arguments"),
        (call("reply", '{"text": "Hi.", "reason": "A greeting.", "claims": "none"}'), "invalid_arguments"),
        (call("hand_over", "{}"), "invalid_arguments"),
        (call("issue_store_credit", '{"amount": 5}'), "unknown_tool"),
        (call("", "{}"), "unknown_tool"),
        (call("x" * 500, "{}"), "unknown_tool"),
        (call("refund\x00", "{}"), "unknown_tool"),
    ],
)
def test_an_unusable_call_gets_a_structured_error(world: World, model: Script, made: dict[str, Any], code: str) -> None:
    model.will_say(triage(), calls(made), hands_over())
    run = run_through(ticket_of(world.order()))
    step = run.steps.get(index=2)
    assert (step.status, step.error_code) == ("failed", code)
    assert last_tool_result(model)["error"]["code"] == code
    assert last_tool_result(model)["error"]["message"]
    assert (run.status, run.outcome) == ("succeeded", "with_person")
    assert not Action.objects.filter(run_id=run.pk).exists()


def test_a_tracking_number_given_as_an_order_names_the_order(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(triage(), uses("get_order", {"order_id": order["tracking_numbers"][0]}), hands_over())
    run_through(ticket_of(order))
    assert last_tool_result(model)["error"]["details"] == {"order_id": order["order_id"]}


def test_another_customers_order_is_not_read(world: World, model: Script) -> None:
    order, other = world.order(), world.order()
    model.will_say(triage(), uses("get_order", {"order_id": other["order_id"]}), hands_over())
    run = run_through(ticket_of(order))
    assert last_tool_result(model)["error"]["code"] == "not_this_customers_order"
    assert other["customer_email"] not in json.dumps(list(run.steps.values("output", "input")), default=str)


def test_several_calls_are_executed_and_answered_in_order(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(triage(), calls(call("get_order", {"order_id": order["order_id"]}, 1), call("get_customer", {}, 2)))
    model.will_say(hands_over())
    run_through(ticket_of(order))
    answers = [message for message in model.asked[-1].data["messages"] if message["role"] == "tool"]
    assert [message["tool_call_id"] for message in answers] == ["call_1", "call_2"]
    assert json.loads(answers[1]["content"])["email"] == order["customer_email"]


def test_the_same_refund_twice_in_one_answer_is_made_once(world: World, model: Script) -> None:
    order = world.order()
    refund = refund_arguments(order, 2_000)
    model.will_say(
        triage(), calls(call("refund", refund, 1), call("refund", refund, 2)), claims_a_refund_of(order, 2_000)
    )
    run = run_through(ticket_of(order))
    assert run.outcome == "answered"
    assert Action.objects.get(run_id=run.pk, kind="refund").duplicates_absorbed == 1
    assert len(world.refunds(order)) == 1


def test_nothing_runs_after_the_reply(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(
        triage(),
        calls(
            call("reply", {"text": "Hello.", "reason": "A greeting."}, 1),
            call("refund", refund_arguments(order, 2_000), 2),
        ),
    )
    assert run_through(ticket_of(order)).outcome == "answered"
    assert world.refunds(order) == []


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (completion({"content": "Your refund is on its way!"}), "received nothing"),
        (completion({}), "received nothing"),
        (completion({"refusal": "I can't help with that."}), "You refused"),
        (completion({"content": "Thank you for"}, "length"), "cut off"),
    ],
)
def test_an_answer_without_a_call_gets_a_correction(world: World, model: Script, said: Say, complaint: str) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), said, replies())
    assert run_through(ticket).outcome == "answered"
    assert complaint in model.asked[-1].data["messages"][-1]["content"]
    assert Message.objects.filter(ticket=ticket, direction="outbound").count() == 1


def test_five_unusable_answers_mean_a_person(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(
        triage(), completion({}), uses("nothing"), uses("get_order", "{"), completion({}), uses("refund", "5")
    )
    run = run_through(ticket)
    assert (run.outcome, run.turns) == ("with_person", 5)
    assert status(ticket) == ("needs_person", "The model's response was unusable 5 times.")


def test_a_loop_goes_to_a_person_after_twelve_turns(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), *[uses("get_order", {"order_id": order["order_id"]})] * 12)
    run = run_through(ticket)
    assert (run.turns, run.outcome) == (12, "with_person")
    assert status(ticket) == ("needs_person", "No answer after 12 turns.")


def test_a_claim_without_an_action_is_never_sent(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("Your refund is on its way."))
    run = run_through(ticket)
    assert (run.status, status(ticket)[0]) == ("waiting", "awaiting_approval")
    assert [row for row in world.simulator.replies() if row["ticket_id"] == ticket.pk] == []


def test_a_rewritten_reply_is_reviewed_again(world: World, model: Script, lead: User) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("Your refund is on its way."))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="It is not.")
    model.will_say(replies("We are looking into it."))
    assert run_through(ticket).status == "waiting"
    request = ApprovalRequest.objects.get(action__ticket=ticket, closed_at=None)
    assert [reason["code"] for reason in request.action.reasons] == ["further_effect"]
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    execution.execute(request.action_id)
    assert run_through(ticket).outcome == "answered"
    assert [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk] == [
        "We are looking into it."
    ]


def test_card_numbers_in_a_models_text_are_not_stored(world: World, model: Script) -> None:
    number = "4111 1111 1111 1111"
    ticket = ticket_of(world.order())
    model.will_say(
        triage(summary=f"Card {number}."), uses("get_order", {"order_id": number}), hands_over(f"Card {number}.")
    )
    run = run_through(ticket)
    stored = json.dumps(
        [list(run.steps.values()), list(Run.objects.filter(pk=run.pk).values()), status(ticket)], default=str
    )
    assert number not in stored
    assert "ends 1111" in stored


# --- the model or the shop is unavailable ---------------------------------------------------------------


def test_a_transient_model_failure_is_retried_and_shown(world: World, model: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    ticket = ticket_of(world.order())
    model.will_say(triage(), Say({"error": {"message": "Oh."}}, 500))
    run = run_through(ticket)
    assert (run.status, run.turns) == ("queued", 0)
    assert run.not_before is not None
    model.will_say(CUT)
    until(lambda: run.pk in leasing.due(1000))
    engine.advance(run.pk)
    model.will_say(replies())
    until(lambda: run.pk in leasing.due(1000))
    engine.advance(run.pk)
    step = run.steps.get(index=1)
    assert [(failure["attempt"], failure["code"]) for failure in step.failures] == [
        (1, "http_500"),
        (2, "connection_lost"),
    ]
    assert (step.status, step.attempts) == ("done", 3)
    assert status(ticket)[0] == "answered"


@pytest.mark.parametrize("answer", [Say({"error": {"message": "Oh."}}, 503), Say({"choices": []}), Say(b"<html>"), CUT])
def test_a_model_that_stays_unavailable_means_a_person(
    world: World, model: Script, settings: Settings, answer: Say
) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    ticket = ticket_of(world.order())
    model.will_say(triage(), *[answer] * retry.MODEL_RETRIES.attempts)
    run = run_through(ticket)
    while run.status == "queued":
        run = run_through(ticket)
    assert (run.status, run.outcome) == ("failed", "with_person")
    assert "The model call failed" in status(ticket)[1]
    assert len(run.steps.get(index=1).failures) == retry.MODEL_RETRIES.attempts - 1


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_terminal_model_failure_is_not_retried(world: World, model: Script, code: int) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), Say({"error": {"message": "No."}}, code))
    run = run_through(ticket)
    assert (run.status, run.outcome) == ("failed", "with_person")
    assert status(ticket)[0] == "needs_person"


def test_refused_credentials_pause_the_model_until_it_is_resumed(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(Say({"error": {"message": "Invalid key."}}, 401))
    run = run_through(ticket)
    assert (run.status, run.steps.get().attempts) == ("queued", 1), "the ticket is not to blame"
    assert pauses.paused_names() == {"llm"}
    assert pauses.resume_provider("llm", by="admin")
    Run.objects.filter(pk=run.pk).update(not_before=None)
    model.will_say(triage(), hands_over())
    assert run_through(ticket).outcome == "with_person"


def test_an_older_run_does_not_undo_a_newer_handover(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 8_000)))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket, closed_at=None)
    another_message(ticket, "I will sue you.")
    model.will_say(triage(), hands_over("They threaten to sue."))
    run_through(ticket)
    assert status(ticket) == ("needs_person", "They threaten to sue.")
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="Not now.")
    model.will_say(replies("We cannot do this."))
    engine.advance(request.action.run_id or 0)
    assert status(ticket) == ("needs_person", "They threaten to sue.")


def test_a_terminal_triage_failure_does_not_stop_the_run(world: World, model: Script, settings: Settings) -> None:
    model.will_say(Say({"error": {"message": "No."}}, 400), replies())
    run = run_through(ticket_of(world.order()))
    assert (run.outcome, run.llm_model, run.route) == ("answered", settings.LLM_EXPERT_MODEL, "unreadable_triage")
    assert model.asked[-1].data["model"] == settings.LLM_EXPERT_MODEL


def test_an_unavailable_shop_is_retried_and_then_reported(world: World, model: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    ticket = ticket_of(order)
    world.faults("GET /orders/{order_id}", "unavailable")
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    run = run_through(ticket)
    while run.steps.get(index=2).attempts < retry.READ_RETRIES.attempts:
        assert run.status == "queued"
        run = run_through(ticket)
    model.will_say(hands_over())
    run = run_through(ticket)
    assert last_tool_result(model)["error"]["code"] == "unavailable"
    assert run.outcome == "with_person"


# --- crashes --------------------------------------------------------------------------------------------


def crash(run: Run) -> None:
    """The run's worker dies, and its lease has expired."""
    Run.objects.filter(pk=run.pk).update(status="running", lease_expires_at=Now() - timedelta(seconds=1))


CLAIM = ('"approvals_action"', "SKIP LOCKED")
LOOKS_FOR_THE_SAME = ('FROM "approvals_action"', 'ORDER BY "approvals_action"."sequence"')


def test_a_recorded_answer_is_never_requested_again(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    with before_request("/orders/", die, method="GET"), pytest.raises(Killed):
        run_through(ticket)
    run = Run.objects.get(ticket=ticket)
    assert (last_step(run).name, last_step(run).status) == ("get_order", "started"), "the crash is visible"
    assert run.pk not in leasing.due(1000), "while its lease is valid"
    crash(run)
    model.will_say(hands_over())
    run = run_through(ticket)
    assert run.outcome == "with_person"
    assert len(model.asked) == 3


def test_an_unrecorded_answer_is_requested_once_more(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("This answer is lost."))
    with after_answer(MODEL, from_call(2, die)), pytest.raises(Killed):
        run_through(ticket)
    run = Run.objects.get(ticket=ticket)
    crash(run)
    model.will_say(hands_over())
    assert run_through(ticket).outcome == "with_person"
    assert len(model.asked) == 3
    assert [step.index for step in run.steps.all()] == [0, 1, 2]


def test_a_worker_death_does_not_count_as_a_providers_failure(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage())
    with before_request(MODEL, from_call(2, die)):
        for _ in range(retry.MODEL_RETRIES.attempts - 1):
            with pytest.raises(Killed):
                run_through(ticket)
            crash(Run.objects.get(ticket=ticket))
    model.will_say(*[Say({"error": {"message": "Down."}}, 503)] * (retry.MODEL_RETRIES.attempts - 1), replies())
    for _ in range(retry.MODEL_RETRIES.attempts):
        Run.objects.filter(ticket=ticket).update(not_before=None)
        run = run_through(ticket)
    assert (run.status, run.outcome) == ("succeeded", "answered")


def test_a_step_that_keeps_killing_workers_is_given_up(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage())
    with before_request(MODEL, from_call(2, die)):
        for _ in range(engine.MAX_LOST_WORKERS):
            with pytest.raises(Killed):
                run_through(ticket)
            crash(Run.objects.get(ticket=ticket))
        run = run_through(ticket)
    assert (run.status, run.outcome) == ("failed", "with_person")
    assert last_step(run).error_code == "worker_lost"
    assert len(last_step(run).failures) == engine.MAX_LOST_WORKERS


def test_our_own_bug_needs_a_person_and_names_the_step(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    with before_request("/orders/", fail_with(ZeroDivisionError("in our own code")), method="GET"):
        run = run_through(ticket)
    assert (run.status, run.outcome) == ("failed", "with_person")
    assert (last_step(run).name, last_step(run).status, last_step(run).error_code) == ("get_order", "failed", "fault")
    assert status(ticket)[0] == "needs_person"
    assert "ZeroDivisionError" in run.reason


@pytest.mark.parametrize("at", [before_request, after_answer])
def test_a_crash_around_the_refund_makes_it_once(world: World, model: Script, at: Interruption) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    with at("/refunds", die), pytest.raises(Killed):
        run_through(ticket)
    run, action = Run.objects.get(ticket=ticket), Action.objects.get(ticket=ticket)
    assert action.status == states.EXECUTING
    crash(run)
    assert run_through(ticket).status == "waiting", "another worker may still be processing the action"
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    model.will_say(claims_a_refund_of(order, 2_000))
    assert run_through(ticket).outcome == "answered"
    assert len(world.refunds(order)) == 1


def test_a_crash_between_proposal_and_execution_loses_nothing(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    with before_statement(*CLAIM, act=die), pytest.raises(Killed):
        run_through(ticket)
    assert Action.objects.get(ticket=ticket).status == states.APPROVED
    crash(Run.objects.get(ticket=ticket))
    model.will_say(claims_a_refund_of(order, 2_000))
    assert run_through(ticket).outcome == "answered"
    assert Action.objects.get(ticket=ticket, kind="refund").duplicates_absorbed == 0
    assert len(world.refunds(order)) == 1


def test_a_worker_without_its_lease_writes_nothing(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    run = leasing.lease_run(Run.objects.get(ticket=ticket).pk)
    assert run is not None
    crash(run)
    model.will_say(triage(), hands_over("The successor."))
    assert run_through(ticket).outcome == "with_person"
    before = list(Step.objects.filter(run=run).values())
    with pytest.raises(engine.RunSuperseded):
        commit.commit_step(run, None, steps.start_triage(run))
    assert list(Step.objects.filter(run=run).values()) == before
    assert status(ticket) == ("needs_person", "The successor.")


def test_an_overtaken_worker_counts_no_duplicate(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    overtaken = False

    def overtake() -> None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            crash(Run.objects.get(ticket=ticket))
            assert run_through(ticket).outcome == "answered"

    with before_statement(*LOOKS_FOR_THE_SAME, act=overtake):
        assert run_through(ticket).outcome == "answered"
    assert overtaken
    action = Action.objects.get(ticket=ticket, kind="refund")
    assert action.duplicates_absorbed == 0
    assert not AuditEvent.objects.filter(verb="action.duplicate_absorbed", object_id=str(action.pk)).exists()
    assert len(world.refunds(order)) == 1


def test_only_one_of_many_workers_runs(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies())
    run = Run.objects.get(ticket=ticket)
    at_once(*[lambda: engine.advance(run.pk)] * 8)
    run.refresh_from_db()
    assert (run.outcome, run.fence) == ("answered", 1)


def test_a_finished_run_is_left_alone(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies())
    run = run_through(ticket)
    engine.advance(run.pk)
    assert Run.objects.get(pk=run.pk).fence == 1
    assert run.pk not in leasing.due(1000)


# --- further messages -----------------------------------------------------------------------------------


def test_a_second_message_starts_a_run_that_knows_the_conversation(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order, "The mug is broken.")
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    another_message(ticket, "Thank you! And the lamp?")
    assert status(ticket)[0] == "open"
    model.will_say(triage(intent="question"), replies("Is it broken as well?"))
    run = run_through(ticket)
    assert (run.number, run.outcome, status(ticket)[0]) == (2, "answered", "answered")
    sent = model.asked[-1].data["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user", "system"]
    assert "The mug is broken." in sent[1]["content"]
    assert sent[2]["content"] == "I have refunded $20.00."
    assert sent[3]["content"] == "Thank you! And the lamp?"
    assert f"{ticket.pk}:refund:1" in sent[4]["content"], "earlier actions are included"
    assert {row["webhook_id"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk} == {
        f"{ticket.pk}:reply:1",
        f"{ticket.pk}:reply:2",
    }


def test_the_second_run_waits_for_the_first(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    another_message(ticket)
    first, second = Run.objects.filter(ticket=ticket).order_by("number")
    assert second.pk not in leasing.due(1000)
    engine.advance(second.pk)
    assert Run.objects.get(pk=second.pk).fence == 0
    model.will_say(triage(), replies("To your first message."))
    engine.advance(first.pk)
    assert "And another thing." not in json.dumps(model.asked[-1].data), "it belongs to the next run"
    model.will_say(triage(), replies("To your second message."))
    engine.advance(second.pk)
    assert Run.objects.get(pk=second.pk).outcome == "answered"
    said = [message["content"] for message in model.asked[-1].data["messages"]]
    assert said[2:4] == ["To your first message.", "And another thing."], "the message to answer comes last"


def test_two_runs_of_a_ticket_never_work_at_once(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    another_message(ticket)
    model.will_say(triage(), replies("To your first message."), triage(), replies("To your second message."))
    runs = list(Run.objects.filter(ticket=ticket).order_by("number"))
    until(
        lambda: (
            at_once(*[lambda run=run: engine.advance(run.pk) for run in runs * 3])
            and not set(leasing.due(1000)) & {run.pk for run in runs}
        )
    )
    assert list(Run.objects.filter(ticket=ticket).values_list("outcome", flat=True)) == ["answered", "answered"]
    bodies = [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]
    assert bodies == ["To your first message.", "To your second message."]
