"""Nothing is decided or sent past the ticket's last word: the decision, the claim, and the agent's own proposals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from approvals import states
from approvals.decisions import decide
from approvals.decisions.decide import Seen
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, AuditEvent, Decision
from tests.integration.history_rows import signed_in
from tests.integration.test_engine import another_message
from tests.rows import one_after_the_other
from tests.screen import card_fields, markup
from tests.world import World, propose, propose_refund, refund_arguments, ticket_of
from tickets import incoming, intake
from tickets.models import Message, Ticket

STOP = "Please stop, do not refund it. I keep the lamp."
Decide = Callable[[ApprovalRequest, User, Seen], Decision]


def approve(request: ApprovalRequest, by: User, seen: Seen) -> Decision:
    return decide.approve(request_id=request.pk, by=by, seen=seen)


def edit(request: ApprovalRequest, by: User, seen: Seen) -> Decision:
    return decide.edit(request_id=request.pk, by=by, seen=seen, changes={"amount": 2_500})


def reject(request: ApprovalRequest, by: User, seen: Seen) -> Decision:
    return decide.reject(request_id=request.pk, by=by, seen=seen, reason="It was worn.")


DECISIONS = pytest.mark.parametrize("decision", [approve, edit, reject])


@pytest.fixture
def maya(live_database: str) -> Client:
    return signed_in("maya")


def waiting(world: World, amount: int = 6_000) -> tuple[dict[str, Any], ApprovalRequest]:
    order = world.order()
    action = propose_refund(order, amount)
    return order, ApprovalRequest.objects.select_related("action__ticket").get(action=action)


def status(request: ApprovalRequest) -> tuple[str, str]:
    action = Action.objects.select_related("ticket").get(pk=request.action_id)
    return action.status, action.ticket.status


def we_reply(ticket: Ticket) -> None:
    """A reply of ours reaches the customer."""
    Message.objects.create(ticket=ticket, direction="outbound", external_id=f"{ticket.pk}:reply:9", body="One moment.")


def out_of_office(ticket: Ticket, external_id: str) -> None:
    said = {"external_id": external_id, "body": "I am out of office.", "auto_submitted": "auto-replied"}
    intake.receive_message(ticket.pk, incoming.NewMessage(ticket_id=ticket.pk, **said))


# --- the decision ---------------------------------------------------------------------------------------


@DECISIONS
def test_a_decision_without_the_newest_message_is_refused(world: World, lead: User, decision: Decide) -> None:
    order, request = waiting(world)
    seen = decide.seen_now(request)
    another_message(request.action.ticket, STOP)
    with pytest.raises(decide.WrittenSinceShown):
        decision(request, lead, seen)
    assert status(request)[0] == states.AWAITING_APPROVAL
    assert not Decision.objects.filter(request=request).exists()
    decision(request, lead, decide.seen_now(request))
    execution.execute(request.action_id)
    assert [row["amount"] for row in world.refunds(order)] == {approve: [6_000], edit: [2_500], reject: []}[decision]


@DECISIONS
def test_our_own_later_reply_must_be_read_too(world: World, lead: User, decision: Decide) -> None:
    _, request = waiting(world)
    seen = decide.seen_now(request)
    we_reply(request.action.ticket)
    with pytest.raises(decide.WrittenSinceShown):
        decision(request, lead, seen)
    assert not Decision.objects.filter(request=request).exists()


@pytest.mark.parametrize("through_message", [0, 10**12])
@DECISIONS
def test_a_message_that_is_not_the_newest_is_refused(
    world: World, lead: User, decision: Decide, through_message: int
) -> None:
    _, request = waiting(world)
    with pytest.raises(decide.WrittenSinceShown):
        decision(request, lead, Seen(request.digest, through_message))
    assert not Decision.objects.filter(request=request).exists()


def test_another_tickets_messages_do_not_matter(world: World, lead: User) -> None:
    order, request = waiting(world)
    seen = decide.seen_now(request)
    ticket_of(order, "And another thing.")
    approve(request, lead, seen)
    assert execution.execute(request.action_id).status == states.SUCCEEDED


def test_the_decision_and_its_audit_keep_what_was_read(world: World, lead: User) -> None:
    _, request = waiting(world)
    seen = decide.seen_now(request)
    approve(request, lead, seen)
    assert Decision.objects.get(request=request).through_message == seen.through_message
    event = AuditEvent.objects.get(object_id=request.action_id, verb="action.approved")
    assert (
        event.after["through_message"]
        == seen.through_message
        == Action.objects.get(pk=request.action_id).through_message
    )


@pytest.mark.parametrize("message_first", [True, False])
def test_a_decision_and_a_message_have_an_order(world: World, lead: User, message_first: bool) -> None:
    order, request = waiting(world)
    ticket, seen = request.action.ticket, decide.seen_now(request)
    works = [lambda: another_message(ticket, STOP), lambda: approve(request, lead, seen)]
    answers = one_after_the_other(Ticket.objects.filter(pk=ticket.pk), *(works if message_first else works[::-1]))
    decided = answers[1] if message_first else answers[0]
    assert isinstance(decided, decide.WrittenSinceShown if message_first else Decision)
    execution.execute(request.action_id)
    assert (world.refunds(order), status(request)[0]) == ([], states.AWAITING_APPROVAL)


# --- the form -------------------------------------------------------------------------------------------

BUTTONS = pytest.mark.parametrize(
    ("button", "typed"),
    [
        ("approve", {}),
        ("edit", {"edit-amount": "25.00", "edit-reason": "Half of it."}),
        ("reject", {"reason": "Worn out."}),
    ],
)


def press(client: Client, request: ApprovalRequest, button: str, fields: dict[str, str]) -> Any:
    return client.post(reverse(f"queue-{button}", args=[request.pk]), fields)


@BUTTONS
def test_the_new_words_are_shown_and_what_was_typed_is_kept(
    maya: Client, world: World, button: str, typed: dict[str, str]
) -> None:
    order, request = waiting(world)
    kept = card_fields(request)
    another_message(request.action.ticket, STOP)
    answer = press(maya, request, button, {**kept, **typed})
    page = markup(answer)
    assert answer.status_code == 409
    assert "the customer has written since you opened this request" in page
    assert STOP in page
    assert all(text in page for text in typed.values())
    assert status(request)[0] == states.AWAITING_APPROVAL
    assert press(maya, request, button, {**card_fields(request), **typed}).status_code == 302
    execution.execute(request.action_id)
    assert [row["amount"] for row in world.refunds(order)] == {"approve": [6_000], "edit": [2_500], "reject": []}[
        button
    ]


@pytest.mark.parametrize("value", [None, "", "x", "-1", "9" * 30])
@pytest.mark.parametrize("missing", ["digest", "through_message", "seen"])
@BUTTONS
def test_a_form_that_does_not_say_what_was_seen_is_refused(
    maya: Client, world: World, button: str, typed: dict[str, str], missing: str, value: str | None
) -> None:
    missing = "digest" if button == "reject" and missing == "seen" else missing  # it doesn't depend on the order
    order, request = waiting(world)
    fields = {**card_fields(request), **typed}
    del fields[missing]
    answer = press(maya, request, button, {**fields, **({} if value is None else {missing: value})})
    assert answer.status_code == 409
    assert "Your decision was not applied" in markup(answer)
    assert all(text in markup(answer) for text in typed.values())
    assert (status(request)[0], world.refunds(order)) == (states.AWAITING_APPROVAL, [])


def test_card_and_row_mark_what_is_newer(maya: Client, world: World) -> None:
    _, request = waiting(world)
    query = {"q": request.action.order_id}
    assert "Customer wrote since" not in markup(maya.get(reverse("queue"), query))
    another_message(request.action.ticket, STOP)
    we_reply(request.action.ticket)
    assert "Customer wrote since" in markup(maya.get(reverse("queue"), query))
    card = markup(maya.get(reverse("queue-item", args=[request.pk])))
    assert "The customer has written since" in card
    assert card.count(STOP) == 2, "in the notice and in the conversation"
    assert "One moment." in card, "our own reply"


def test_our_own_reply_is_not_marked_as_the_customers(maya: Client, world: World) -> None:
    _, request = waiting(world)
    we_reply(request.action.ticket)
    assert "Customer wrote since" not in markup(maya.get(reverse("queue"), {"q": request.action.order_id}))
    assert "The customer has written since" not in markup(maya.get(reverse("queue-item", args=[request.pk])))


# --- the claim ------------------------------------------------------------------------------------------


def test_a_message_after_the_approval_sends_the_action_back(maya: Client, world: World, lead: User) -> None:
    order, request = waiting(world)
    approve(request, lead, decide.seen_now(request))
    another_message(request.action.ticket, STOP)
    assert execution.execute(request.action_id).status == states.AWAITING_APPROVAL
    assert world.refunds(order) == []
    assert status(request) == (states.AWAITING_APPROVAL, "awaiting_approval")
    again = ApprovalRequest.objects.get(action=request.action_id, closed_at=None)
    event = AuditEvent.objects.get(object_id=request.action_id, verb="action.customer_wrote")
    assert (event.before["status"], event.after["status"]) == ("approved", "awaiting_approval")
    card = markup(maya.get(reverse("queue-item", args=[again.pk])))
    assert "Approved by lead" in card
    assert STOP in card
    assert "Sent back to the queue" in markup(maya.get(reverse("action", args=[request.action_id])))

    approve(again, lead, decide.seen_now(again))
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert [row["amount"] for row in world.refunds(order)] == [6_000]
    assert Action.objects.get(pk=request.action_id).attempts.count() == 1


@pytest.mark.parametrize("message_first", [True, False])
def test_a_claim_and_a_message_have_an_order(world: World, lead: User, message_first: bool) -> None:
    order, request = waiting(world)
    approve(request, lead, decide.seen_now(request))
    ticket = request.action.ticket
    works = [lambda: another_message(ticket, STOP), lambda: execution.execute(request.action_id)]
    answers = one_after_the_other(Ticket.objects.filter(pk=ticket.pk), *(works if message_first else works[::-1]))
    assert [type(answer).__name__ for answer in answers] == (
        ["Message", "Action"] if message_first else ["Action", "Message"]
    )
    assert len(world.refunds(order)) == (0 if message_first else 1)


def test_an_out_of_office_answer_is_read_and_holds_nothing_back(maya: Client, world: World, lead: User) -> None:
    order, request = waiting(world)
    seen = decide.seen_now(request)
    out_of_office(request.action.ticket, "away-1")
    assert "Customer wrote since" not in markup(maya.get(reverse("queue"), {"q": request.action.order_id}))
    with pytest.raises(decide.WrittenSinceShown):
        approve(request, lead, seen)
    approve(request, lead, decide.seen_now(request))
    out_of_office(request.action.ticket, "away-2")
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_our_own_reply_after_the_approval_changes_nothing(world: World, lead: User) -> None:
    order, request = waiting(world)
    approve(request, lead, decide.seen_now(request))
    we_reply(request.action.ticket)
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_a_message_during_the_backoff_sends_an_automatic_refund_back(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    action = propose_refund(order, 2_000)
    world.faults("POST /refunds", "unavailable")
    assert execution.execute(action.pk).status == states.APPROVED
    another_message(action.ticket, STOP)
    world.simulator.faults()
    assert execution.execute(action.pk).status == states.AWAITING_APPROVAL
    assert world.refunds(order) == []


def test_a_refund_that_may_have_been_sent_does_not_go_back(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    order = world.order()
    action = propose_refund(order, 2_000)
    world.faults("POST /refunds", "lost_answer", times=1)
    assert execution.execute(action.pk).status == states.APPROVED
    another_message(action.ticket, STOP)
    assert execution.execute(action.pk).status == states.SUCCEEDED, "the first request had arrived"
    assert len(world.refunds(order)) == 1


def test_an_approved_reply_goes_back_and_a_written_one_does_not(world: World, lead: User) -> None:
    ticket = ticket_of(world.order())
    given = {"text": "Your refund is on its way.", "reason": "Tells them."}
    request = ApprovalRequest.objects.get(action=propose(ticket, "reply", given, run_id=1))
    approve(request, lead, decide.seen_now(request))
    another_message(ticket, STOP)
    assert execution.execute(request.action_id).status == states.AWAITING_APPROVAL
    own = decide.reply_by_hand(ticket=ticket, text="Very well.", by=lead)
    another_message(ticket, "Thank you.", "further-2")
    assert execution.execute(own.pk).status == states.SUCCEEDED


# --- the agent's own proposals --------------------------------------------------------------------------


def test_the_agent_does_not_refund_past_a_message_that_it_has_not_read(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    another_message(ticket, STOP)
    action = propose(
        ticket, "refund", refund_arguments(order, 2_000), run_id=1, through_message=ticket.messages.earliest("pk").pk
    )
    assert action.status == states.AWAITING_APPROVAL
    assert [reason["code"] for reason in action.reasons] == ["customer_wrote_since"]
    execution.execute(action.pk)
    assert world.refunds(order) == []


def test_an_action_of_an_earlier_release_is_not_held_back(world: World, lead: User) -> None:
    """Its approval by a process of that release, during the upgrade, names no message."""
    order, request = waiting(world)
    approve(request, lead, decide.seen_now(request))
    Action.objects.filter(pk=request.action_id).update(through_message=None, approved_at=Now())
    another_message(request.action.ticket, STOP)
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1
