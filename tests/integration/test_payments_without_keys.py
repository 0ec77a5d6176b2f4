"""PAYMENTS_IDEMPOTENT=false: what may have happened is looked up before anything, and never sent again by itself."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import override_settings

from agentops.lib import retry
from approvals import execution, reconcile, states
from approvals.models import Action, Attempt
from tests.scripted import CUT, Say, Script
from tests.waiting import until
from tests.world import World, propose_refund

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


def test_what_happened_is_found_and_not_sent_again(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT, found(action))
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["POST", "GET"]


def test_what_is_not_found_is_not_sent_again(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT, NONE, NONE)
    execution.execute(action.pk)
    action = again(action)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "not_sent_again")
    assert action.pk not in execution.due(1000)
    assert reconcile.settle(action.pk).status == states.UNRESOLVED
    assert methods(payments) == ["POST", "GET", "GET"]


def test_nor_long_after(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT, NONE)
    execution.execute(action.pk)
    Attempt.objects.filter(action=action).update(started_at=Now() - timedelta(days=2))
    assert again(action).status == states.UNRESOLVED
    assert methods(payments) == ["POST", "GET"]


def test_what_had_no_effect_is_sent_again(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(busy(), Say(refund(action), 201))
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["POST", "POST"]


def test_a_look_that_fails_is_tried_again_and_nothing_is_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT, busy(), CUT, found(action))
    execution.execute(action.pk)
    again(action)
    again(action)
    assert again(action).status == states.SUCCEEDED
    assert methods(payments) == ["POST", "GET", "GET", "GET"]


def test_looks_that_all_fail_end_with_a_person(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT, *[busy()] * (retry.ACTION.attempts - 1))
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert action.status == states.UNRESOLVED
    assert methods(payments).count("POST") == 1


def test_what_a_dead_worker_left_is_looked_up_and_not_sent(world: World, payments: Script) -> None:
    action = propose_refund(world.order(), 2_000)
    assert execution._claim(action.pk) is not None
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    payments.will_say(NONE)
    assert execution.execute(action.pk).status == states.UNRESOLVED
    assert methods(payments) == ["GET"]
