"""An item that breaks is put off, counted and given to a person, and the rest of its line continues (docs/design.md,
5.11)."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack
from unittest.mock import patch

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from pytest_django import Settings

from agentops.models import Replay, Run
from agentops.worker import deferrals, lines, sweep
from agentops.worker.lines import LINES
from approvals import states
from approvals.audit import events
from approvals.effects import execution
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, AuditEvent, Comparison, Deferral, Notification
from approvals.policy.rules import Threshold
from approvals.reconciliation import comparison
from tests.completions import replies, triage
from tests.integration.books import succeeded
from tests.integration.test_queue_views import place, signed_in
from tests.integration.voucher import Voucher
from tests.interruptions import before_statement, fail_with
from tests.screen import markup
from tests.scripted import Say, Script
from tests.world import RULES, World, at_once, propose, propose_refund, put_rules, ticket_of
from tickets.models import Ticket

_numbers = itertools.count(10_000)  # of rows; no other parameter of a statement is one of them


@pytest.fixture
def sweeper(world: World, settings: Settings) -> Iterator[sweep.Sweep]:
    settings.RETRY_BASE_SECONDS = 0.0
    settings.SWEEP_SECONDS = 10.0
    Run.objects.exclude(status__in=["succeeded", "failed"]).update(status="cancelled", lease_expires_at=None)
    Deferral.objects.all().delete()
    Notification.objects.all().delete()
    made = sweep.Sweep()
    yield made
    made.close()


def one_round(sweeper: sweep.Sweep) -> set[tuple[str, int]]:
    """Sweep once, and return what was started, apart from what time alone makes due."""
    started = sweeper.round()
    wait(started.values(), timeout=60)
    return {(line.name, item) for line, item in started if line.most > 1}


def approved(world: World) -> int:
    action = propose_refund(world.order(), 2_000)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")
    return action.pk


def unresolved(world: World) -> int:
    return succeeded(world.order(), status=states.UNRESOLVED, not_before="2026-01-01T00:00:00Z").pk


def overdue(world: World) -> int:
    action = propose_refund(world.order(), 6_000)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")
    ApprovalRequest.objects.filter(action=action).update(expires_at=Now())
    return ApprovalRequest.objects.get(action=action).pk


def queued(world: World) -> int:
    return Run.objects.get(ticket=ticket_of(world.order())).pk


def replay(world: World) -> int:
    run = Run.objects.get(ticket=ticket_of(world.order()))
    Run.objects.filter(pk=run.pk).update(status="cancelled")
    return Replay.objects.create(pk=next(_numbers), run=run, mode=Replay.Mode.RECORDED, asked_by="lead").pk


def alert(world: World) -> int:
    events.record_event(actor=events.SYSTEM, verb="finding.opened", object_type="finding", object_id=1)
    return Notification.objects.create(pk=next(_numbers), event=AuditEvent.objects.latest("pk")).pk


# For each line with more than one item: how to make one, and words of the first statement that takes it.
ITEMS: dict[str, tuple[Callable[[World], int], tuple[str, ...]]] = {
    "alerts": (alert, ('UPDATE "approvals_notification"',)),
    "execution": (approved, ('"approvals_action"', "SKIP LOCKED")),
    "lookup": (unresolved, ('"approvals_action"."request"',)),
    "expiry": (overdue, ('"approvals_approvalrequest"', "SKIP LOCKED")),
    "runs": (queued, ('"agentops_run"."fence"',)),
    "replays": (replay, ('"agentops_replay"."fence"',)),
}


def test_every_line_is_tested() -> None:
    assert set(ITEMS) == {line.name for line in LINES if line.most > 1}


@pytest.mark.parametrize("name", ITEMS)
def test_broken_items_at_the_head_of_a_line_are_passed_over(
    world: World, sweeper: sweep.Sweep, model: Script, name: str
) -> None:
    make, words = ITEMS[name]
    line = next(line for line in LINES if line.name == name)
    bad = [make(world) for _ in range(2 * line.most + 1)]
    good = make(world)
    if name == "runs":
        model.will_say(triage(), replies())
    with ExitStack() as broken:
        for item in bad:
            broken.enter_context(before_statement(*words, given=item, act=fail_with(RuntimeError("poison"))))
        tried: set[tuple[str, int]] = set()
        for _ in range(4):
            tried |= one_round(sweeper)
    assert (name, good) in tried
    assert set(Deferral.objects.filter(line=name).values_list("item", "failures")) == {(item, 1) for item in bad}
    assert one_round(sweeper) == set(), "put off until their time has come"
    Deferral.objects.update(not_before=Now())
    if name == "runs":
        Run.objects.filter(pk__in=bad).update(status="cancelled")
    while one_round(sweeper):
        pass
    assert not Deferral.objects.exclude(line="runs").exists(), "forgotten once they are done"


def test_a_line_of_one_item_is_put_off_too(world: World, sweeper: sweep.Sweep) -> None:
    Comparison.objects.all().delete()
    with before_statement('INSERT INTO "approvals_comparison"', act=fail_with(RuntimeError("poison"))):
        wait(sweeper.round().values(), timeout=60)
        started = sweeper.round()
        wait(started.values(), timeout=60)
    assert [row.failures for row in Deferral.objects.filter(line="comparison")] == [1]
    assert "comparison" not in {line.name for line, _ in started}
    Comparison.objects.create(since=Now() - 2 * comparison.LOOK_BACK, periodic=True)


def test_an_item_that_keeps_failing_is_given_to_a_person(
    world: World, sweeper: sweep.Sweep, settings: Settings
) -> None:
    settings.ALERT_EMAILS = ["oncall@shop.example"]
    action = Action.objects.get(pk=approved(world))
    ticket = Ticket.objects.get(pk=action.ticket_id)
    with before_statement('"approvals_action"', "SKIP LOCKED", given=action.pk, act=fail_with(RuntimeError("poison"))):
        for _ in range(deferrals.HANDED_OVER_AFTER + 1):
            assert ("execution", action.pk) in one_round(sweeper)
            Deferral.objects.update(not_before=Now())
    ticket.refresh_from_db()
    assert (ticket.status, "RuntimeError: poison" in ticket.reason) == ("needs_person", True)
    event = AuditEvent.objects.get(verb="work.kept_failing", object_id=f"execution {action.pk}")
    assert event.after["ticket"] == ticket.pk
    assert Notification.objects.filter(event=event).count() == 1
    one_round(sweeper)
    action.refresh_from_db()
    assert action.status == states.SUCCEEDED, "it is still tried"
    assert not Deferral.objects.filter(line="execution").exists()


def test_the_pause_grows_with_each_failure(world: World, sweeper: sweep.Sweep) -> None:
    line = next(line for line in LINES if line.name == "execution")
    pauses = []
    for _ in range(3):
        deferrals.put_off(line, 10**12, RuntimeError("poison"))
        found = Deferral.objects.annotate(now=Now()).get(line=line.name, item=10**12)
        pauses.append(round((found.not_before - found.now).total_seconds()))
    assert pauses == [10, 20, 40]
    Deferral.objects.update(failures=10_000)
    deferrals.put_off(line, 10**12, RuntimeError("poison"))
    found = Deferral.objects.annotate(now=Now()).get(line=line.name, item=10**12)
    assert round((found.not_before - found.now).total_seconds()) == 3600


def test_a_kind_that_this_release_lacks_fails_closed(world: World, sweeper: sweep.Sweep) -> None:
    """Eight actions of a kind that a newer release had before it was rolled back, and a refund behind them."""
    limit = Threshold(kind="voucher", currency="USD", auto_up_to=1_000, block_above=100_000)
    asked_for = {"amount": 500, "currency": "USD", "reason": "The parcel was late."}
    with patch.dict(KINDS, voucher=Voucher("http://localhost:1")):
        put_rules(RULES.model_copy(update={"thresholds": [*RULES.thresholds, limit]}))
        unknown = [propose(ticket_of(world.order()), "send_voucher", asked_for) for _ in range(9)]
        sent = unknown.pop()
        assert execution._claim(sent.pk)
    Action.objects.filter(pk=sent.pk).update(lease_expires_at=Now())
    Run.objects.filter(ticket__in=[action.ticket_id for action in (*unknown, sent)]).update(status="cancelled")
    good = approved(world)
    for _ in range(3):
        one_round(sweeper)
    assert Action.objects.get(pk=good).status == states.SUCCEEDED
    failed = Action.objects.filter(pk__in=[action.pk for action in unknown]).select_related("ticket")
    assert {(action.status, action.error_code) for action in failed} == {(states.FAILED, "unknown_kind")}
    assert {(action.ticket.status, action.ticket.kept_by_person) for action in failed} == {("needs_person", True)}
    # A worker of the newer release may have sent this one, so nobody knows.
    sent.refresh_from_db()
    assert (sent.status, sent.ticket.status, sent.not_before) == (states.UNRESOLVED, "needs_person", None)
    assert not Deferral.objects.exists()


def test_pages_show_a_kind_that_this_release_lacks(world: World) -> None:
    maya = signed_in("maya")
    with patch.dict(KINDS, voucher=Voucher("http://localhost:1")):
        asked_for = {"amount": 500, "currency": "USD", "reason": "The parcel was late."}
        action = propose(ticket_of(world.order()), "send_voucher", asked_for)
    Run.objects.filter(ticket=action.ticket_id).update(status="cancelled")
    request = ApprovalRequest.objects.get(action=action)
    for page in (reverse("queue"), place(request), reverse("action", args=[action.pk]), reverse("actions")):
        assert "Voucher" in markup(maya.get(page)), page


def test_a_locked_row_keeps_no_other_from_its_turn(world: World, sweeper: sweep.Sweep) -> None:
    """A stalled connection may hold the rows at the head of a line: they are skipped without an error."""
    line = next(line for line in LINES if line.name == "execution")
    locked = [approved(world) for _ in range(2 * line.most + 1)]
    good = approved(world)

    def sweep_four_times() -> None:
        for _ in range(4):
            one_round(sweeper)

    with transaction.atomic():
        list(Action.objects.select_for_update().filter(pk__in=locked))
        assert at_once(sweep_four_times) == [None]
    assert Action.objects.get(pk=good).status == states.SUCCEEDED
    for _ in range(3):
        one_round(sweeper)
    assert not Action.objects.filter(pk__in=locked).exclude(status=states.SUCCEEDED).exists()


def test_a_slow_provider_leaves_threads_for_the_others(
    world: World, sweeper: sweep.Sweep, payments: Script, model: Script
) -> None:
    slow = [approved(world) for _ in range(lines.THREADS)]
    request, run = overdue(world), queued(world)
    answered = threading.Event()
    declined = Say({"error": {"code": "card_declined", "message": "No."}}, 402, once=lambda: answered.wait(60))
    payments.will_say(*[declined] * lines.THREADS)
    model.will_say(triage(), replies())
    try:
        others = {work: future for work, future in sweeper.round().items() if work[0].name in ("expiry", "runs")}
        assert {item for _, item in others} == {request, run}
        assert not wait(others.values(), timeout=60).not_done, "done although no payment was answered"
    finally:
        answered.set()
    for _ in range(3):
        one_round(sweeper)
    assert not Action.objects.filter(pk__in=slow).exclude(status=states.FAILED).exists()


def test_the_lines_leave_threads_for_each_other() -> None:
    assert all(line.most < lines.THREADS for line in LINES)
    longest = max(line.most for line in LINES if line.name in ("runs", "replays"))
    assert lines.BACKGROUND + longest < lines.THREADS, "runs may take minutes: money must not wait for them"
