"""PAYMENTS_IDEMPOTENT=false: each sending is preceded by a look-up, and a request that may have taken effect is
never resent automatically."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import override_settings
from pytest_django import Settings

from agentops.lib import retry
from approvals import states
from approvals.effects import execution, lookup, pauses
from approvals.models import Action, Attempt
from tests.scripted import CUT, Say, Script
from tests.waiting import until
from tests.world import World, propose, propose_refund, ticket_of

NONE = Say({"refunds": [], "next_cursor": None})


@pytest.fixture(autouse=True)
def no_keys() -> Iterator[None]:
    with override_settings(PAYMENTS_IDEMPOTENT=False, RETRY_BASE_SECONDS=0.0001):
        yield


def refund(action: Action) -> dict[str, object]:
    return {**json.loads(action.request), "refund_id": f"re_{action.pk}", "status": "succeeded"}


def found(action: Action) -> Say:
    return Say({"refunds": [refund(action)], "next_cursor": None})


def busy() -> Say:
    return Say({"error": {"code": "unavailable", "message": "Later."}}, 503)


def again(action: Action) -> Action:
    until(lambda: action.pk in execution.due(1000))
    return execution.execute(action.pk)


def methods(payments: Script) -> list[str]:
    return [asked.method for asked in payments.asked]


def test_an_effect_that_happened_is_found_and_not_resent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, CUT, found(action))
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["GET", "POST", "GET"]


def test_a_request_that_is_not_found_is_not_resent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, CUT, NONE, NONE)
    execution.execute(action.pk)
    action = again(action)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "not_sent_again")
    assert action.pk not in execution.due(1000)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED
    assert methods(payments) == ["GET", "POST", "GET", "GET"]


def test_a_request_that_was_never_sent_is_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    slow = execution._claim(action.pk)
    assert slow is not None
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    payments.will_say(NONE, NONE, Say(refund(action), 201))
    execution._attempt(slow)  # it was suspended for longer than its lease
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["GET", "GET", "POST"]


def test_it_is_not_resent_much_later_either(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, CUT, NONE)
    execution.execute(action.pk)
    Attempt.objects.filter(action=action).update(started_at=Now() - timedelta(days=2))
    assert again(action).status == states.UNRESOLVED
    assert methods(payments) == ["GET", "POST", "GET"]


def test_an_attempt_without_effect_is_sent_again(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, busy(), NONE, Say(refund(action), 201))
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["GET", "POST", "GET", "POST"]


def test_an_effect_found_before_the_first_attempt_is_not_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(found(action))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert methods(payments) == ["GET"]


@pytest.mark.parametrize("status", [409, 425, 429])
def test_an_effect_found_after_a_failed_attempt_is_not_sent(world: World, payments: Script, status: int) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, Say({"error": {"code": f"http_{status}", "message": "Later."}}, status), found(action))
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["GET", "POST", "GET"]


def test_a_failed_first_look_up_sends_nothing(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(*[busy()] * retry.ACTION_RETRIES.attempts)
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert (action.status, action.error_code) == (states.FAILED, "unavailable"), "nothing that may exist was sent"
    assert "POST" not in methods(payments)


def test_a_refused_first_look_up_pauses_the_provider(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(Say({"error": {"code": "unauthorized", "message": "Who?"}}, 401))
    assert execution.execute(action.pk).status == states.APPROVED
    assert pauses.paused_names() == {"payments"}
    pauses.resume_provider("payments", by="admin")


def test_a_reply_is_sent_although_it_cannot_be_looked_up(world: World, settings: Settings) -> None:
    settings.REPLIES_BACKEND = "email"
    action = propose(ticket_of(world.order()), "reply", {"text": "Hello.", "reason": "A greeting."}, run_id=1)
    assert execution.execute(action.pk).status == states.SUCCEEDED


def test_a_failed_look_up_is_retried_and_nothing_is_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, CUT, busy(), CUT, found(action))
    execution.execute(action.pk)
    again(action)
    again(action)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["GET", "POST", "GET", "GET", "GET"]


def test_look_ups_that_all_fail_end_with_a_person(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(NONE, CUT, *[busy()] * (retry.ACTION_RETRIES.attempts - 1))
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert action.status == states.UNRESOLVED
    assert methods(payments).count("POST") == 1


def test_a_dead_workers_action_is_looked_up_not_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    assert execution._claim(action.pk) is not None
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    payments.will_say(NONE)
    assert execution.execute(action.pk).status == states.UNRESOLVED
    assert methods(payments) == ["GET"]
