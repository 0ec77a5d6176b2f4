"""While an outside system is asked, its caller holds no database connection, and keeps its lease."""

import threading
from collections.abc import Callable
from concurrent.futures import wait
from datetime import datetime

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from pytest_django import Settings

from agentops.lib.outbound import NotLetOut
from agentops.models import Replay, Run
from agentops.replays import running as replays
from agentops.runs import engine, leasing
from agentops.worker import sweep
from approvals import states
from approvals.effects import execution
from approvals.models import Action
from approvals.providers import orders
from tests.completions import hands_over, replies, triage, uses
from tests.interruptions import before_request
from tests.scripted import Say, Script
from tests.waiting import until
from tests.world import World, at_once, propose_refund, refund_arguments, run_through, ticket_of

CALLS = 32  # at once, as in the README's `--concurrency 32`


def connections_of_the_pool() -> int:
    return int(django_settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])


def meanwhile(say: Say, act: Callable[[], object]) -> Say:
    """Return the same answer, given once `act` has been called in the server's thread."""

    def once() -> None:
        try:
            act()
        finally:
            connection.close()

    return Say(say.body, say.status, say.headers, once=once)


def test_more_calls_wait_than_the_pool_has_connections(world: World, model: Script) -> None:
    assert connections_of_the_pool() < CALLS
    runs = [Run.objects.get(ticket=ticket_of(world.order())).pk for _ in range(CALLS)]
    approved = propose_refund(world.order(), 2_000)
    Run.objects.filter(ticket=approved.ticket_id).update(status="cancelled")
    sweeper = sweep.Sweep()
    all_open = threading.Barrier(CALLS, action=lambda: wait(sweeper.round().values(), timeout=60), timeout=60)
    for answer in (triage(), replies()):
        model.will_say(*[meanwhile(answer, all_open.wait)] * CALLS)
    answers = at_once(*[lambda pk=pk: engine.advance(pk) for pk in runs])
    assert answers == [None] * CALLS
    assert set(Run.objects.filter(pk__in=runs).values_list("outcome", flat=True)) == {"answered"}
    sweeper.close()
    approved.refresh_from_db()
    assert approved.status == states.SUCCEEDED, "the sweep worked while all calls were open"


def test_every_call_leaves_without_a_connection(world: World, model: Script) -> None:
    order = world.order()
    held: list[bool] = []
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), replies("I have looked into it."))

    def look() -> None:
        held.append(connection.connection is not None)

    with before_request("", look), before_request("", look, method="GET"):
        run_through(ticket_of(order))
    assert len(held) >= 6, "the model three times, the shop, the payment provider and the help desk"
    assert not any(held)


def test_a_transaction_that_hangs_is_ended(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


def test_no_call_leaves_inside_a_transaction(world: World) -> None:
    order = world.order()
    with transaction.atomic(), pytest.raises(NotLetOut, match="inside a database transaction"):
        orders.get_order(order["order_id"])
    assert orders.get_order(order["order_id"])


def renewed_since(row: Run | Action | Replay) -> Callable[[], object]:
    """Return a function that waits until the lease has been extended twice since its first call."""

    def lease() -> datetime:
        held = type(row).objects.values_list("lease_expires_at", flat=True).get(pk=row.pk)
        assert held is not None
        return held

    def wait() -> None:
        for _ in range(2):
            before = lease()
            until(lambda: lease() > before)  # noqa: B023 - asked within this turn of the loop

    return wait


def test_a_model_slower_than_the_lease_keeps_its_run(world: World, model: Script, settings: Settings) -> None:
    settings.RUN_LEASE_SECONDS = 1
    run = Run.objects.get(ticket=ticket_of(world.order()))
    model.will_say(meanwhile(triage(), renewed_since(run)), meanwhile(replies(), renewed_since(run)))
    engine.advance(run.pk)
    run.refresh_from_db()
    assert (run.outcome, run.fence) == ("answered", 1)


def test_a_payment_slower_than_the_lease_keeps_its_action(world: World, payments: Script, settings: Settings) -> None:
    settings.ACTION_LEASE_SECONDS = 1
    action = propose_refund(world.order(), 2_000)
    answer = {
        "refund_id": "re_1",
        "payment_id": action.params["payment_id"],
        "order_id": action.order_id,
        "amount": 2_000,
        "currency": "USD",
        "reference": action.idempotency_key,
        "status": "succeeded",
    }
    payments.will_say(meanwhile(Say(answer), renewed_since(action)))
    action = execution.execute(action.pk)
    assert (action.status, action.fence) == (states.SUCCEEDED, 1)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")


def test_a_model_slower_than_the_lease_keeps_its_replay(world: World, model: Script, settings: Settings) -> None:
    model.will_say(triage(), replies())
    run = run_through(ticket_of(world.order()))
    settings.RUN_LEASE_SECONDS = 1
    replay = Replay.objects.create(run=run, mode=Replay.Mode.MODEL, asked_by="lead")
    model.will_say(meanwhile(triage(), renewed_since(replay)), hands_over())
    replays.advance_replay(replay.pk)
    replay.refresh_from_db()
    assert (replay.fence, replay.attempt, replay.error) == (1, 1, "")


def test_an_expired_lease_is_not_renewed(world: World) -> None:
    run = leasing.lease_run(Run.objects.get(ticket=ticket_of(world.order())).pk)
    assert run is not None
    Run.objects.filter(pk=run.pk).update(lease_expires_at="2026-01-01T00:00:00Z")
    leasing.renew_lease(run)
    assert run.pk in leasing.due(1_000)
    Run.objects.filter(pk=run.pk).update(status="cancelled")


def test_a_locked_row_delays_no_renewal(world: World) -> None:
    run = leasing.lease_run(Run.objects.get(ticket=ticket_of(world.order())).pk)
    assert run is not None
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        assert at_once(lambda: leasing.renew_lease(run)) == [None]
    Run.objects.filter(pk=run.pk).update(status="cancelled")


def test_a_broken_run_that_was_taken_over_raises_nothing(world: World, model: Script) -> None:
    """A fault of ours is recorded by the worker that holds the run, and by no other."""
    order = world.order()
    run = Run.objects.get(ticket=ticket_of(order))

    def break_after_a_take_over() -> None:
        Run.objects.filter(pk=run.pk).update(fence=7)
        raise RuntimeError("a bug")

    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    with before_request("/orders", break_after_a_take_over, method="GET"):
        engine.advance(run.pk)
    run.refresh_from_db()
    assert (run.status, run.fence, run.outcome) == ("running", 7, "")
    Run.objects.filter(pk=run.pk).update(status="cancelled")
