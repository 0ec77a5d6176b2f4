"""A step that became slower or fails more often is marked on the dashboard, two clicks from its trace."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agentops.models import Run, Step, Tally, Watermark
from agentops.telemetry import tallies
from agentops.web.queries import latency
from tests.integration.history_rows import a_run, a_ticket, link, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db
EARLIER, TODAY = timedelta(days=3), timedelta(hours=2)


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


@pytest.fixture
def run(db: None) -> Run:
    ticket = a_ticket("A slow <b>lamp</b>")
    return Run.objects.create(ticket=ticket, number=1, status="succeeded", through_message=1)


def steps(run: Run, name: str, seconds: list[float], ago: timedelta = TODAY, **more: object) -> list[Step]:
    begin = timezone.now() - ago
    first = Step.objects.filter(run=run).count()
    return Step.objects.bulk_create(
        Step(
            **{
                "run": run,
                "index": first + place,
                "kind": "tool",
                "name": name,
                "status": "done",
                "started_at": begin,
                "finished_at": begin + timedelta(seconds=took),
                **more,
            }
        )
        for place, took in enumerate(seconds)
    )


def rows(now: datetime | None = None) -> dict[str, latency.Latency]:
    """Count from scratch. The rows end in the past, one after another."""
    Tally.objects.all().delete()
    Watermark.objects.all().delete()
    tallies.roll_up(0)
    return {row.name: row for row in latency.latencies(now or timezone.now())}


def test_latencies_exclude_steps_that_waited_for_a_person(run: Run) -> None:
    steps(run, "refund", [3_000.0], waited_for_person=True)
    steps(run, "get_order", [0.1] * 99 + [4.0])
    found = rows()
    assert (found["refund"].day.count, found["refund"].p50, found["refund"].p99) == (1, None, None)
    assert found["get_order"].p50 == pytest.approx(0.1, rel=0.26)
    assert found["get_order"].p99 == pytest.approx(0.1, rel=0.26)
    assert found["get_order"].day.within(1.0) == pytest.approx(4.0, rel=0.26)


def test_a_slower_99th_percentile_is_marked_and_listed_first(run: Run) -> None:
    steps(run, "get_order", [0.1] * 100, EARLIER)
    steps(run, "find_orders", [0.1] * 100, EARLIER)
    steps(run, "find_orders", [0.1] * 60)
    steps(run, "get_order", [0.1] * 40 + [2.0] * 3)
    found = rows()
    assert list(found) == ["get_order", "find_orders"]
    assert found["get_order"].slower == pytest.approx(20, rel=0.3)
    assert found["find_orders"].slower is None


def test_too_few_samples_are_not_compared(run: Run) -> None:
    steps(run, "get_order", [0.1] * 100, EARLIER)
    steps(run, "get_order", [9.0] * 5)
    assert rows()["get_order"].slower is None
    steps(run, "find_orders", [0.1] * 100, EARLIER)
    steps(run, "find_orders", [0.1] * 30 + [9.0] * 2)
    assert rows()["find_orders"].slower is None


def test_a_higher_failure_rate_is_marked(run: Run) -> None:
    steps(run, "get_order", [0.1] * 95, EARLIER)
    steps(run, "get_order", [0.1] * 5, EARLIER, status="failed", error_code="timeout", error_class="transient")
    steps(run, "get_order", [0.1] * 40)
    assert rows()["get_order"].fails == ""
    steps(
        run,
        "get_order",
        [0.1] * 8,
        TODAY - timedelta(hours=1),
        status="failed",
        error_code="timeout",
        error_class="transient",
    )
    row = rows()["get_order"]
    assert (row.fails, row.day.failed, row.day.count) == ("more", 8, 48)


def test_failures_without_earlier_data_are_not_called_an_increase(run: Run) -> None:
    steps(run, "get_order", [0.1] * 40)
    steps(
        run,
        "get_order",
        [0.1] * 8,
        TODAY - timedelta(hours=1),
        status="failed",
        error_code="timeout",
        error_class="transient",
    )
    row = rows()["get_order"]
    assert (row.fails, row.day.failed) == ("", 8)
    steps(
        run,
        "get_order",
        [0.1] * 8,
        TODAY - timedelta(hours=1),
        status="failed",
        error_code="timeout",
        error_class="transient",
    )
    assert rows()["get_order"].fails == "often"


def test_the_slowest_steps_come_first_page_by_page(run: Run) -> None:
    seconds = [number % 7 + 0.5 for number in range(2 * latency._PAGE_SIZE + 1)]
    steps(run, "get_order", seconds)
    steps(run, "get_order", [90.0], EARLIER)
    steps(run, "get_order", [90_000.0], timedelta(days=1, hours=3), waited_for_person=True)
    steps(run, "find_orders", [80.0])
    seen, after = [], ""
    for _ in range(3):
        found, after = latency.slowest("get_order", after)
        seen += [row.took.total_seconds() for row in found if row.took]
    assert seen == sorted(seconds, reverse=True)
    assert after == ""


def test_failed_steps_are_newest_first_without_human_rejections(run: Run) -> None:
    more = {"status": "failed", "error_code": "timeout", "error_class": "transient"}
    bad = steps(run, "refund", [1.0] * (latency._PAGE_SIZE + 1), **more)
    steps(run, "refund", [1.0], status="failed", error_code="rejected", error_class="action")
    first, after = latency.failed_steps("refund")
    second, end = latency.failed_steps("refund", after)
    assert (len(first), len(second)) == (latency._PAGE_SIZE, 1)
    assert [row.step.pk for row in [*first, *second]] == [step.pk for step in reversed(bad)]
    assert end == ""


def test_triage_and_answers_of_a_model_have_separate_lists(run: Run) -> None:
    steps(run, "small", [9.0] * 3, kind="llm")
    triage = steps(run, "small", [3.0], kind="triage")
    assert [row.step.pk for row in latency.slowest("small", kind="triage")[0]] == [triage[0].pk]
    assert len(latency.slowest("small")[0]) == 4


def test_calls_of_nonexistent_tools_are_listed_together(run: Run) -> None:
    more = {"status": "failed", "error_code": "unknown_tool", "error_class": "refused"}
    bad = [*steps(run, "made_up", [1.0], **more), *steps(run, "another", [1.0], **more)]
    steps(run, "get_order", [1.0], status="failed", error_code="timeout", error_class="transient")
    found, _ = latency.failed_steps("unknown", kind="tool")
    assert {row.step.pk for row in found} == {step.pk for step in bad}


@pytest.mark.parametrize("after", ["x", "1-", "-1", "9" * 30, "1-2-3", "1-9" + "9" * 30])
def test_an_invalid_cursor_shows_the_first_page(run: Run, after: str) -> None:
    steps(run, "get_order", [1.0])
    assert len(latency.slowest("get_order", after)[0]) == 1


def test_the_dashboard_leads_to_the_slow_step_in_two_clicks(maya: Client) -> None:
    finished = a_run()
    run = Run.objects.create(ticket=finished.ticket, number=2, status="succeeded", through_message=1)
    steps(run, "get_order", [0.1] * 100, EARLIER)
    slow = steps(run, "get_order", [0.1] * 30 + [6.0, 6.5, 7.0])[-1]
    tallies.roll_up(0)
    page = markup(maya.get(reverse("dashboard")))
    assert "slower</span></span>" in page
    listed = maya.get(link(page, "show=slow"))
    first = link(markup(listed), f"/runs/{run.pk}/")
    assert first == f"/runs/{run.pk}/?step={slow.index}#step"
    trace = markup(maya.get(first.partition("#")[0]))
    assert 'id="step"' in trace
    assert f"{slow.index}. get_order" in trace


def test_htmx_gets_a_fragment_whose_next_page_keeps_the_filters(maya: Client, run: Run) -> None:
    steps(run, "get_order", [2.0] * latency._PAGE_SIZE + [1.0])
    page = maya.get(reverse("runs"), {"step": "get_order", "show": "slow"}, headers={"HX-Request": "true"})
    said = markup(page)
    assert "<html" not in said
    address = link(said, "after=")
    assert "show=slow" in address
    assert f"Step {latency._PAGE_SIZE} of" in markup(maya.get(address))
    for odd in ({"show": "slow"}, {"step": "get_order", "show": "nonsense"}):
        assert "All runs" in markup(maya.get(reverse("runs"), odd))


def test_each_list_uses_its_index(run: Run) -> None:
    steps(run, "get_order", [1.0] * 60, status="failed", error_code="timeout", error_class="transient")
    with CaptureQueriesContext(connection) as said:
        latency.slowest("get_order", "500000-1")
        latency.failed_steps("get_order", "0-1")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans = []
        for query in said.captured_queries:
            cursor.execute("EXPLAIN " + query["sql"])
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    assert "step_slowest" in plans[0], plans[0]
    assert "step_failing" in plans[1], plans[1]
