"""One attempt after another (docs/design.md, 5.4, 5.6, 5.7 and 8): the answer, and the action's resulting state."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.lib import retry
from agentops.lib.errors import ReplayedFailure
from approvals import states, transitions
from approvals.decisions import decide
from approvals.effects import execution, lookup, pauses
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, Attempt, AuditEvent
from tests.integration.books import theirs
from tests.interruptions import before_request
from tests.scripted import CUT, Say, Script, scripted
from tests.waiting import until
from tests.world import World, at_once, propose, propose_refund, ticket_of
from tickets.models import Message, Ticket


def approved(world: World, amount: int = 2_000, sort: str = "plain") -> tuple[dict[str, Any], Action]:
    order = world.order(sort)
    action = propose_refund(order, amount)
    assert action.status == states.APPROVED
    return order, action


def again(action: Action) -> Action:
    """Make the next attempt as soon as it is due."""
    until(lambda: action.pk in execution.due(1000))
    return execution.execute(action.pk)


def outcomes(action: Action) -> list[str]:
    return list(action.attempts.order_by("number").values_list("outcome", flat=True))


def error(status: int, code: str, **headers: str) -> Say:
    return Say({"error": {"code": code, "message": "So it is."}}, status, headers)


def receipt(action: Action, status: str = "succeeded") -> Say:
    body = {**json.loads(action.request), "refund_id": "re_1", "status": status, "created_at": "2026-01-01T00:00:00Z"}
    return Say(body, 201)


# --- the table in docs/design.md, 8, row by row -----------------------------------------------------------------


def test_an_effect_is_recorded_with_the_providers_reference(world: World) -> None:
    order, action = approved(world)
    action = execution.execute(action.pk)
    [row] = world.refunds(order)
    assert (row["amount"], row["reference"]) == (2_000, action.idempotency_key)
    assert (action.status, action.provider_reference) == (states.SUCCEEDED, row["refund_id"])
    assert outcomes(action) == ["succeeded"]
    assert action.lease_expires_at is None
    verbs = list(AuditEvent.objects.filter(object_type="action", object_id=action.pk).values_list("verb", flat=True))
    assert verbs[::-1] == ["action.proposed", "action.auto_approved", "action.claimed", "action.succeeded"]


@pytest.mark.parametrize(
    ("fault", "error_class", "times"),
    [
        ("timeout_before", "effect_unknown", 1),
        ("timeout_after", "effect_unknown", 1),
        ("lost_answer", "effect_unknown", 1),
        ("reset", "effect_unknown", 1),
        ("truncated", "effect_unknown", 1),
        ("garbage", "effect_unknown", 1),
        ("rate_limited", "transient", 1),
        ("unavailable", "transient", 1),
    ],
)
def test_a_transient_failure_is_retried_under_the_same_key(
    world: World, settings: Settings, fault: str, error_class: str, times: int
) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5
    settings.RETRY_BASE_SECONDS = 0.0001
    order, action = approved(world)
    world.faults("POST /refunds", fault, times=times, **({"seconds": 1.5} if "timeout" in fault else {}))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, error_class)
    assert action.not_before is not None
    action = again(action)
    assert action.status == states.SUCCEEDED
    assert outcomes(action) == [error_class, "succeeded"]
    assert [row["idempotency_key"] for row in world.refunds(order)] == [action.idempotency_key]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_is_retried_with_the_same_bytes(
    world: World, payments: Script, settings: Settings, status: int
) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    _, action = approved(world)
    payments.will_say(error(status, "internal"), receipt(action))
    assert execution.execute(action.pk).status == states.APPROVED
    assert again(action).status == states.SUCCEEDED
    first, second = payments.asked
    assert first.body == second.body == action.request.encode()
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == action.idempotency_key


@pytest.mark.parametrize(("status", "code"), [(409, "idempotency_in_progress"), (425, "too_early"), (429, "slow_down")])
def test_retry_after_is_obeyed(world: World, payments: Script, status: int, code: str) -> None:
    _, action = approved(world)
    payments.will_say(error(status, code, **{"Retry-After": "30"}))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class, action.error_code) == (states.APPROVED, "transient", code)
    event = AuditEvent.objects.filter(object_id=action.pk, verb="action.retry_scheduled").get()
    assert event.after["in_seconds"] > 0
    assert action.pk not in execution.due(1000)
    assert execution.execute(action.pk).fence == 1, "an action that is not due is not claimed"


def test_a_request_that_was_never_sent_is_retried(world: World, settings: Settings) -> None:
    _, action = approved(world)
    settings.PAYMENTS_URL = "http://127.0.0.1:1"
    action = execution.execute(action.pk)
    assert (action.status, action.error_class, action.error_code) == (states.APPROVED, "transient", "unreachable")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (402, "refused_by_bank"),
        (403, "forbidden"),
        (404, "not_found"),
        (422, "amount_exceeds_refundable"),
        (422, "not_refundable"),
    ],
)
def test_a_refusal_fails_at_once_and_shows_its_code(world: World, payments: Script, status: int, code: str) -> None:
    _, action = approved(world)
    payments.will_say(error(status, code))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class, action.error_code) == (states.FAILED, "terminal", code)
    assert action.error_message == "So it is."
    assert execution.execute(action.pk).fence == 1


def test_refused_credentials_pause_the_provider_and_its_actions(world: World, lead: User) -> None:
    order, action = approved(world)
    world.faults("POST /refunds", "unauthorized")
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "unauthorized")
    assert pauses.paused_names() == {"payments"}
    assert AuditEvent.objects.filter(verb="provider.paused", object_id="payments").exists()
    _, other = approved(world)
    assert execution.execute(other.pk).fence == 0, "nothing is sent while it is paused"
    assert not {action.pk, other.pk} & set(execution.due(1000))

    assert pauses.resume_provider("payments", by="admin")
    world.simulator.faults()
    assert again(action).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_our_key_with_another_body_is_a_bug_of_ours(
    world: World, payments: Script, caplog: pytest.LogCaptureFixture
) -> None:
    _, action = approved(world)
    payments.will_say(error(422, "idempotency_mismatch"))
    with caplog.at_level(logging.ERROR):
        action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.FAILED, "idempotency_mismatch")
    assert action.idempotency_key in caplog.text
    assert AuditEvent.objects.filter(object_id=str(action.pk), verb="action.key_mismatch").count() == 1


def test_a_replayed_server_error_is_not_retried(world: World) -> None:
    order, action = approved(world)
    world.faults("POST /refunds", "error_500_after")
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "effect_unknown")
    action = again(action)
    assert (action.status, action.error_class) == (states.UNRESOLVED, "replayed_failure")
    assert action.fence == 2
    assert len(world.refunds(order)) == 1


@pytest.mark.parametrize("code", ["already_refunded", "charge_already_refunded"])
def test_already_refunded_money_is_looked_up_not_assumed(world: World, payments: Script, code: str) -> None:
    _, action = approved(world)
    payments.will_say(error(422, code))
    assert execution.execute(action.pk).status == states.UNRESOLVED


def test_a_refusal_after_an_unknown_attempt_settles_nothing(world: World, payments: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    _, action = approved(world)
    payments.will_say(CUT, error(422, "amount_exceeds_refundable"))
    execution.execute(action.pk)
    assert again(action).status == states.UNRESOLVED


def test_an_answer_about_another_refund_proves_nothing(world: World, payments: Script) -> None:
    _, action = approved(world)
    payments.will_say(Say({**receipt(action).body, "reference": "another"}, 201))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "effect_unknown")


@pytest.mark.parametrize("body", [None, [], {}, {"refund_id": 5}, "done", b"", b"OK"])
def test_a_malformed_success_proves_nothing(world: World, payments: Script, body: Any) -> None:
    _, action = approved(world)
    payments.will_say(Say(body, 201))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "effect_unknown")


def test_a_refund_reported_as_failed_is_failed(world: World, payments: Script) -> None:
    _, action = approved(world)
    payments.will_say(receipt(action, "failed"))
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.FAILED, "provider_failed")


def test_a_pending_refund_is_in_progress(world: World, payments: Script) -> None:
    _, action = approved(world)
    payments.will_say(receipt(action, "pending"))
    action = execution.execute(action.pk)
    assert action.status == states.SUCCEEDED
    assert action.result is not None
    assert action.result["status"] == "pending"


# --- attempts -------------------------------------------------------------------------------------------


def test_exhausted_attempts_that_may_have_worked_are_unresolved(
    world: World, payments: Script, settings: Settings
) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    _, action = approved(world)
    payments.will_say(*[error(502, "bad_gateway")] * retry.ACTION_RETRIES.attempts)
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert (action.status, action.fence) == (states.UNRESOLVED, retry.ACTION_RETRIES.attempts)
    assert outcomes(action) == ["effect_unknown"] * retry.ACTION_RETRIES.attempts
    assert action.pk not in execution.due(1000)


def test_exhausted_attempts_without_effect_are_failed(world: World, payments: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    _, action = approved(world)
    payments.will_say(*[error(503, "unavailable")] * retry.ACTION_RETRIES.attempts)
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert (action.status, action.error_code) == (states.FAILED, "unavailable")


def test_after_the_keys_lifetime_the_provider_is_asked_first(
    world: World, payments: Script, settings: Settings
) -> None:
    _, action = approved(world)
    payments.will_say(CUT)
    execution.execute(action.pk)
    action.attempts.update(started_at=Now() - timedelta(seconds=settings.RETRY_HORIZON_SECONDS + 60))
    payments.will_say(Say({"refunds": [receipt(action).body], "next_cursor": None}))
    action = again(action)
    assert (action.status, action.provider_reference) == (states.SUCCEEDED, "re_1")
    assert [asked.method for asked in payments.asked] == ["POST", "GET"]


def test_after_the_keys_lifetime_an_unknown_refund_is_sent_again(
    world: World, payments: Script, settings: Settings
) -> None:
    _, action = approved(world)
    payments.will_say(CUT)
    execution.execute(action.pk)
    action.attempts.update(started_at=Now() - timedelta(seconds=settings.RETRY_HORIZON_SECONDS + 60))
    payments.will_say(Say({"refunds": [], "next_cursor": None}), receipt(action))
    assert again(action).status == states.SUCCEEDED
    assert [asked.method for asked in payments.asked] == ["POST", "GET", "POST"]
    assert payments.asked[2].headers["Idempotency-Key"] == action.idempotency_key


def past_the_horizon(world: World, payments: Script, settings: Settings) -> tuple[dict[str, Any], Action]:
    """Return a refund whose first answer was lost longer ago than the provider keeps a key. The provider has no such
    refund."""
    order, action = approved(world)
    payments.will_say(CUT)
    execution.execute(action.pk)
    action.attempts.update(started_at=Now() - timedelta(seconds=settings.RETRY_HORIZON_SECONDS + 60))
    payments.will_say(Say({"refunds": [], "next_cursor": None}))
    return order, action


def test_after_the_keys_lifetime_a_changed_order_needs_a_person(
    world: World, payments: Script, settings: Settings
) -> None:
    order, action = past_the_horizon(world, payments, settings)
    world.refund_elsewhere(order, 9_000)
    action = again(action)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "changed")
    assert "payments" in action.error_message
    assert [asked.method for asked in payments.asked] == ["POST", "GET"]
    assert Ticket.objects.get(pk=action.ticket_id).status == Ticket.Status.NEEDS_PERSON


def test_after_the_keys_lifetime_a_refusing_shop_is_paused(world: World, payments: Script, settings: Settings) -> None:
    _, action = past_the_horizon(world, payments, settings)
    world.faults("GET /orders/{order_id}", "unauthorized")
    assert again(action).status == states.APPROVED
    assert pauses.paused_names() == {"orders"}
    pauses.resume_provider("orders", by="admin")
    assert [asked.method for asked in payments.asked] == ["POST", "GET"]


# --- who holds the action -------------------------------------------------------------------------------


def test_only_one_of_many_workers_attempts(world: World) -> None:
    order, action = approved(world)
    at_once(*[lambda: execution.execute(action.pk)] * 10)
    action.refresh_from_db()
    assert (action.status, action.fence) == (states.SUCCEEDED, 1)
    assert len(world.refunds(order)) == 1


def leave_behind(action: Action) -> Action:
    """Leave the action as a worker does that was killed during its call, with an expired lease."""
    held = execution._claim(action.pk)
    assert held is not None
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    return held


def test_a_crashed_workers_action_gets_a_new_fence(world: World) -> None:
    order, action = approved(world)
    leave_behind(action)
    assert action.pk in execution.due(1000)
    action = execution.execute(action.pk)
    assert (action.status, action.fence) == (states.SUCCEEDED, 2)
    assert outcomes(action) == ["lost", "succeeded"]
    assert len(world.refunds(order)) == 1


def test_a_pause_also_holds_a_take_over(world: World) -> None:
    order, action = approved(world)
    leave_behind(action)
    pauses.pause_provider("payments", "The key was revoked.")
    assert action.pk not in execution.due(1000)
    action = execution.execute(action.pk)
    assert (action.status, action.fence, world.refunds(order)) == (states.EXECUTING, 1, [])
    assert pauses.resume_provider("payments", by="admin")
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_a_valid_lease_is_respected(world: World) -> None:
    _, action = approved(world)
    assert execution._claim(action.pk) is not None
    assert action.pk not in execution.due(1000)
    assert execution.execute(action.pk).fence == 1


def test_a_slow_worker_cannot_overwrite_its_successor(world: World, caplog: pytest.LogCaptureFixture) -> None:
    order, action = approved(world)
    slow = leave_behind(action)
    answer = execution._send(slow)
    execution.execute(action.pk)
    execution._succeeded(slow, answer)
    action.refresh_from_db()
    assert (action.status, action.fence) == (states.SUCCEEDED, 2)
    assert "finished after a newer one took over" in caplog.text
    assert outcomes(action) == ["lost", "succeeded"]
    assert AuditEvent.objects.filter(object_id=action.pk, verb="action.succeeded").count() == 1
    assert len(world.refunds(order)) == 1


def test_a_worker_that_outlived_its_lease_sends_nothing(
    world: World, payments: Script, caplog: pytest.LogCaptureFixture
) -> None:
    _, action = approved(world)
    slow = leave_behind(action)
    execution._attempt(slow)
    assert payments.asked == []
    assert "sends nothing" in caplog.text
    payments.will_say(Say(theirs(action), 201))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    execution._attempt(slow)
    assert outcomes(action) == ["overtaken", "succeeded"]


def test_attempts_that_never_get_to_send_are_bounded(world: World, payments: Script) -> None:
    _, action = approved(world)
    for _ in range(retry.ACTION_RETRIES.attempts):
        execution._attempt(leave_behind(action))
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.FAILED, "overtaken")
    assert payments.asked == []


def test_a_success_after_we_gave_up_goes_to_a_person(world: World) -> None:
    order = world.order("pending")
    action = propose(ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Too late."})
    assert action.status == states.APPROVED
    gave_up = False

    def stands_still() -> None:
        """Between its check of the lease and the sending, another worker sends in vain, and the action is given up."""
        nonlocal gave_up
        if gave_up:
            raise ReplayedFailure("lost", "No answer.")
        gave_up = True
        Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
        execution.execute(action.pk)
        long_ago = Now() - timedelta(hours=1)
        Attempt.objects.filter(action=action).update(started_at=long_ago, finished_at=long_ago)
        lookup.settle_by_lookup(action.pk)
        assert Action.objects.get(pk=action.pk).error_code == "never_happened"

    with before_request("/cancel", stands_still):
        action = execution.execute(action.pk)
    assert action.status == states.FAILED
    contradicted_event = AuditEvent.objects.get(
        object_type="action", object_id=str(action.pk), verb="action.contradicted"
    )
    assert contradicted_event.before == {"status": "failed"}
    ticket = Ticket.objects.get(pk=action.ticket_id)
    assert (ticket.status, ticket.kept_by_person) == ("needs_person", True)
    assert "The provider has the" in ticket.reason
    assert action.attempts.get(number=1).http_status == 200


@pytest.mark.parametrize("backend", ["email", "webhook"])
def test_a_late_success_settles_a_reply_that_cannot_be_checked(world: World, settings: Settings, backend: str) -> None:
    settings.REPLIES_BACKEND, settings.RETRY_BASE_SECONDS = backend, 0.0
    said = {"text": "We look into it.", "reason": "An answer.", "claims": []}
    action = propose(ticket_of(world.order()), "reply", said)
    assert action.status == states.APPROVED
    slow = leave_behind(action)
    number = slow.fence
    world.faults("POST /replies", "error_500_before", times=0)
    while (action := execution.execute(action.pk)).status == states.APPROVED:
        pass
    assert action.status == states.UNRESOLVED
    world.simulator.faults()
    execution._succeeded(slow, execution._send(slow))
    action.refresh_from_db()
    assert action.status == states.SUCCEEDED
    assert Message.objects.filter(external_id=action.idempotency_key).count() == 1
    first = action.attempts.get(number=number)
    assert (first.outcome, first.error_code) == ("lost", "answered_late")


def test_a_settlement_with_an_older_fence_is_discarded(world: World) -> None:
    _, action = approved(world)
    slow = leave_behind(action)
    assert execution._claim(action.pk) is not None
    with pytest.raises(transitions.Lost):
        transitions.move(slow, states.FAILED, actor="system", verb="action.failed", holding=slow.fence)


def test_lost_attempts_beyond_the_limit_are_looked_up_not_resent(world: World, payments: Script) -> None:
    _, action = approved(world)
    for _ in range(retry.ACTION_RETRIES.attempts):
        leave_behind(action)
    payments.will_say(Say({"refunds": [], "next_cursor": None}))
    action = execution.execute(action.pk)
    assert action.status == states.UNRESOLVED
    assert [asked.method for asked in payments.asked] == ["GET"]


# --- the approved request is what runs ------------------------------------------------------------------


def test_a_waiting_refund_that_leaves_enough_does_not_interfere(world: World) -> None:
    order, first = approved(world, 1_000)
    assert propose_refund(order, 1_500).status == states.APPROVED
    assert execution.execute(first.pk).status == states.SUCCEEDED


@pytest.mark.parametrize("first_is_older", [True, False])
def test_two_refunds_of_an_order_that_both_fit_are_made(world: World, first_is_older: bool) -> None:
    order, older = approved(world, 1_000)
    younger = propose_refund(order, 1_500)
    for action in (older, younger) if first_is_older else (younger, older):
        assert execution.execute(action.pk).status == states.SUCCEEDED
    assert sorted(row["amount"] for row in world.refunds(order)) == [1_000, 1_500]


def test_other_money_moved_besides_our_own_refund_is_a_change(world: World) -> None:
    order, action = approved(world, 1_000)
    assert execution.execute(propose_refund(order, 1_500).pk).status == states.SUCCEEDED
    world.refund_elsewhere(order, 500)
    assert execution.execute(action.pk).status == states.AWAITING_APPROVAL


def approved_after_another_refund(world: World, lead: User) -> tuple[dict[str, Any], Action]:
    """Return a refund of 6,000, approved by a person who saw that 1,500 had been refunded while it waited."""
    order = world.order()
    action = propose_refund(order, 6_000)
    assert execution.execute(propose_refund(order, 1_500).pk).status == states.SUCCEEDED
    request = decide.refresh_request(request_id=ApprovalRequest.objects.get(action=action).pk)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    return order, action


def test_what_the_approver_saw_does_not_excuse_later_refunds(world: World, lead: User) -> None:
    order, action = approved_after_another_refund(world, lead)
    world.refund_elsewhere(order, 1_500)  # as much as ours before the approval
    assert execution.execute(action.pk).status == states.AWAITING_APPROVAL
    assert sorted(row["amount"] for row in world.refunds(order)) == [1_500, 1_500]


def test_our_own_refund_after_the_approval_is_no_change(world: World, lead: User) -> None:
    order, action = approved_after_another_refund(world, lead)
    assert execution.execute(propose_refund(order, 1_000).pk).status == states.SUCCEEDED
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert sorted(row["amount"] for row in world.refunds(order)) == [1_000, 1_500, 6_000]


def test_a_changed_order_returns_to_the_queue_with_the_change(world: World, lead: User) -> None:
    order, action = approved(world)
    world.refund_elsewhere(order, 1_000)
    action = execution.execute(action.pk)
    assert (action.status, action.approved_at) == (states.AWAITING_APPROVAL, None)
    request = ApprovalRequest.objects.get(action=action, closed_at=None)
    assert {row["field"] for row in request.changes} == {"payments", "refundable"}
    assert outcomes(action) == ["changed"]
    assert len(world.refunds(order)) == 1, "only the one from elsewhere"

    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    assert execution.execute(action.pk).status == states.SUCCEEDED


def test_a_missing_order_returns_to_the_queue(world: World, settings: Settings) -> None:
    _, action = approved(world)
    with scripted(error(404, "not_found"), Say({"orders": []})) as shop:
        settings.ORDERS_URL = shop.url
        action = execution.execute(action.pk)
    assert action.status == states.AWAITING_APPROVAL
    assert ApprovalRequest.objects.get(action=action).changes[0]["field"] == "exists"


@pytest.mark.parametrize("fault", ["lost_answer", "error_500_before", "unavailable", "timeout_before", "garbage"])
def test_an_unreadable_shop_postpones_the_check_and_the_effect(world: World, settings: Settings, fault: str) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5
    settings.RETRY_BASE_SECONDS = 0.0001
    order, action = approved(world)
    world.faults("GET /orders/{order_id}", fault, times=1, **({"seconds": 1.5} if "timeout" in fault else {}))
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "transient")
    assert world.refunds(order) == []
    world.refund_elsewhere(order, 1_000)
    assert again(action).status == states.AWAITING_APPROVAL


def test_a_shop_that_refuses_our_credentials_is_paused(world: World) -> None:
    _, action = approved(world)
    world.faults("GET /orders/{order_id}", "unauthorized")
    assert execution.execute(action.pk).status == states.APPROVED
    assert pauses.paused_names() == {"orders"}
    assert action.pk not in execution.due(1000)
    pauses.resume_provider("orders", by="admin")


# --- the other kinds ------------------------------------------------------------------------------------


def test_a_cancellation_returns_the_money_once(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    order = world.order("pending")
    given = {"order_id": order["order_id"], "reason": "Ordered twice."}
    action = propose(ticket_of(order), "cancel_order", given)
    assert (action.status, action.amount) == (states.APPROVED, 4_000)
    world.faults("POST /orders/{order_id}/cancel", "lost_answer")
    assert execution.execute(action.pk).status == states.APPROVED
    assert again(action).status == states.SUCCEEDED
    rows = [row for row in world.simulator.ledger()["cancellations"] if row["order_id"] == order["order_id"]]
    assert [(row["amount"], row["reference"]) for row in rows] == [(4_000, action.idempotency_key)]
    assert world.now(order)["status"] == "cancelled"


def test_an_account_change_happens_once(world: World, lead: User, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    order = world.order()
    given = {"name": "Kim Roe", "address": {"city": "York"}, "reason": "They moved and married."}
    action = propose(ticket_of(order), "change_account", given)
    request = ApprovalRequest.objects.get(action=action)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    world.faults("PATCH /customers/{customer_id}", "lost_answer")
    assert execution.execute(action.pk).status == states.APPROVED
    assert again(action).status == states.SUCCEEDED
    rows = [
        row for row in world.simulator.ledger()["account_changes"] if row["idempotency_key"] == action.idempotency_key
    ]
    assert [row["changes"] for row in rows] == [{"name": "Kim Roe", "address": {"city": "York"}}]


def test_a_reply_reaches_the_customer_once_and_is_stored(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    order = world.order()
    ticket = ticket_of(order, subject="Hello")
    action = propose(ticket, "reply", {"text": "Thank you for your message.", "reason": "A greeting."}, run_id=1)
    world.faults("POST /replies", "lost_answer")
    assert execution.execute(action.pk).status == states.APPROVED
    assert Message.objects.filter(ticket=ticket, direction="outbound").count() == 0
    assert again(action).status == states.SUCCEEDED
    [reply] = [row for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]
    assert (reply["to"], reply["subject"], reply["body"]) == (
        order["customer_email"],
        "Re: Hello",
        action.params["text"],
    )
    [message] = Message.objects.filter(ticket=ticket, direction="outbound")
    assert (message.external_id, message.body) == (action.idempotency_key, action.params["text"])


def test_a_card_number_in_an_answer_is_not_stored(world: World, payments: Script) -> None:
    _, action = approved(world)
    payments.will_say(Say({"error": {"code": "refused", "message": "Card 4111 1111 1111 1111 refused."}}, 402))
    action = execution.execute(action.pk)
    kept = json.dumps([action.error_message, *action.attempts.values_list("answer", "error_message")])
    assert "4111 1111" not in kept
    assert "ends 1111" in kept


def test_every_kind_has_a_provider() -> None:
    assert all(kind.providers for kind in KINDS.values())
