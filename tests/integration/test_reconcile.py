"""Unknown outcomes are looked up, and only an answer settles them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import override_settings
from pytest_django import Settings

from approvals import states
from approvals.decisions import decide
from approvals.effects import execution, lookup
from approvals.effects.kinds import KINDS
from approvals.effects.reservations import database_now
from approvals.models import Action, ApprovalRequest, Attempt, AuditEvent
from tests.scripted import Say, Script, scripted
from tests.world import World, at_once, propose, propose_refund, ticket_of
from tickets.models import Message, Ticket


def unresolved(world: World, endpoint: str, action: Action, *, happened: bool = True) -> Action:
    """Use up all attempts with server errors, so that the outcome is unknown."""
    world.faults(endpoint, "error_500_after" if happened else "error_500_before")
    with override_settings(RETRY_BASE_SECONDS=0.0):
        while action.status == states.APPROVED:
            action = execution.execute(action.pk)
    world.simulator.faults()
    assert action.status == states.UNRESOLVED
    return action


def unresolved_refund(world: World, *, happened: bool = True) -> tuple[dict[str, Any], Action]:
    order = world.order()
    return order, unresolved(world, "POST /refunds", propose_refund(order, 2_000), happened=happened)


def make_quiet(action: Action) -> None:
    """Move the last attempt far into the past."""
    long_ago = Now() - timedelta(seconds=lookup.QUIET_SECONDS + 60)
    Attempt.objects.filter(action=action).update(started_at=long_ago, finished_at=long_ago)


def test_an_effect_found_at_the_provider_is_succeeded(world: World) -> None:
    order, action = unresolved_refund(world)
    assert action.pk in lookup.due(1000)
    action = lookup.settle_by_lookup(action.pk)
    [row] = world.refunds(order)
    assert (action.status, Action.objects.get(pk=action.pk).provider_reference) == ("succeeded", row["refund_id"])
    assert AuditEvent.objects.filter(object_id=action.pk, verb="action.reconciled").count() == 1
    assert action.pk not in lookup.due(1000)


def test_an_effect_still_missing_after_a_while_is_failed(world: World) -> None:
    order, action = unresolved_refund(world, happened=False)
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.FAILED
    assert Action.objects.get(pk=action.pk).error_code == "never_happened"
    assert world.refunds(order) == []


def test_a_recent_attempt_may_still_arrive(world: World) -> None:
    _, action = unresolved_refund(world, happened=False)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED
    assert action.pk not in lookup.due(1000), "it is looked up again later"


@dataclass(frozen=True)
class SaysLate(Say):
    """An answer that takes so long that the quiet time of `action` is over when it arrives."""

    action: Action | None = None

    def encoded(self) -> bytes:
        assert self.action is not None
        make_quiet(self.action)
        connection.close()
        return super().encoded()


def test_an_absence_asked_for_within_the_quiet_time_proves_nothing(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    error = Say({"error": {"code": "internal", "message": "Oh."}}, 500, {"Idempotent-Replayed": "true"})
    payments.will_say(error, SaysLate({"refunds": [], "next_cursor": None}, action=action))
    execution.execute(action.pk)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED


def test_the_delay_between_look_ups_grows_with_time(world: World) -> None:
    _, action = unresolved_refund(world, happened=False)
    world.faults("GET /refunds", "error_500_before")
    last = Attempt.objects.filter(action=action)
    hour, day = 3600, 86_400
    for ago, pause in ((0, lookup.ASK_SOON_SECONDS), (20, 20), (50, 50), (hour, 60), (day, 1440), (7 * day, hour)):
        then = Now() - timedelta(seconds=ago)
        last.update(started_at=then, finished_at=then)
        lookup.settle_by_lookup(action.pk)
        action.refresh_from_db()
        assert action.not_before is not None
        assert abs((action.not_before - database_now()).total_seconds() - pause) < 5


def test_a_ticket_reports_an_outcome_unknown_after_approval(world: World) -> None:
    action = propose_refund(world.order(), 2_000)
    Ticket.objects.filter(pk=action.ticket_id).update(status=Ticket.Status.AWAITING_APPROVAL)
    unresolved(world, "POST /refunds", action)
    ticket = Ticket.objects.get(pk=action.ticket_id)
    assert (ticket.status, action.idempotency_key in ticket.reason) == (Ticket.Status.NEEDS_PERSON, True)


def test_a_refund_that_failed_at_the_provider_is_failed(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    error = Say({"error": {"code": "internal", "message": "Oh."}}, 500, {"Idempotent-Replayed": "true"})
    row = {**action.params, "refund_id": "re_9", "reference": action.idempotency_key, "status": "failed"}
    payments.will_say(error, Say({"refunds": [row], "next_cursor": None}))
    execution.execute(action.pk)
    assert lookup.settle_by_lookup(action.pk).status == states.FAILED
    assert Action.objects.get(pk=action.pk).error_code == "provider_failed"


@pytest.mark.parametrize(
    "answer",
    [
        Say({"error": {"code": "unavailable", "message": "Later."}}, 503),
        Say({"error": {"code": "unauthorized", "message": "Who?"}}, 401),
        Say({"refunds": None}),
        Say({"refunds": [{"refund_id": "re_9"}]}),
        Say(b"<html>"),
        Say([]),
    ],
    ids=["unavailable", "unauthorized", "no list", "other shape", "not JSON", "a list"],
)
def test_without_an_answer_it_stays_unresolved(world: World, payments: Script, answer: Say) -> None:
    action = propose_refund(world.order(), 2_000)
    error = Say({"error": {"code": "internal", "message": "Oh."}}, 500, {"Idempotent-Replayed": "true"})
    payments.will_say(error, answer)
    execution.execute(action.pk)
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED
    assert action.pk not in lookup.due(1000)


def test_another_refund_says_nothing_about_ours(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    error = Say({"error": {"code": "already_refunded", "message": "Was refunded."}}, 422)
    row = {**action.params, "refund_id": "re_9", "reference": "another:refund:1", "status": "succeeded"}
    payments.will_say(error, Say({"refunds": [row], "next_cursor": None}))
    execution.execute(action.pk)
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED


def test_a_cancellation_is_recognised_by_the_order(world: World) -> None:
    for happened, status in ((True, "succeeded"), (False, "failed")):
        order = world.order("pending")
        action = propose(ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Ordered twice."})
        action = unresolved(world, "POST /orders/{order_id}/cancel", action, happened=happened)
        make_quiet(action)
        assert lookup.settle_by_lookup(action.pk).status == status


def test_an_account_change_is_recognised_by_the_account(world: World, lead: User) -> None:
    for happened, status in ((True, "succeeded"), (False, "failed")):
        order = world.order()
        given = {"name": "Kim Roe", "address": {"city": "York"}, "reason": "They moved."}
        action = propose(ticket_of(order), "change_account", given)
        request = ApprovalRequest.objects.get(action=action)
        decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
        action.refresh_from_db()
        action = unresolved(world, "PATCH /customers/{customer_id}", action, happened=happened)
        make_quiet(action)
        assert lookup.settle_by_lookup(action.pk).status == status


def unknown_cancellation(world: World) -> Action:
    order = world.order("pending")
    action = propose(ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Ordered twice."})
    action = unresolved(world, "POST /orders/{order_id}/cancel", action, happened=False)
    make_quiet(action)
    return action


def unknown_change(world: World, lead: User, **wanted: Any) -> Action:
    action = propose(ticket_of(world.order()), "change_account", {**wanted, "reason": "They moved."})
    request = ApprovalRequest.objects.get(action=action)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    action.refresh_from_db()
    action = unresolved(world, "PATCH /customers/{customer_id}", action, happened=False)
    make_quiet(action)
    return action


NOT_FOUND = Say({"error": {"code": "not_found", "message": "None."}}, 404)


def test_a_missing_account_may_have_been_changed_before(world: World, lead: User, settings: Settings) -> None:
    for action in (unknown_cancellation(world), unknown_change(world, lead, name="Kim Roe")):
        with scripted(NOT_FOUND) as shop:
            settings.ORDERS_URL = shop.url
            asked = lookup.ask_provider(action.pk)
        settings.ORDERS_URL = world.simulator.url
        assert (asked.action.status, "no longer exists" in asked.message) == (states.UNRESOLVED, True)


@pytest.mark.parametrize(
    "now",
    [{"name": "Another"}, {"name": "Kim Roe"}, {"address": {"city": "York"}}],
    ids=["third", "half", "other half"],
)
def test_an_account_matching_neither_state_proves_nothing(
    world: World, lead: User, settings: Settings, now: dict[str, Any]
) -> None:
    action = unknown_change(world, lead, name="Kim Roe", address={"city": "York"})
    with scripted(Say({**action.snapshot, **now})) as shop:
        settings.ORDERS_URL = shop.url
        asked = lookup.ask_provider(action.pk)
    assert (asked.action.status, "neither the old nor the new values" in asked.message) == (states.UNRESOLVED, True)


def test_an_unrelated_account_change_does_not_hide_the_outcome(world: World, lead: User, settings: Settings) -> None:
    action = unknown_change(world, lead, name="Kim Roe")
    with scripted(Say({**action.snapshot, "address": {"city": "York"}})) as shop:
        settings.ORDERS_URL = shop.url
        asked = lookup.ask_provider(action.pk)
    assert (asked.action.status, asked.message) == (states.FAILED, KINDS["account_change"].never_happened)


def test_a_failed_look_up_result_names_what_was_checked(world: World) -> None:
    assert lookup.ask_provider(unknown_cancellation(world).pk).message == "The order isn't cancelled."


def test_a_reply_that_may_have_been_sent_needs_a_person(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    ticket = ticket_of(world.order())
    action = propose(ticket, "reply", {"text": "Hello.", "reason": "A greeting."}, run_id=1)
    world.faults("POST /replies", "error_500_before")
    while action.status == states.APPROVED:
        action = execution.execute(action.pk)
    assert action.status == states.UNRESOLVED
    assert action.pk not in lookup.due(1000)
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED
    assert not Message.objects.filter(ticket=ticket, direction="outbound").exists()
    # As an older release left it: it is asked about once more, and never again.
    Action.objects.filter(pk=action.pk).update(not_before=Now())
    assert action.pk in lookup.due(1000)
    lookup.settle_by_lookup(action.pk)
    assert action.pk not in lookup.due(1000)


def test_concurrent_look_ups_settle_once(world: World) -> None:
    _, action = unresolved_refund(world)
    answers = at_once(*[lambda: lookup.settle_by_lookup(action.pk)] * 4)
    assert {answer.status for answer in answers} == {"succeeded"}
    assert AuditEvent.objects.filter(object_id=action.pk, verb="action.reconciled").count() == 1


def test_a_resolved_action_is_left_alone(world: World) -> None:
    action = propose_refund(world.order(), 2_000)
    assert lookup.settle_by_lookup(action.pk).status == states.APPROVED
