"""Answers with several calls, in every mixture: each call leaves a step, and nothing runs past an open outcome."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from agentops.models import Step
from approvals import states
from approvals.decisions import decide, withdrawal
from approvals.decisions.decide import AlreadyDecided
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, Decision
from approvals.policy.rules import Threshold
from tests.completions import call, calls, hands_over, replies, triage, uses
from tests.integration.test_engine import another_message, status
from tests.integration.test_letters import NOTED, letters, request_of, run_all, waiting_refund
from tests.rows import one_after_the_other
from tests.scripted import Script
from tests.world import RULES, World, put_rules, refund_arguments, run_through, ticket_of
from tickets.models import Ticket

LARGE, SMALL = 8_400, 2_000
# An answer as a word for each call, then the steps that it leaves and what is refunded and said before any decision.
ANSWERS = [
    ("large reply", "large:waiting", [], 0),
    ("large large reply", "large:waiting", [], 0),
    ("order large reply hand_over", "order:done large:waiting", [], 0),
    ("small reply", "small:done reply:done", [SMALL], 1),
    ("small reply order", "small:done reply:done order:not_done", [SMALL], 1),
    ("reply large", "reply:done large:not_done", [], 1),
    ("reply reply", "reply:done reply:not_done", [], 1),
    ("hand_over small reply", "hand_over:done small:not_done reply:not_done", [], 0),
    ("nonsense small reply", "nonsense:unknown_tool small:done reply:done", [SMALL], 1),
    ("broken large reply", "broken:invalid_arguments large:waiting", [], 0),
    ("name small reply", "name:waiting", [], 0),
    ("withdraw reply small", "withdraw:action_not_found reply:done small:not_done", [], 1),
]


def made(word: str, order: dict[str, Any], number: int) -> dict[str, Any]:
    arguments: dict[str, tuple[str, Any]] = {
        "large": ("refund", refund_arguments(order, LARGE)),
        "small": ("refund", refund_arguments(order, SMALL)),
        "order": ("get_order", {"order_id": order["order_id"]}),
        "reply": ("reply", {"text": "Thank you for your message.", "reason": "Answers the customer."}),
        "hand_over": ("hand_over", {"reason": "They want a person."}),
        "nonsense": ("issue_store_credit", {"amount": 5}),
        "broken": ("refund", "{oops"),
        "name": ("change_account", {"name": "Kim Roe", "reason": "They married."}),
        "withdraw": ("withdraw", {"action": "none:refund:1", "reason": "They keep it."}),
    }
    name, given = arguments[word]
    return call(name, given, number)


@pytest.mark.parametrize(("answer", "left", "refunded", "sent"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_each_call_leaves_a_step_and_none_runs_past_an_open_outcome(
    world: World, model: Script, answer: str, left: str, refunded: list[int], sent: int
) -> None:
    order = world.order()
    ticket = ticket_of(order)
    words = answer.split()
    model.will_say(triage(), calls(*[made(word, order, number) for number, word in enumerate(words)]))
    run_through(ticket)
    steps = Step.objects.filter(run__ticket=ticket, kind="tool").order_by("index")
    found = [f"{word}:{step.error_code or step.status}" for word, step in zip(words, steps, strict=False)]
    assert found == left.split()
    assert [row["amount"] for row in world.refunds(order)] == refunded
    assert len(letters(world, ticket)) == sent


@pytest.mark.parametrize("answer", [row[0] for row in ANSWERS if row[1].endswith(":waiting")])
def test_the_rest_of_an_answer_is_never_taken_after_the_decision(
    world: World, model: Script, lead: User, answer: str
) -> None:
    order = world.order()
    ticket = ticket_of(order)
    words = answer.split()
    model.will_say(triage(), calls(*[made(word, order, number) for number, word in enumerate(words)]))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    model.will_say(replies("I am sorry, we can't do this."))
    assert run_through(ticket).outcome == "answered"
    steps = list(Step.objects.filter(run__ticket=ticket, kind="tool").order_by("index"))
    waited = next(number for number, step in enumerate(steps) if step.error_code == "rejected")
    rest = steps[waited + 1 : len(words)]
    assert [step.error_code for step in rest] == ["not_done"] * (len(words) - waited - 1)
    assert (world.refunds(order), letters(world, ticket)) == ([], ["I am sorry, we can't do this."])


# --- withdrawal -----------------------------------------------------------------------------------------


def test_one_answer_may_withdraw_and_reply(world: World, model: Script) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "Never mind, I keep it.")
    taken = {"action": f"{ticket.pk}:refund:1", "reason": "They keep it."}
    said = {"text": NOTED, "reason": "Confirms it."}
    model.will_say(triage(), calls(call("withdraw", taken, 1), call("reply", said, 2)))
    assert run_all(ticket) == [(1, "cancelled", ""), (2, "succeeded", "answered")]
    assert (letters(world, ticket), world.refunds(order)) == ([NOTED], [])


def test_a_reply_waits_for_what_was_not_withdrawn(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "And I am called Kim Roe now.", "further-1")
    model.will_say(triage(), uses("change_account", {"name": "Kim Roe", "reason": "They married."}))
    assert run_through(ticket).status == "waiting"
    another_message(ticket, "I keep the lamp.", "further-2")
    taken = {"action": f"{ticket.pk}:refund:1", "reason": "They keep it."}
    model.will_say(triage(), uses("withdraw", taken), replies(NOTED))
    assert run_through(ticket).status == "waiting"
    assert letters(world, ticket) == []
    request = request_of(ticket, "account_change")
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    execution.execute(request.action_id)
    model.will_say(replies("We have noted it all."))
    assert [row[1:] for row in run_all(ticket)] == [("cancelled", "")] * 2 + [("succeeded", "answered")]
    assert (letters(world, ticket), world.refunds(order)) == (["We have noted it all."], [])


def test_a_withdrawn_wish_can_be_wished_again(world: World, model: Script, lead: User) -> None:
    order, ticket = waiting_refund(world, model)
    another_message(ticket, "Never mind, I keep it.")
    taken = {"action": f"{ticket.pk}:refund:1", "reason": "They keep it."}
    model.will_say(triage(), uses("withdraw", taken), replies(NOTED))
    run_all(ticket)
    another_message(ticket, "I want the money after all.", "further-2")
    model.will_say(triage(), uses("refund", refund_arguments(order, LARGE, further=True)))
    run_all(ticket)
    again = request_of(ticket)
    assert again.action.idempotency_key == f"{ticket.pk}:refund:2"
    decide.approve(request_id=again.pk, by=lead, seen=decide.seen_now(again))
    execution.execute(again.action_id)
    assert [row["amount"] for row in world.refunds(order)] == [LARGE]


@pytest.mark.parametrize("withdrawn_first", [True, False])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_a_withdrawal_and_a_decision_at_once_are_one(
    world: World, model: Script, lead: User, withdrawn_first: bool, verdict: str
) -> None:
    order, ticket = waiting_refund(world, model)
    request = request_of(ticket)
    given = {"request_id": request.pk, "by": lead, "seen": decide.seen_now(request)}
    decisions = {"approve": lambda: decide.approve(**given), "reject": lambda: decide.reject(**given, reason="No.")}
    key = request.action.idempotency_key
    works = [
        lambda: withdrawal.withdraw(ticket_id=ticket.pk, key=key, reason="They keep it.", run_number=1),
        decisions[verdict],
    ]
    tickets = Ticket.objects.filter(pk=ticket.pk)
    answers = one_after_the_other(tickets, *(works if withdrawn_first else works[::-1]))
    first, second = answers
    if withdrawn_first:
        assert isinstance(first, Action)
        assert isinstance(second, AlreadyDecided)
        expected = states.WITHDRAWN
    else:
        assert isinstance(first, Decision)
        assert getattr(second, "code", "") == "already_decided"
        expected = states.SUCCEEDED if verdict == "approve" else states.REJECTED
    assert execution.execute(request.action_id).status == expected
    assert len(world.refunds(order)) == (expected == states.SUCCEEDED)


# --- blocked --------------------------------------------------------------------------------------------

CEILING = [row.model_copy(update={"auto_up_to": 100, "block_above": 1_000}) for row in RULES.thresholds]


@pytest.mark.parametrize(
    ("sort", "tool", "amount", "may_decline", "goes_to_a_person"),
    [
        ("plain", "refund", 1_001, [], True),
        ("plain", "refund", 10_000, [], True),
        ("euro", "refund", 5_000, [], True),
        ("yen", "refund", 8_400, [], True),
        ("dinar", "refund", 12_500, [], True),
        ("pending", "cancel_order", None, [], True),
        ("pending", "cancel_order", None, ["refund"], True),
        ("plain", "refund", 1_001, ["cancel_order"], True),
        ("plain", "refund", 1_001, ["refund"], False),
        ("pending", "cancel_order", None, ["refund", "cancel_order"], False),
    ],
)
def test_the_policy_says_who_turns_a_blocked_wish_down(
    world: World,
    model: Script,
    sort: str,
    tool: str,
    amount: int | None,
    may_decline: list[str],
    goes_to_a_person: bool,
) -> None:
    put_rules(thresholds=CEILING, agent_may_decline=may_decline)
    order = world.order(sort)
    ticket = ticket_of(order)
    given = {"order_id": order["order_id"], "reason": "It is broken."}
    model.will_say(triage(), uses(tool, given if amount is None else refund_arguments(order, amount)))
    if not goes_to_a_person:
        model.will_say(replies("I am sorry, we can't do this."))
    run_through(ticket)
    assert (status(ticket)[0], len(letters(world, ticket))) == (
        ("needs_person", 0) if goes_to_a_person else ("answered", 1)
    )
    assert (order["order_id"] in status(ticket)[1], "block limit" in status(ticket)[1]) == (goes_to_a_person,) * 2
    assert world.refunds(order) == []


def test_a_blocked_wish_that_is_repeated_goes_to_a_person_again(world: World, model: Script) -> None:
    put_rules(thresholds=[Threshold(kind="refund", currency="USD", auto_up_to=1, block_above=1_000)])
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, LARGE)))
    run_through(ticket)
    another_message(ticket, "Please!")
    model.will_say(triage(), uses("refund", refund_arguments(order, LARGE)))
    run_through(ticket)
    assert (status(ticket)[0], letters(world, ticket)) == ("needs_person", [])
    another_message(ticket, "Then give me a person.", "further-2")
    model.will_say(triage(), hands_over())
    run_through(ticket)
    assert status(ticket) == ("needs_person", "They want a person.")
