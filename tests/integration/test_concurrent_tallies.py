"""Counting while others write, on a separate database."""

import threading

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from agentops.models import Run, Step, Tally, Watermark
from agentops.telemetry import tallies
from approvals.models import Attempt
from tests.integration.history_rows import a_run
from tests.integration.test_tallies import counted
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("live_database")


@pytest.fixture(autouse=True)
def from_the_beginning(live_database: str) -> None:
    Tally.objects.all().delete()
    Watermark.objects.all().delete()


def test_a_late_commit_is_not_missed() -> None:
    """A transaction that starts before the count and ends after it: its rows have an earlier time than the count."""
    finished = a_run("running")
    wrote, counted_once = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                Run.objects.filter(pk=finished.run.pk).update(status="succeeded", finished_at=Now())
                wrote.set()
                counted_once.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    assert wrote.wait(10)
    try:
        tallies.roll_up(0)
        assert counted(subject="run") == 0
        assert counted(subject="llm") == 2, "earlier commits are not held back"
    finally:
        counted_once.set()
        thread.join()
    until(lambda: [tallies.roll_up(0), counted(subject="run") == 1][-1])


def test_two_concurrent_workers_count_once() -> None:
    for _ in range(5):
        a_run()
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait(10)
            tallies.roll_up(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tallies.roll_up(0)
    steps = Step.objects.filter(kind="llm", finished_at__isnull=False)
    assert counted(subject="run") == Run.objects.count() >= 5
    assert (counted(subject="llm"), counted(subject="attempt")) == (steps.count(), Attempt.objects.count())
