"""One outcome, one letter: what the agent says while an action waits, and what a person has to say instead."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from agentops.models import Run, Step
from agentops.runs import engine, leasing
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, AuditEvent
from approvals.policy.rules import Threshold
from tests.completions import call, calls, claims_a_refund_of, hands_over, replies, triage, uses
from tests.integration.history_rows import signed_in
from tests.integration.test_engine import another_message, last_tool_result, status
from tests.screen import markup
from tests.scripted import Script
from tests.world import World, expires, propose, put_rules, refund_arguments, run_through, ticket_of
from tickets.models import Ticket

LOOKING = {"text": "A colleague is looking at your request and we will write again.", "reason": "Keeps them informed."}
TAKEN_BACK = "I withdraw my request, please do not send money."
NOTED = "We have noted that you withdraw your request, and nothing will be returned."


def request_of(ticket: Ticket, kind: str = "refund") -> ApprovalRequest:
    return ApprovalRequest.objects.get(action__ticket=ticket, action__kind=kind, closed_at=None)


def decided(ticket: Ticket, lead: User, **rejection: str) -> None:
    """A lead decides the waiting refund as it is now, and it is executed."""
    request = request_of(ticket)
    verdict = decide.reject if rejection else decide.approve
    verdict(request_id=request.pk, by=lead, seen=decide.seen_now(request), **rejection)
    execution.execute(request.action_id)


def letters(world: World, ticket: Ticket) -> list[str]:
    return [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]


def run_all(ticket: Ticket) -> list[tuple[int, str, str]]:
    """Let every run of the ticket do what it can, and return their numbers, statuses and outcomes."""
    runs = Run.objects.filter(ticket=ticket).order_by("number")
    due = set(leasing.due(1_000))
    while ready := [run.pk for run in runs.all() if run.pk in due]:
        for pk in ready:
            engine.advance(pk)
        due = set(leasing.due(1_000))
    return list(runs.values_list("number", "status", "outcome"))


def waiting_refund(world: World, model: Script, body: str = "The lamp is broken.") -> tuple[dict[str, Any], Ticket]:
    """Run 1 waits for a person's decision on a refund of 84.00."""
    order = world.order()
    ticket = ticket_of(order, body)
    model.will_say(triage(), uses("refund", refund_arguments(order, 8_400)))
    assert run_through(ticket).status == "waiting"
    return order, ticket


# --- calls of one answer --------------------------------------------------------------------------------


@pytest.mark.parametrize("rejection", [{"reason": "Outside the window."}, {}])
def test_a_reply_written_before_the_decision_is_never_sent(
    world: World, model: Script, lead: User, rejection: dict[str, str]
) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), calls(call("refund", refund_arguments(order, 8_400), 1), call("reply", LOOKING, 2)))
    run = run_through(ticket)
    assert letters(world, ticket) == []
    decided(ticket, lead, **rejection)
    said = replies("I am sorry: it is outside the window.") if rejection else claims_a_refund_of(order, 8_400)
    model.will_say(said)
    assert run_through(ticket).outcome == "answered"
    assert len(letters(world, ticket)) == 1
    assert LOOKING["text"] not in letters(world, ticket)
    assert len(world.refunds(order)) == (0 if rejection else 1)
    told = last_tool_result(model)["error"]
    assert (told["code"], "propose this again" in told["message"]) == ("not_done", True)
    steps = [(step.name, step.status, step.error_code) for step in run.steps.filter(kind="tool").order_by("index")]
    assert steps[:2] == [
        ("refund", "failed" if rejection else "done", "rejected" if rejection else ""),
        ("reply", "failed", "not_done"),
    ]


def test_no_second_effect_follows_one_that_waits_in_the_same_answer(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    name = {"name": "Kim Roe", "reason": "They married."}
    model.will_say(triage(), calls(call("refund", refund_arguments(order, 8_400), 1), call("change_account", name, 2)))
    run_through(ticket)
    decided(ticket, lead, reason="No.")
    model.will_say(replies("I am sorry, we can't refund this."))
    run_through(ticket)
    assert not Action.objects.filter(ticket=ticket, kind="account_change").exists()


def test_every_call_after_the_end_of_a_run_leaves_a_step(world: World, model: Script) -> None:
    order = world.order()
    made = [
        call("hand_over", {"reason": "They want a person."}, 1),
        call("refund", refund_arguments(order, 2_000), 2),
        call("reply", LOOKING, 3),
    ]
    model.will_say(triage(), calls(*made))
    ticket = ticket_of(order)
    run = run_through(ticket)
    assert [(step.name, step.error_code) for step in run.steps.filter(kind="tool").order_by("index")] == [
        ("hand_over", ""),
        ("refund", "not_done"),
        ("reply", "not_done"),
    ]
    assert (run.outcome, letters(world, ticket), world.refunds(order)) == ("with_person", [], [])


# --- runs that queued up while an action waited ---------------------------------------------------------


@pytest.mark.parametrize("messages", [1, 2, 3])
@pytest.mark.parametrize("rejection", [{"reason": "Outside the window."}, {}])
def test_runs_that_queued_up_send_one_letter(
    world: World, model: Script, lead: User, messages: int, rejection: dict[str, str]
) -> None:
    order, ticket = waiting_refund(world, model)
    for number in range(messages):
        another_message(ticket, f"Any news? ({number})", f"further-{number}")
        model.will_say(triage(), replies("We are still looking into it."))
        assert run_through(ticket).status == "waiting", "its reply waits for the outcome"
    assert letters(world, ticket) == []
    decided(ticket, lead, **rejection)
    model.will_say(replies("I am sorry.") if rejection else claims_a_refund_of(order, 8_400))
    ended = run_all(ticket)
    assert ended == [
        *[(number, "cancelled", "") for number in range(1, messages + 1)],
        (messages + 1, "succeeded", "answered"),
    ]
    assert letters(world, ticket) == (["I am sorry."] if rejection else ["I have refunded $84.00."])
    assert status(ticket) == ("answered", "")
    assert len(world.refunds(order)) == (0 if rejection else 1)


def test_the_newest_run_first_also_sends_one_letter(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "Any news?")
    model.will_say(triage(), replies("We are still looking into it."))
    run_through(ticket)
    decided(ticket, lead)
    model.will_say(claims_a_refund_of(order, 8_400))
    assert run_through(ticket).outcome == "answered"
    engine.advance(Run.objects.get(ticket=ticket, number=1).pk)
    assert letters(world, ticket) == ["I have refunded $84.00."]
    assert status(ticket) == ("answered", "")
    cancelled = Run.objects.get(ticket=ticket, number=1)
    assert (cancelled.status, cancelled.reason) == ("cancelled", "Run 2 answers the customer, who has written since.")
    assert AuditEvent.objects.filter(object_type="run", object_id=str(cancelled.pk), verb="run.cancelled").exists()


def test_a_run_still_queued_at_the_decision_answers_for_both(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "Any news?")
    decided(ticket, lead)
    engine.advance(Run.objects.get(ticket=ticket, number=1).pk)
    assert len(model.asked) == 2, "the first run asks the model no more"
    model.will_say(triage(), claims_a_refund_of(order, 8_400))
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    assert letters(world, ticket) == ["I have refunded $84.00."]


def test_a_newer_run_that_knew_the_outcome_has_the_last_word(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    decided(ticket, lead)
    another_message(ticket, "Any news?")
    model.will_say(triage(), claims_a_refund_of(order, 8_400))
    engine.advance(Run.objects.get(ticket=ticket, number=2).pk)
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    assert letters(world, ticket) == ["I have refunded $84.00."]


def test_a_later_message_is_answered_on_its_own(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    decided(ticket, lead)
    another_message(ticket, "Thank you! And the mug?")
    model.will_say(claims_a_refund_of(order, 8_400), triage(), replies("Is it broken as well?"))
    assert run_all(ticket) == [(1, "succeeded", "answered"), (2, "succeeded", "answered")]
    assert len(letters(world, ticket)) == 2


def test_a_run_that_repeats_the_waiting_proposal_writes_the_only_letter(
    world: World, model: Script, lead: User
) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "I mean the lamp.")
    model.will_say(triage(), uses("refund", refund_arguments(order, 8_400)))
    assert run_through(ticket).status == "waiting"
    decided(ticket, lead)
    model.will_say(claims_a_refund_of(order, 8_400))
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    assert (len(letters(world, ticket)), len(world.refunds(order))) == (1, 1)


def test_a_reply_waits_for_an_older_runs_held_reply(world: World, model: Script, lead: User) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("Your refund is on its way."))
    run_through(ticket)
    another_message(ticket, "Hello?")
    model.will_say(triage(), replies("Hello!"))
    assert run_through(ticket).status == "waiting"
    request = request_of(ticket, "reply")
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="It is not.")
    model.will_say(replies("We are looking into it."))
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    assert letters(world, ticket) == ["We are looking into it."]


def test_a_reply_learns_the_outcome_that_it_waited_for(world: World, model: Script, lead: User) -> None:
    _, ticket = waiting_refund(world, model)
    another_message(ticket, "Any news?")
    model.will_say(triage(), replies("We are still looking into it."))
    run = run_through(ticket)
    expires(request_of(ticket))
    model.will_say(hands_over("Nobody decided."))
    run_through(ticket)
    told = last_tool_result(model)
    assert (told["error"]["code"], told["outcome"]["action"]["status"]) == ("not_done", "expired")
    early = run.steps.get(name="reply")
    assert (early.status, early.error_code, early.action_id) == ("failed", "not_done", None)


# --- withdrawal -----------------------------------------------------------------------------------------


def withdrawing(world: World, model: Script) -> tuple[dict[str, Any], Ticket, ApprovalRequest]:
    """Run 2 withdraws the refund that run 1 proposed, because the customer took the wish back."""
    order, ticket = waiting_refund(world, model)
    request = request_of(ticket)
    another_message(ticket, TAKEN_BACK)
    told = {"action": request.action.idempotency_key, "reason": "The customer withdraws the request."}
    model.will_say(triage(), uses("withdraw", told), replies(NOTED))
    return order, ticket, request


def test_a_run_knows_what_waits_and_can_withdraw_it(world: World, model: Script, lead: User) -> None:
    order, ticket, request = withdrawing(world, model)
    seen = decide.seen_now(request)
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    brief = model.asked[-1].data["messages"]
    assert f"awaiting_approval, no person has decided yet ({request.action.idempotency_key})" in json.dumps(brief)
    assert Action.objects.get(pk=request.action_id).status == states.WITHDRAWN
    assert (letters(world, ticket), status(ticket)) == ([NOTED], ("answered", ""))
    for verdict in (decide.approve, decide.edit, decide.reject):
        more: dict[str, Any] = {"changes": {"amount": 100}} if verdict is decide.edit else {}
        more |= {"reason": "No."} if verdict is decide.reject else {}
        for shown in (seen, decide.seen_now(request)):
            with pytest.raises(decide.AlreadyDecided):
                verdict(request_id=request.pk, by=lead, seen=shown, **more)
    assert execution.execute(request.action_id).status == states.WITHDRAWN
    assert world.refunds(order) == []
    event = AuditEvent.objects.get(object_id=str(request.action_id), verb="action.withdrawn")
    assert (event.actor, event.after["reason"], event.after["run"]) == (
        "agent",
        "The customer withdraws the request.",
        2,
    )


def test_a_withdrawn_action_is_shown_as_such(world: World, model: Script) -> None:
    _, ticket, request = withdrawing(world, model)
    run_all(ticket)
    maya, reader = signed_in("maya"), signed_in("an-auditor", "auditor")
    card = markup(maya.get(reverse("queue-item", args=[request.pk])))
    assert "Withdrawn by the agent" in card
    assert "The customer withdraws the request." in card
    late = maya.post(
        reverse("queue-approve", args=[request.pk]), {"digest": request.digest, "through_message": "1", "seen": "x"}
    )
    assert (late.status_code, "the agent has withdrawn this request" in markup(late)) == (409, True)
    assert "Withdrawn" in markup(maya.get(reverse("queue"), {"lane": "decided", "q": request.action.order_id}))
    assert "Withdrawn by the agent" in markup(reader.get(reverse("action", args=[request.action_id])))
    exported = reader.get(reverse("actions-export"), {"q": request.action.idempotency_key})
    assert b",withdrawn," in b"".join(exported.streaming_content)
    run = Run.objects.get(ticket=ticket, number=1)
    assert "withdrawn" in markup(signed_in("an-admin", "admin").get(reverse("run-trace", args=[run.pk])))


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (lambda elsewhere, ticket: f"{elsewhere.pk}:refund:1", "action_not_found"),
        (lambda elsewhere, ticket: f"{ticket.pk}:refund:9", "action_not_found"),
        (lambda elsewhere, ticket: "", "invalid_arguments"),
    ],
)
def test_only_an_action_of_this_ticket_can_be_withdrawn(
    world: World, model: Script, key: Callable[[Ticket, Ticket], str], code: str
) -> None:
    _, elsewhere = waiting_refund(world, model)
    _, ticket = waiting_refund(world, model)
    another_message(ticket, TAKEN_BACK)
    model.will_say(
        triage(), uses("withdraw", {"action": key(elsewhere, ticket), "reason": "They want it."}), hands_over()
    )
    run_through(ticket)
    assert last_tool_result(model)["error"]["code"] == code
    assert [request_of(row).action.status for row in (elsewhere, ticket)] == ["awaiting_approval"] * 2


def test_a_decided_action_and_a_persons_reply_cannot_be_withdrawn(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    decided(ticket, lead)
    written = propose(ticket, "reply", {"text": "I have refunded $5.00.", "reason": "By hand."})
    assert written.status == states.AWAITING_APPROVAL
    another_message(ticket, TAKEN_BACK)
    model.will_say(triage())
    for action in (Action.objects.get(ticket=ticket, kind="refund"), written):
        model.will_say(uses("withdraw", {"action": action.idempotency_key, "reason": "They want it."}))
    model.will_say(hands_over())
    engine.advance(Run.objects.get(ticket=ticket, number=2).pk)
    codes = (
        Step.objects.filter(run__ticket=ticket, name="withdraw").order_by("index").values_list("error_code", flat=True)
    )
    assert list(codes) == ["already_decided", "not_yours"]
    assert len(world.refunds(order)) == 1


# --- what only a person may turn down -------------------------------------------------------------------


def test_a_blocked_wish_goes_to_a_person_with_its_reason(world: World, model: Script) -> None:
    put_rules(thresholds=[Threshold(kind="refund", currency="USD", auto_up_to=1, block_above=5_000)])
    order = world.order()
    ticket = ticket_of(order, "The bicycle was broken in transit.")
    model.will_say(triage(), calls(call("refund", refund_arguments(order, 9_172), 1), call("reply", LOOKING, 2)))
    run = run_through(ticket)
    assert (run.outcome, letters(world, ticket), world.refunds(order)) == ("with_person", [], [])
    state, reason = status(ticket)
    assert state == "needs_person"
    assert reason == (
        f"Refund of $91.72 for {order['order_id']} is blocked by policy: $91.72 is over the block limit of $50.00. "
        "It is broken."
    )
    page = markup(signed_in("maya").get(reverse("needs-a-person-ticket", args=[ticket.pk])))
    assert reason in page
    assert "2. refund" in page, "the step that ended the run, not the call after it"


def test_a_second_rejected_reply_brings_a_person(world: World, model: Script, lead: User) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage())
    for text, reason in (("Your refund is on its way.", "It is not."), ("I have refunded $5.00.", "Nor that.")):
        model.will_say(replies(text))
        run_through(ticket)
        request = request_of(ticket, "reply")
        decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason=reason)
    run = run_through(ticket)
    assert (run.outcome, letters(world, ticket)) == ("with_person", [])
    assert status(ticket) == ("needs_person", "2 replies of the agent were rejected. Nor that.")


# --- back in the queue ----------------------------------------------------------------------------------


def test_an_action_back_in_the_queue_shows_on_its_ticket(world: World, model: Script, settings: Any) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    ticket = ticket_of(order)
    world.faults("POST /refunds", "unavailable", times=1)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    assert run_through(ticket).status == "waiting"
    assert status(ticket)[0] == "working"
    world.simulator.faults()
    world.refund_elsewhere(order, 1_000)
    action = Action.objects.get(ticket=ticket)
    assert execution.execute(action.pk).status == states.AWAITING_APPROVAL
    assert status(ticket)[0] == "awaiting_approval"


def test_a_ticket_with_a_person_stays_there(world: World, model: Script, lead: User) -> None:
    _, ticket = waiting_refund(world, model)
    another_message(ticket, "I will sue you.")
    model.will_say(triage(), hands_over("They threaten to sue."))
    run_through(ticket)
    request = request_of(ticket)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    another_message(ticket, TAKEN_BACK, "further-2")
    Ticket.objects.filter(pk=ticket.pk).update(status="needs_person")
    assert execution.execute(request.action_id).status == states.AWAITING_APPROVAL
    assert status(ticket)[0] == "needs_person"
