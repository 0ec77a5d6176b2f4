"""A reply's claims: each names the action that it rests on, and the text says no more than they do."""

import pytest
from django.contrib.auth.models import User

from agentops.models import Run
from approvals import kinds
from approvals.decisions import decide
from approvals.effects import execution, pauses, payload, stops
from approvals.grounding import claims
from approvals.models import Action, ApprovalRequest
from tests.completions import claims_a_refund_of, replies, triage, uses
from tests.integration.books import come_undone
from tests.integration.test_engine import last_step, status
from tests.scripted import Script
from tests.world import World, put_rules, refund_arguments, run_through, ticket_of
from tickets.models import Ticket

SAID = "I have refunded $20.00."


def after_a_refund(world: World, model: Script, *then: object) -> tuple[Ticket, Run, str]:
    """The ticket's run that refunded 20.00 and then said `then`; with the refund's key."""
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), *then)  # type: ignore[arg-type]
    return ticket, run_through(ticket), f"{ticket.pk}:refund:1"


def reply_of(ticket: Ticket) -> Action:
    return Action.objects.get(ticket=ticket, kind="reply")


def test_a_claim_without_its_action_is_kept_with_the_one_that_fits(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    (claim,) = reply_of(ticket).params["claims"]
    assert claim["action"] == f"{ticket.pk}:refund:1"
    assert status(ticket)[0] == "answered"


def test_the_model_is_told_once_what_its_claims_lack(world: World, model: Script) -> None:
    ticket, run, key = after_a_refund(world, model, replies(SAID), replies(SAID, claims=[{"kind": "refund"}]))
    error = run.steps.get(error_code="claims_incomplete").output["error"]
    assert "“I have refunded $20.00.” mentions a refund" in error["message"]
    assert [(row["action"], row["amount"]) for row in error["details"]["valid"]] == [(key, 2_000)]
    assert (run.outcome, reply_of(ticket).params["claims"]) == ("answered", [{"kind": "refund", "action": key}])


def test_what_is_said_beyond_the_claims_again_is_read_by_a_person(world: World, model: Script) -> None:
    ticket, run, _ = after_a_refund(world, model, replies(SAID), replies(SAID))
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    assert (run.status, last_step(run).status) == ("waiting", "waiting")
    assert request.snapshot["ungrounded"] == [
        "“I have refunded $20.00.” mentions a refund, but the reply names no action for it."
    ]


def test_a_claim_on_another_tickets_action_is_told_what_would_be_valid(world: World, model: Script) -> None:
    elsewhere, _, foreign = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    claim = {"kind": "refund", "action": foreign}
    ticket, run, key = after_a_refund(world, model, replies(SAID, claims=[claim]), replies(SAID, claims=[claim]))
    assert f"but {foreign} did something else" in run.steps.get(error_code="claims_incomplete").error_message
    assert (run.status, status(ticket)[0]) == ("waiting", "awaiting_approval")
    assert (elsewhere.pk != ticket.pk, key != foreign) == (True, True)


@pytest.mark.parametrize("text", ["I have refunded $25.00.", "I have refunded $20.00 and cancelled your order."])
def test_what_did_not_happen_is_not_for_the_model_to_word_anew(world: World, model: Script, text: str) -> None:
    ticket, run, _ = after_a_refund(world, model, replies(text, claims=[{"kind": "refund"}]))
    assert (run.status, status(ticket)[0]) == ("waiting", "awaiting_approval")
    assert not run.steps.filter(error_code="claims_incomplete").exists()


def test_a_refund_of_a_part_that_is_told_as_one_in_full_is_read_by_a_person(world: World, model: Script) -> None:
    ticket, _, key = after_a_refund(world, model, replies("You were refunded in full.", claims=[{"kind": "refund"}]))
    payments = world.now(Action.objects.get(idempotency_key=key).snapshot)["payments"]
    (effect,) = claims.effects(ticket.pk)
    assert effect.captured == sum(payment["captured"] for payment in payments) > 2_000
    assert status(ticket)[0] == "awaiting_approval"


def test_the_tool_asks_for_the_action_of_each_claim() -> None:
    schema = kinds.ReplyArguments.model_json_schema()["$defs"]["Claim"]
    assert schema["required"] == ["kind", "action"]


def test_a_reply_from_before_claims_named_actions_can_still_be_edited(world: World, model: Script, lead: User) -> None:
    put_rules(replies_need_approval=True)
    ticket, _, _ = after_a_refund(world, model, replies("Thank you."))
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    action = request.action
    action.params = {**action.params, "claims": [{"kind": "refund", "amount": 2_000, "currency": "USD"}]}
    digest = payload.digest_of(action)
    Action.objects.filter(pk=action.pk).update(params=action.params, digest=digest)
    ApprovalRequest.objects.filter(pk=request.pk).update(digest=digest)
    decide.edit(request_id=request.pk, by=lead, digest=digest, changes={"text": "Many thanks."})
    execution.execute(request.action_id)
    assert (reply_of(ticket).status, reply_of(ticket).params["text"]) == ("succeeded", "Many thanks.")


def test_a_person_s_own_words_declare_no_claims_and_are_held_against_what_happened(
    world: World, model: Script, lead: User
) -> None:
    ticket, _, _ = after_a_refund(world, model, replies("Hello.", claims=[]))
    true = decide.reply_by_hand(ticket=ticket, text=SAID, by=lead)
    untrue = decide.reply_by_hand(ticket=ticket, text="I have refunded $25.00.", by=lead)
    assert (len(true.facts["ungrounded"]), len(untrue.facts["ungrounded"])) == (0, 1)


# --- where an order stands ------------------------------------------------------------------------------


def test_that_an_order_is_cancelled_is_told_where_the_shop_says_so(world: World, model: Script) -> None:
    order = world.order("cancelled")
    ticket = ticket_of(order)
    model.will_say(triage(), replies(f"Order {order['order_id']} is cancelled."))
    run_through(ticket)
    assert status(ticket)[0] == "answered"


@pytest.mark.parametrize("sort", ["pending", "foreign", "away"])
def test_it_is_read_by_a_person_where_the_shop_does_not(world: World, model: Script, sort: str) -> None:
    order = world.order("pending" if sort == "pending" else "cancelled")
    ticket = ticket_of(world.order() if sort == "foreign" else order)
    if sort == "away":
        world.faults("GET /orders/{order_id}", "unavailable")
    model.will_say(triage(), replies(f"Order {order['order_id']} is cancelled."))
    run_through(ticket)
    assert status(ticket)[0] == "awaiting_approval"


# --- what comes undone while a reply waits ---------------------------------------------------------------


def comes_undone(ticket: Ticket) -> None:
    come_undone(Action.objects.get(ticket=ticket, kind="refund"))


def received(world: World, ticket: Ticket) -> list[str]:
    return [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]


def waiting_reply(world: World, model: Script) -> tuple[Ticket, ApprovalRequest]:
    """A true reply that waits for a person, since the policy has one read every reply."""
    put_rules(replies_need_approval=True)
    ticket, _, _ = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    return ticket, ApprovalRequest.objects.get(action=reply_of(ticket))


@pytest.mark.parametrize("kept", ["unavailable", "paused", "stopped"])
def test_a_reply_whose_refund_fails_before_it_is_sent_goes_to_a_person(
    world: World, model: Script, lead: User, kept: str
) -> None:
    if kept == "unavailable":
        world.faults("POST /replies", "unavailable")
    elif kept == "paused":
        pauses.pause("replies", "The key was refused.")
    else:
        stops.stop(kind="reply", reason="For a test.", by=lead)
    ticket, _, _ = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    assert reply_of(ticket).status == "approved"
    comes_undone(ticket)
    world.simulator.faults()
    pauses.resume("replies", by="lead")
    for stop in stops.in_force():
        stops.release(stop_id=stop.pk, by=lead)
    Action.objects.filter(ticket=ticket, kind="reply").update(not_before=None)
    assert execution.execute(reply_of(ticket).pk).status == "awaiting_approval"
    assert received(world, ticket) == []
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    (change,) = request.changes
    assert change["field"] == "what it rests on"
    assert f"“{SAID}” mentions a refund, but the reply names no action for it." in change["after"]
    assert request.snapshot["ungrounded"][0].startswith(
        "The reply says money was refunded, but there is no such refund"
    )


def test_who_approves_a_reply_is_told_first_what_came_undone_since(world: World, model: Script, lead: User) -> None:
    ticket, request = waiting_reply(world, model)
    comes_undone(ticket)
    with pytest.raises(decide.ChangedSinceShown) as caught:
        decide.approve(request_id=request.pk, by=lead, digest=request.digest)
    assert len(caught.value.request.snapshot["ungrounded"]) == 2
    assert reply_of(ticket).status == "awaiting_approval"
    decide.approve(request_id=request.pk, by=lead, digest=request.digest)
    assert execution.execute(request.action_id).status == "succeeded", "the person knew"


def test_what_comes_undone_after_a_person_approved_goes_back_to_people(world: World, model: Script, lead: User) -> None:
    ticket, request = waiting_reply(world, model)
    decide.approve(request_id=request.pk, by=lead, digest=request.digest)
    comes_undone(ticket)
    assert execution.execute(request.action_id).status == "awaiting_approval"
    assert received(world, ticket) == []


def test_what_a_person_rewrote_is_sent_though_it_has_no_ground_as_long_as_that_is_all(
    world: World, model: Script, lead: User
) -> None:
    ticket, request = waiting_reply(world, model)
    changes = {"text": "I have refunded $20.00. Your order was cancelled."}
    decide.edit(request_id=request.pk, by=lead, digest=request.digest, changes=changes)
    assert execution.execute(request.action_id).status == "succeeded"
    assert received(world, ticket) == [changes["text"]]


def test_what_a_person_wrote_is_sent_whatever_comes_undone(world: World, model: Script, lead: User) -> None:
    ticket, _, _ = after_a_refund(world, model, replies("Hello.", claims=[]))
    action = decide.reply_by_hand(ticket=ticket, text=SAID, by=lead)
    comes_undone(ticket)
    assert execution.execute(action.pk).status == "succeeded"
