"""Finished work is counted once, by any worker, after any crash, however late it is committed."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils import timezone

from agentops.lib import buckets
from agentops.models import Run, Step, Tally, Watermark
from agentops.telemetry import tallies
from agentops.telemetry.watermark import EPOCH
from approvals import states, transitions
from approvals.models import Action
from tests.integration.history_rows import a_run, an_action

pytestmark = pytest.mark.django_db


def counted(**wanted: str) -> int:
    return Tally.objects.filter(hour=EPOCH, **wanted).aggregate(n=Sum("count"))["n"] or 0


def test_finished_work_is_counted_once_however_often_asked() -> None:
    finished = a_run()
    for _ in range(3):
        tallies.roll_up(0)
    assert counted(subject="tool", name="get_order", status="failed", error_class="refused") == 1
    assert (counted(subject="llm"), counted(subject="attempt", error_class="effect_unknown")) == (2, 1)
    assert counted(subject="run", name="answered", status="succeeded") == 1
    Step.objects.filter(run=finished.run, kind="llm").update(finished_at=timezone.now())  # as if two more had ended
    tallies.roll_up(0)
    assert (counted(subject="llm"), counted(subject="run")) == (4, 1)


def test_the_hours_add_up_to_the_total() -> None:
    a_run()
    a_run()
    tallies.roll_up(0)
    hours, ever = (Counter[str](), Counter[str]())
    for row in Tally.objects.all():
        (ever if row.hour == EPOCH else hours)[f"{row.subject} {row.name} {row.bucket}"] += row.count
    assert hours == ever
    assert sum(ever.values()) > 10
    row = Tally.objects.filter(hour=EPOCH, subject="llm").aggregate(cost=Sum("cost_usd"), tokens=Sum("input_tokens"))
    assert (row["cost"], row["tokens"]) == (Decimal("0.0042"), 2_000)


def test_a_wait_for_a_person_is_counted_but_not_timed() -> None:
    a_run()
    tallies.roll_up(0)
    assert [row.bucket for row in Tally.objects.filter(subject="tool", name="refund", hour=EPOCH)] == [buckets.UNTIMED]
    [read] = Tally.objects.filter(subject="tool", name="get_order", hour=EPOCH)
    assert read.bucket == buckets.bucket_of(0.1)


def test_tools_invented_by_a_model_count_as_one() -> None:
    finished = a_run()
    Step.objects.filter(run=finished.run, name="get_order").update(name="transfer_everything")
    tallies.roll_up(0)
    assert (counted(name="transfer_everything"), counted(name="unknown", subject="tool")) == (0, 1)


def test_a_late_failure_counts_as_success_and_failure() -> None:
    action = an_action(status=states.EXECUTING, settled_at=None)
    for status in (states.SUCCEEDED, states.FAILED):
        transitions.move(action, status, actor="system", verb="action.moved", error_class="terminal")
    tallies.roll_up(0)
    assert counted(subject="action", name="refund", status="succeeded") == 1
    assert counted(subject="action", name="refund", status="failed", error_class="terminal") == 1


def test_years_without_activity_are_skipped() -> None:
    a_run()
    Run.objects.update(finished_at=timezone.now() - timedelta(days=9_000))
    Step.objects.update(
        started_at=timezone.now() - timedelta(days=3_000, minutes=1), finished_at=timezone.now() - timedelta(days=3_000)
    )
    tallies.roll_up(0)
    assert (counted(subject="run"), counted(subject="llm"), counted(subject="attempt")) == (1, 2, 3)
    assert not Tally.objects.filter(hour__gt=EPOCH, hour__lt=timezone.now() - timedelta(days=30)).exists()


def test_a_sweep_counts_nothing_while_tallies_are_current() -> None:
    assert tallies.due()
    tallies.roll_up(0)
    assert not tallies.due()
    Watermark.objects.update(through=timezone.now() - timedelta(minutes=1))
    assert tallies.due()


def test_database_and_python_use_the_same_buckets() -> None:
    finished = a_run()
    Step.objects.filter(run=finished.run).exclude(kind="llm").delete()
    step = Step.objects.filter(run=finished.run).latest("index")
    Action.objects.filter(run_id=finished.run.pk).update(run_id=None)
    for index, seconds in enumerate((0, 0.001, 0.00101, 0.1, 0.8, 1, 1.0001, 9.99, 10_000, 20_000)):
        step.pk, step.index, step.name = None, 100 + index, f"model-{index}"
        step._state.adding = True
        step.started_at, step.finished_at = (
            finished.run.created_at,
            finished.run.created_at + timedelta(seconds=seconds),
        )
        step.save()
    tallies.roll_up(0)
    for index, seconds in enumerate((0, 0.001, 0.00101, 0.1, 0.8, 1, 1.0001, 9.99, 10_000, 20_000)):
        [row] = Tally.objects.filter(hour=EPOCH, name=f"model-{index}")
        assert row.bucket == buckets.bucket_of(seconds), seconds
