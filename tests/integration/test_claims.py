"""A reply's claims: each names the action it is based on, and the text says no more than the claims."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from agentops.models import Run
from approvals.decisions import decide
from approvals.effects import execution, pauses, payload, stops
from approvals.effects.kinds.reply import ReplyArguments
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
    """Return the ticket's run after a 20.00 refund and then `then`, with the refund's key."""
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), *then)
    return ticket, run_through(ticket), f"{ticket.pk}:refund:1"


def reply_of(ticket: Ticket) -> Action:
    return Action.objects.get(ticket=ticket, kind="reply")


def test_a_claim_without_an_action_is_stored_with_the_match(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    (claim,) = reply_of(ticket).params["claims"]
    assert claim["action"] == f"{ticket.pk}:refund:1"
    assert status(ticket)[0] == "answered"


def test_the_model_gets_one_correction_for_incomplete_claims(world: World, model: Script) -> None:
    ticket, run, key = after_a_refund(world, model, replies(SAID), replies(SAID, claims=[{"kind": "refund"}]))
    error = run.steps.get(error_code="claims_incomplete").output["error"]
    assert "“I have refunded $20.00.” mentions a refund" in error["message"]
    assert [(row["action"], row["amount"]) for row in error["details"]["valid"]] == [(key, 2_000)]
    assert (run.outcome, reply_of(ticket).params["claims"]) == ("answered", [{"kind": "refund", "action": key}])


def test_repeated_undeclared_statements_go_to_a_person(world: World, model: Script) -> None:
    ticket, run, _ = after_a_refund(world, model, replies(SAID), replies(SAID))
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    assert (run.status, last_step(run).status) == ("waiting", "waiting")
    assert request.snapshot["ungrounded"] == [
        "“I have refunded $20.00.” mentions a refund, but the reply names no action for it."
    ]


def test_a_claim_about_another_tickets_action_lists_valid_ones(world: World, model: Script) -> None:
    elsewhere, _, foreign = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    claim = {"kind": "refund", "action": foreign}
    ticket, run, key = after_a_refund(world, model, replies(SAID, claims=[claim]), replies(SAID, claims=[claim]))
    assert f"but {foreign} did something else" in run.steps.get(error_code="claims_incomplete").error_message
    assert (run.status, status(ticket)[0]) == ("waiting", "awaiting_approval")
    assert (elsewhere.pk != ticket.pk, key != foreign) == (True, True)


@pytest.mark.parametrize("text", ["I have refunded $25.00.", "I have refunded $20.00 and cancelled your order."])
def test_a_false_claim_goes_to_a_person_without_a_correction(world: World, model: Script, text: str) -> None:
    ticket, run, _ = after_a_refund(world, model, replies(text, claims=[{"kind": "refund"}]))
    assert (run.status, status(ticket)[0]) == ("waiting", "awaiting_approval")
    assert not run.steps.filter(error_code="claims_incomplete").exists()


def test_a_partial_refund_called_full_goes_to_a_person(world: World, model: Script) -> None:
    ticket, _, key = after_a_refund(world, model, replies("You were refunded in full.", claims=[{"kind": "refund"}]))
    payments = world.now(Action.objects.get(idempotency_key=key).snapshot)["payments"]
    (effect,) = claims.succeeded_effects(ticket.pk)
    assert effect.captured == sum(payment["captured"] for payment in payments) > 2_000
    assert status(ticket)[0] == "awaiting_approval"


def test_the_tool_requires_the_action_of_each_claim() -> None:
    schema = ReplyArguments.model_json_schema()["$defs"]["Claim"]
    assert schema["required"] == ["kind", "action"]


def test_a_reply_with_claims_in_the_old_format_is_editable(world: World, model: Script, lead: User) -> None:
    put_rules(replies_need_approval=True)
    ticket, _, _ = after_a_refund(world, model, replies("Thank you."))
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    action = request.action
    action.params = {**action.params, "claims": [{"kind": "refund", "amount": 2_000, "currency": "USD"}]}
    digest = payload.action_digest(action)
    Action.objects.filter(pk=action.pk).update(params=action.params, digest=digest)
    ApprovalRequest.objects.filter(pk=request.pk).update(digest=digest)
    decide.edit(
        request_id=request.pk,
        by=lead,
        seen=replace(decide.seen_now(request), digest=digest),
        changes={"text": "Many thanks."},
    )
    execution.execute(request.action_id)
    assert (reply_of(ticket).status, reply_of(ticket).params["text"]) == ("succeeded", "Many thanks.")


def test_a_persons_reply_is_checked_without_declared_claims(world: World, model: Script, lead: User) -> None:
    ticket, _, _ = after_a_refund(world, model, replies("Hello.", claims=[]))
    true = decide.reply_by_hand(ticket=ticket, text=SAID, by=lead)
    untrue = decide.reply_by_hand(ticket=ticket, text="I have refunded $25.00.", by=lead)
    assert (len(true.facts["ungrounded"]), len(untrue.facts["ungrounded"])) == (0, 1)


# --- an order's status ----------------------------------------------------------------------------------


def test_a_reply_may_say_that_the_shop_cancelled_an_order(world: World, model: Script) -> None:
    order = world.order("cancelled")
    ticket = ticket_of(order)
    model.will_say(triage(), replies(f"Order {order['order_id']} is cancelled."))
    run_through(ticket)
    assert status(ticket)[0] == "answered"


@pytest.mark.parametrize("sort", ["pending", "foreign", "away"])
def test_it_goes_to_a_person_if_the_shop_disagrees(world: World, model: Script, sort: str) -> None:
    order = world.order("pending" if sort == "pending" else "cancelled")
    ticket = ticket_of(world.order() if sort == "foreign" else order)
    if sort == "away":
        world.faults("GET /orders/{order_id}", "unavailable")
    model.will_say(triage(), replies(f"Order {order['order_id']} is cancelled."))
    run_through(ticket)
    assert status(ticket)[0] == "awaiting_approval"


# --- effects undone while a reply waits ------------------------------------------------------------------


def comes_undone(ticket: Ticket) -> None:
    come_undone(Action.objects.get(ticket=ticket, kind="refund"))


def received(world: World, ticket: Ticket) -> list[str]:
    return [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]


def waiting_reply(world: World, model: Script) -> tuple[Ticket, ApprovalRequest]:
    """Return a true reply that waits for a person, because the policy requires review of every reply."""
    put_rules(replies_need_approval=True)
    ticket, _, _ = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    return ticket, ApprovalRequest.objects.get(action=reply_of(ticket))


@pytest.mark.parametrize("kept", ["unavailable", "paused", "stopped"])
def test_a_reply_whose_refund_fails_before_sending_needs_a_person(
    world: World, model: Script, lead: User, kept: str
) -> None:
    if kept == "unavailable":
        world.faults("POST /replies", "unavailable")
    elif kept == "paused":
        pauses.pause_provider("replies", "The key was refused.")
    else:
        stops.stop_kind(kind="reply", reason="For a test.", by=lead)
    ticket, _, _ = after_a_refund(world, model, replies(SAID, claims=[{"kind": "refund"}]))
    assert reply_of(ticket).status == "approved"
    comes_undone(ticket)
    world.simulator.faults()
    pauses.resume_provider("replies", by="lead")
    for stop in stops.active_stops():
        stops.resume_stopped(stop_id=stop.pk, by=lead)
    Action.objects.filter(ticket=ticket, kind="reply").update(not_before=None)
    assert execution.execute(reply_of(ticket).pk).status == "awaiting_approval"
    assert received(world, ticket) == []
    request = ApprovalRequest.objects.get(action=reply_of(ticket))
    (change,) = request.changes
    assert change["field"] == "verified claims"
    assert f"“{SAID}” mentions a refund, but the reply names no action for it." in change["after"]
    assert request.snapshot["ungrounded"][0].startswith(
        "The reply says money was refunded, but there is no such refund"
    )


def test_the_approver_first_sees_effects_undone_since(world: World, model: Script, lead: User) -> None:
    ticket, request = waiting_reply(world, model)
    comes_undone(ticket)
    with pytest.raises(decide.ChangedSinceShown) as caught:
        decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    assert len(caught.value.request.snapshot["ungrounded"]) == 2
    assert reply_of(ticket).status == "awaiting_approval"
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    assert execution.execute(request.action_id).status == "succeeded", "the person saw it"


def test_an_effect_undone_after_approval_reopens_the_request(world: World, model: Script, lead: User) -> None:
    ticket, request = waiting_reply(world, model)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    comes_undone(ticket)
    assert execution.execute(request.action_id).status == "awaiting_approval"
    assert received(world, ticket) == []


def test_an_edited_reply_may_be_sent_despite_unfounded_claims(world: World, model: Script, lead: User) -> None:
    ticket, request = waiting_reply(world, model)
    changes = {"text": "I have refunded $20.00. Your order was cancelled."}
    decide.edit(request_id=request.pk, by=lead, seen=decide.seen_now(request), changes=changes)
    assert execution.execute(request.action_id).status == "succeeded"
    assert received(world, ticket) == [changes["text"]]


def test_a_persons_own_reply_is_sent_despite_undone_effects(world: World, model: Script, lead: User) -> None:
    ticket, _, _ = after_a_refund(world, model, replies("Hello.", claims=[]))
    action = decide.reply_by_hand(ticket=ticket, text=SAID, by=lead)
    comes_undone(ticket)
    assert execution.execute(action.pk).status == "succeeded"
