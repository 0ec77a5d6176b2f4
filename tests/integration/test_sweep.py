"""Without any message, the sweep finds all work that no worker is doing, and does it once."""

import logging
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import timedelta

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from agentops.models import Run, Watermark
from agentops.runs import leasing
from agentops.telemetry import tallies
from agentops.worker import heartbeat, sweep
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, Attempt, Comparison, Deferral
from approvals.reconciliation import comparison
from tests.completions import claims_a_refund_of, replies, triage, uses
from tests.interruptions import before_statement, fail_with
from tests.scripted import Script
from tests.waiting import until
from tests.world import World, at_once, propose_refund, refund_arguments, ticket_of


@pytest.fixture
def sweeper(world: World, settings: Settings) -> Iterator[sweep.Sweep]:
    settings.RETRY_BASE_SECONDS = 0.0
    made = sweep.Sweep()
    yield made
    made.close()


def rounds(sweeper: sweep.Sweep) -> int:
    """Sweep until nothing is due, and return the number of items found, apart from those that time alone makes due."""
    done = 0
    while started := sweeper.round():
        wait(started.values(), timeout=30)
        done += sum(line.name not in ("seals", "unseen") for line, _ in started)
    return done


@pytest.fixture(autouse=True)
def nothing_left_over(world: World) -> None:
    """Finish work left by earlier tests of this module: compare this hour's records, and count what has ended."""
    Watermark.objects.update_or_create(name=tallies._NAME, defaults={"through": timezone.now() + timedelta(days=1)})
    Comparison.objects.create(since=timezone.now() - 2 * comparison.LOOK_BACK, periodic=True)
    Run.objects.exclude(status__in=["succeeded", "failed"]).update(status="cancelled", lease_expires_at=None)


def test_a_ticket_is_answered_without_any_message(world: World, sweeper: sweep.Sweep, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    assert rounds(sweeper) == 1
    ticket.refresh_from_db()
    assert ticket.status == "answered"
    assert len(world.refunds(order)) == 1


def test_every_kind_of_forgotten_work_is_found(world: World, sweeper: sweep.Sweep, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    world.faults("POST /refunds", "error_500_after")
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    assert rounds(sweeper) == 1
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    model.will_say(claims_a_refund_of(order, 6_000))
    assert rounds(sweeper) == 4, "the first attempt, the second, the reconciliation, and the run"
    ticket.refresh_from_db()
    assert ticket.status == "answered"
    assert len(world.refunds(order)) == 1


def test_a_dead_workers_run_is_taken_over(world: World, sweeper: sweep.Sweep, model: Script) -> None:
    ticket = ticket_of(world.order())
    run = leasing.lease_run(Run.objects.get(ticket=ticket).pk)
    assert run is not None
    assert rounds(sweeper) == 0, "while its lease is valid"
    Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    model.will_say(triage(), replies())
    assert rounds(sweeper) == 1
    assert Run.objects.get(pk=run.pk).outcome == "answered"


def test_a_dead_workers_action_is_taken_over(world: World, sweeper: sweep.Sweep) -> None:
    order = world.order()
    action = propose_refund(order, 2_000)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")
    assert execution._claim(action.pk) is not None
    assert rounds(sweeper) == 0
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    assert rounds(sweeper) == 1
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_an_overdue_request_expires_and_its_run_continues(world: World, sweeper: sweep.Sweep, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    rounds(sweeper)
    ApprovalRequest.objects.filter(action__ticket=ticket).update(expires_at=Now())
    model.will_say(replies("I am sorry, we are not able to do this."))
    assert rounds(sweeper) == 2, "the request, and then the run"
    ticket.refresh_from_db()
    assert ticket.status == "answered"


def test_records_are_compared_once_an_hour(world: World, sweeper: sweep.Sweep) -> None:
    Comparison.objects.all().delete()
    assert rounds(sweeper) == 1
    [made] = Comparison.objects.all()
    assert (made.error, made.finished_at is not None) == ("", True)
    assert rounds(sweeper) == 0


def test_concurrent_sweeps_and_messages_do_each_thing_once(world: World, model: Script, settings: Settings) -> None:
    orders = [world.order() for _ in range(4)]
    actions = [propose_refund(order, 2_000) for order in orders]
    Run.objects.filter(ticket__in=[action.ticket_id for action in actions]).update(status="cancelled")

    def sweep_once() -> None:
        made = sweep.Sweep()
        wait(made.round().values(), timeout=30)
        made.close()

    messages = [lambda pk=action.pk: execution.execute(pk) for action in actions]
    answers = at_once(*[sweep_once] * 4, *messages * 3)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert [len(world.refunds(order)) for order in orders] == [1, 1, 1, 1]
    assert Attempt.objects.filter(action__in=actions).count() == 4


def test_an_empty_sweep_is_cheap(world: World, sweeper: sweep.Sweep) -> None:
    assert rounds(sweeper) == 0


def test_a_poisoned_item_does_not_block_the_others(
    world: World, sweeper: sweep.Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    order = world.order()
    good, bad = propose_refund(order, 2_000), propose_refund(world.order(), 2_000)
    Run.objects.filter(ticket__in=[good.ticket_id, bad.ticket_id]).update(status="cancelled")
    poison = fail_with(RuntimeError("poison"))
    with (
        before_statement('"approvals_action"', "SKIP LOCKED", given=bad.pk, act=poison),
        caplog.at_level(logging.ERROR),
    ):
        wait(sweeper.round().values(), timeout=30)
    assert Action.objects.get(pk=good.pk).status == states.SUCCEEDED
    assert f"execution({bad.pk}) failed" in caplog.text
    Deferral.objects.update(not_before=Now())
    rounds(sweeper)
    assert Action.objects.get(pk=bad.pk).status == states.SUCCEEDED


def test_a_failing_query_does_not_block_other_work(
    world: World, sweeper: sweep.Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    action = propose_refund(world.order(), 2_000)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")
    broken = fail_with(ValueError())
    with before_statement('FROM "approvals_notification"', act=broken), caplog.at_level(logging.ERROR):
        wait(sweeper.round().values(), timeout=30)
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED
    assert "the query for due alerts failed" in caplog.text


def test_a_request_that_cannot_expire_does_not_block_others(world: World, sweeper: sweep.Sweep) -> None:
    bad, good = (ApprovalRequest.objects.get(action=propose_refund(world.order(), 6_000)) for _ in range(2))
    for request in (bad, good):
        Run.objects.filter(ticket=request.action.ticket_id).update(status="cancelled")
        ApprovalRequest.objects.filter(pk=request.pk).update(expires_at=Now())
    poison = fail_with(RuntimeError("poison"))
    with before_statement('"approvals_approvalrequest"', given=bad.pk, act=poison):
        wait(sweeper.round().values(), timeout=30)
    assert Action.objects.get(pk=bad.action_id).status == states.AWAITING_APPROVAL
    assert Action.objects.get(pk=good.action_id).status == states.EXPIRED
    Deferral.objects.update(not_before=Now())
    rounds(sweeper)
    assert Action.objects.get(pk=bad.action_id).status == states.EXPIRED


def test_a_sweeping_worker_sends_a_heartbeat(world: World, settings: Settings) -> None:
    settings.SWEEP_SECONDS = 0.05
    with redis.Redis.from_url(django_settings.REDIS_URL) as broker:
        broker.delete(heartbeat.KEY)
        sweep.start_sweeping()
        try:
            until(lambda: broker.get(heartbeat.KEY))
        finally:
            sweep.stop_sweeping()
        assert 0 < broker.ttl(heartbeat.KEY) <= heartbeat.max_age()
