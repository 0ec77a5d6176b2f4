"""No ticket is forgotten: whatever breaks, a person is notified or something is still in progress."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.models import Run
from agentops.runs import leasing, unseen
from agentops.worker import sweep
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution, lookup
from approvals.models import Action, ApprovalRequest, AuditEvent
from tests.completions import claims_a_refund_of, replies, triage, uses
from tests.integration.books import come_undone
from tests.integration.test_engine import another_message, status
from tests.interruptions import before_request, before_statement, fail_with
from tests.scripted import Say, Script, scripted
from tests.waiting import until
from tests.world import World, at_once, expires, propose, propose_refund, refund_arguments, run_through, ticket_of
from tickets.models import Ticket


@pytest.fixture
def ticket(world: World) -> Ticket:
    return ticket_of(world.order())


def raising(error: Exception) -> Callable[..., Any]:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    return broken


def end_run(ticket: Ticket, status: str = "succeeded") -> None:
    Run.objects.filter(ticket=ticket).update(status=status, finished_at=Now(), lease_expires_at=None)


def stands(ticket: Ticket, status: str) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(status=status)


def found() -> set[str]:
    return {*unseen.forgotten().values_list("pk", flat=True), *unseen.undecidable().values_list("ticket_id", flat=True)}


# --- the invariant --------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_ticket", ["open", "working", "awaiting_approval"])
@pytest.mark.parametrize("of_run", ["succeeded", "failed", "cancelled"])
def test_an_idle_ticket_is_found_and_given_to_a_person(
    ticket: Ticket, of_ticket: str, of_run: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert ticket.pk not in found(), "its run is queued"
    end_run(ticket, of_run)
    stands(ticket, of_ticket)
    assert ticket.pk in found()
    assert unseen.hand_over_unseen() >= 1
    assert status(ticket) == ("needs_person", unseen._REASON)
    event = AuditEvent.objects.get(verb="ticket.found_unseen", object_id=ticket.pk)
    assert event.before == {"status": of_ticket}
    assert f"ticket {ticket.pk} was overlooked" in caplog.text
    assert found() == set()
    assert unseen.hand_over_unseen() == 0


def test_a_ticket_without_a_run_is_found(ticket: Ticket) -> None:
    Run.objects.filter(ticket=ticket).delete()
    assert ticket.pk in found()


@pytest.mark.parametrize("of_ticket", ["answered", "closed", "needs_person"])
def test_a_finished_ticket_is_not_found(ticket: Ticket, of_ticket: str) -> None:
    end_run(ticket)
    stands(ticket, of_ticket)
    assert ticket.pk not in found()


def test_an_unsettled_action_keeps_a_ticket_in_progress(world: World) -> None:
    action = propose_refund(world.order(), 6_000)
    end_run(action.ticket)
    assert action.ticket_id not in found()


def test_an_abandoned_action_is_found(world: World) -> None:
    action = propose_refund(world.order(), 6_000)
    ApprovalRequest.objects.filter(action=action).update(closed_at=Now())
    assert action.ticket_id in found()
    unseen.hand_over_unseen()
    assert status(action.ticket) == ("needs_person", f"{action} awaits a decision, but no request is in the queue.")


def test_a_ticket_resumed_at_the_same_moment_is_left_alone(ticket: Ticket) -> None:
    end_run(ticket)
    another_message(ticket)
    assert unseen._hand_over(ticket.pk, unseen._REASON) is False
    assert status(ticket)[0] == "open"


def test_a_look_continues_where_the_last_one_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = [ticket_of(world.order()) for _ in range(5)]
    for ticket in idle:
        end_run(ticket)
        stands(ticket, "working")
    monkeypatch.setattr(unseen, "WINDOW", 2)
    assert [unseen.hand_over_unseen() for _ in range(4)] == [2, 2, 1, 0]
    stands(idle[0], "working")
    assert unseen.hand_over_unseen() == 1, "from the start again"


def test_one_failing_ticket_does_not_hide_the_others(world: World, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = (ticket_of(world.order()) for _ in range(2))
    for ticket in (bad, good):
        end_run(ticket)
        stands(ticket, "working")
    with before_statement("UPDATE tickets_ticket", given=bad.pk, act=fail_with(RuntimeError("poison"))):
        assert unseen.hand_over_unseen() == 1
    assert (status(good)[0], status(bad)[0]) == ("needs_person", "working")
    assert f"ticket {bad.pk} is overlooked and could not be handed" in caplog.text
    assert unseen.hand_over_unseen() == 1


def test_the_sweep_looks_for_forgotten_tickets(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unseen, "_checked_at", None)  # a sweep of an earlier test may have checked within the minute
    # No run of an earlier test is left for the sweep: its threads would work on it during the next test.
    Run.objects.update(status="succeeded", finished_at=Now(), lease_expires_at=None)
    stands(ticket, "working")
    sweep.start_sweeping()
    try:
        until(lambda: status(ticket)[0] == "needs_person")
    finally:
        sweep.stop_sweeping()


def test_a_running_run_without_a_lease_is_taken_over(ticket: Ticket) -> None:
    Run.objects.filter(ticket=ticket).update(status="running", lease_expires_at=None)
    assert Run.objects.get(ticket=ticket).pk in leasing.due(1000)


# --- each way in which a ticket could be forgotten -------------------------------------------------------


def test_an_undone_effect_is_not_hidden_by_a_later_answer(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    another_message(ticket)
    come_undone(Action.objects.get(ticket=ticket, kind="refund"))
    model.will_say(triage(), replies("Thank you for your message."))
    assert run_through(ticket).outcome == "answered"
    assert status(ticket)[0] == "needs_person"
    assert "failed later: The card was closed." in status(ticket)[1]


def test_a_further_message_does_not_take_it_from_the_person(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    come_undone(Action.objects.get(ticket=ticket, kind="refund"))
    another_message(ticket)
    assert status(ticket)[0] == "needs_person"
    end_run(ticket)
    execution.execute(decide.reply_by_hand(ticket=ticket, text="Which card shall we use?", by=lead).pk)
    assert status(ticket) == ("answered", ""), "a person handled it"


def test_a_persons_undelivered_reply_returns_to_people(world: World, lead: User, settings: Settings) -> None:
    ticket = ticket_of(world.order())
    end_run(ticket)
    stands(ticket, "answered")
    reply = decide.reply_by_hand(ticket=ticket, text="Have a nice day.", by=lead)
    with scripted(Say({"error": {"code": "unknown_recipient", "message": "No such address."}}, 422)) as desk:
        settings.REPLIES_URL = desk.url
        assert execution.execute(reply.pk).status == states.FAILED
    assert status(ticket)[0] == "needs_person"
    assert reply.idempotency_key in status(ticket)[1]


def test_a_persons_undelivered_reply_can_be_sent_again_unchanged(world: World, lead: User, settings: Settings) -> None:
    ticket = ticket_of(world.order())
    end_run(ticket)
    said = {"ticket": ticket, "text": "Have a nice day.", "by": lead}
    first = decide.reply_by_hand(**said)
    with scripted(Say({"error": {"code": "unknown_recipient", "message": "No such address."}}, 422)) as desk:
        settings.REPLIES_URL = desk.url
        assert execution.execute(first.pk).status == states.FAILED
    settings.REPLIES_URL = world.simulator.settings()["REPLIES_URL"]
    again = decide.reply_by_hand(**said)
    assert again.pk != first.pk
    assert execution.execute(again.pk).status == states.SUCCEEDED
    assert decide.reply_by_hand(**said).pk == again.pk, "a second click changes nothing"


def test_a_double_click_on_a_second_reply_sends_it_once(world: World, lead: User) -> None:
    ticket = ticket_of(world.order())
    end_run(ticket)
    assert execution.execute(decide.reply_by_hand(ticket=ticket, text="One moment.", by=lead).pk)
    clicked = at_once(*[lambda: decide.reply_by_hand(ticket=ticket, text="It is on its way.", by=lead)] * 4)
    assert not [answer for answer in clicked if isinstance(answer, Exception)], clicked
    assert len({action.pk for action in clicked}) == 1
    execution.execute(clicked[0].pk)
    assert [row["ticket_id"] for row in world.simulator.replies()].count(ticket.pk) == 2


def test_the_same_text_may_answer_a_further_message(world: World, lead: User) -> None:
    ticket = ticket_of(world.order())
    end_run(ticket)
    said = {"ticket": ticket, "text": "Thank you.", "by": lead}
    first = decide.reply_by_hand(**said)
    assert execution.execute(first.pk).status == states.SUCCEEDED
    another_message(ticket)
    Run.objects.filter(ticket=ticket).update(status="succeeded")
    again = decide.reply_by_hand(**said)
    assert again.pk != first.pk
    assert execution.execute(again.pk).status == states.SUCCEEDED


def test_a_persons_expired_reply_returns_to_people(world: World) -> None:
    ticket = ticket_of(world.order())
    end_run(ticket)
    reply = propose(ticket, "reply", {"text": "Your refund is on its way.", "reason": "By hand."})
    stands(ticket, "answered")
    expires(ApprovalRequest.objects.get(action=reply))
    assert status(ticket)[0] == "needs_person"


def test_a_reply_waits_for_an_action_without_a_run(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run_through(ticket)
    end_run(ticket, "failed")
    another_message(ticket)
    model.will_say(triage(), replies("We are looking into it."))
    run_through(ticket)
    assert status(ticket)[0] == "awaiting_approval"
    expires(ApprovalRequest.objects.get(action__ticket=ticket))
    assert ticket.pk not in found(), "a run continues"
    model.will_say(replies("Nobody could decide it in time."))
    assert run_through(ticket).outcome == "answered"
    sent = [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]
    assert sent == ["Nobody could decide it in time."]


@pytest.mark.parametrize("place", ["send", "keep"])
def test_a_bug_in_an_effect_does_not_loop_forever(world: World, place: str, caplog: pytest.LogCaptureFixture) -> None:
    order = world.order()
    action = propose_refund(order, 2_000)
    broken = {
        "send": before_request("/refunds", fail_with(TypeError("an answer that we did not expect"))),
        "keep": before_statement('UPDATE "approvals_action"', given="succeeded", act=fail_with(KeyError("refund_id"))),
    }
    with broken[place]:
        assert execution.execute(action.pk).status == states.UNRESOLVED
    assert status(action.ticket)[0] == "needs_person"
    assert "Bug in AgentOps" in Action.objects.get(pk=action.pk).error_message
    assert "attempt 1 failed with an internal error" in caplog.text
    if place == "keep":  # it had happened: the look-up by reference finds it, and nothing is sent twice
        assert lookup.settle_by_lookup(action.pk).status == states.SUCCEEDED
        assert len(world.refunds(order)) == 1


def test_a_lost_database_connection_is_not_a_bug_of_ours(world: World) -> None:
    action = propose_refund(world.order(), 2_000)
    gone = fail_with(OperationalError("gone"))
    with before_statement("SELECT", '"lease_expires_at" > ', act=gone), pytest.raises(OperationalError, match="gone"):
        execution.execute(action.pk)
    assert Action.objects.get(pk=action.pk).status == states.EXECUTING


def test_a_failing_look_up_does_not_delay_the_others(world: World) -> None:
    action = propose_refund(world.order(), 2_000)
    broken = fail_with(TypeError("odd"))
    with before_request("/refunds", broken):
        execution.execute(action.pk)
    Action.objects.filter(pk=action.pk).update(not_before=Now())
    with before_request("/refunds", broken, method="GET"), pytest.raises(TypeError, match="odd"):
        lookup.settle_by_lookup(action.pk)
    assert action.pk not in lookup.due(1000)
