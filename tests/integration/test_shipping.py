"""Exporting what ended to a collector, from the recorded rows, once, despite crashes and outages."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from agentops.lib import tracing
from agentops.models import Run, Step, Watermark, WebRequest
from agentops.telemetry import otlp, shipping
from tests.collector import Collector, Received, collecting
from tests.integration.history_rows import FinishedRun, a_run, an_action, asked, signed_in
from tests.integration.test_intake_api import delivery, signature
from tests.screen import card_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
        monkeypatch.setattr(shipping, "_failing", False)
        otlp._exporter.cache_clear()
        yield collector
        otlp._exporter().shutdown()
        otlp._exporter.cache_clear()


@pytest.fixture
def finished() -> FinishedRun:
    """A run of two hours, of which nothing has been sent."""
    Watermark.objects.create(name=shipping._NAME, through=timezone.now() - timedelta(hours=3))
    return a_run(waited=timedelta(hours=2))


@pytest.fixture
def long_ago() -> FinishedRun:
    """A run of three days, of which nothing has been sent."""
    Watermark.objects.create(name=shipping._NAME, through=timezone.now() - timedelta(days=5))
    return a_run()


def spans(collector: Collector, run: Run) -> dict[str, Received]:
    return collector.of(tracing.trace_id(run.ticket_id, run.pk))


def test_only_finished_spans_are_sent_and_only_once(collector: Collector, finished: FinishedRun) -> None:
    Step.objects.filter(run=finished.run, name="refund").update(finished_at=None, status="waiting")
    Run.objects.filter(pk=finished.run.pk).update(finished_at=None, status="waiting")
    shipping.ship(0)
    first = len(collector.spans)
    assert not [span for span in collector.spans if span.name in ("execute_tool refund", "invoke_agent agentops")]
    shipping.ship(0)
    assert len(collector.spans) == first
    Run.objects.filter(pk=finished.run.pk).update(finished_at=Now(), status="succeeded")
    shipping.ship(0)
    assert [span.name for span in collector.spans[first:]] == ["queued", "invoke_agent agentops"]


def test_without_a_collector_nothing_is_read_or_stored(monkeypatch: pytest.MonkeyPatch, finished: FinishedRun) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with CaptureQueriesContext(connection) as said:
        assert shipping.due() == []
    assert not said.captured_queries
    body = b"{}"
    Client().post("/api/tickets", body, content_type="application/json", headers=signature(body))
    assert not WebRequest.objects.exists()


def test_an_unrecorded_export_is_resent_with_the_same_spans(collector: Collector, finished: FinishedRun) -> None:
    before = Watermark.objects.get(name=shipping._NAME).through
    shipping.ship(0)
    first = spans(collector, finished.run)
    Watermark.objects.update(through=before)
    shipping.ship(0)
    assert len(collector.spans) == 2 * len(first)
    assert spans(collector, finished.run) == first


def test_an_unavailable_collector_is_retried_and_gets_everything(
    collector: Collector, finished: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400  # it refuses: retrying at once is pointless
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            Watermark.objects.update(not_before=None)
            shipping.ship(0)
            assert shipping.due() == [], "it pauses"
        collector.status = 200
        Watermark.objects.update(not_before=None)
        assert shipping.due()
        shipping.ship(0)
    assert [record.msg["event"][:40] for record in caplog.records if record.name == shipping.__name__] == [
        "the collector doesn't accept our traces;",
        "the collector accepts our traces again",
    ]
    assert len(spans(collector, finished.run)) == len(collector.spans) > 10


def test_the_answering_provider_is_named(collector: Collector, finished: FinishedRun, settings: Settings) -> None:
    settings.OPENAI_BASE_URL, settings.LLM_FALLBACK_BASE_URL = "https://first.example/v1", "https://second.example/v1"
    first, *others = Step.objects.filter(run=finished.run, kind="llm").order_by("index")
    Step.objects.filter(pk=first.pk).update(input={**first.input, "provider": "fallback"})
    shipping.ship(0)
    asked = [span.attributes["server.address"] for span in collector.spans if span.name.startswith("chat")]
    assert sorted(asked) == [*["first.example"] * (len(asked) - 1), "second.example"]
    assert others


@pytest.mark.parametrize(("asked_for", "shown"), [(False, "unknown"), (True, "write_to_jane")])
def test_invented_tools_are_named_only_when_content_is_captured(
    collector: Collector, finished: FinishedRun, settings: Settings, asked_for: bool, shown: str
) -> None:
    settings.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT = asked_for
    Step.objects.filter(run=finished.run, name="get_order").update(name="write_to_jane")
    shipping.ship(0)
    assert {f"execute_tool {shown}", f"{shown} attempt"} <= set(names(collector))
    assert shown in {span.attributes.get("gen_ai.tool.name") for span in collector.spans}
    told_of = [span for span in collector.spans if "jane" in f"{span.name} {span.attributes}"]
    assert bool(told_of) == asked_for


def test_only_repeated_requests_count_as_resent(collector: Collector, finished: FinishedRun) -> None:
    shipping.ship(0)
    attempts = [span.attributes for span in collector.spans if span.name == "refund attempt"]
    assert [about.get("http.request.resend_count") for about in attempts] == [None, 1]


def names(collector: Collector) -> list[str]:
    return sorted(span.name for span in collector.spans)


def test_a_permanently_refused_span_does_not_block_the_others(
    collector: Collector, finished: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    collector.judge = lambda spans: 400 if "queued" in {span.name for span in spans} else 200
    shipping.ship(0)
    without, asked = names(collector), collector.asked
    assert [record.msg["span"] for record in caplog.records if record.name == shipping.__name__] == ["queued"]
    shipping.ship(0)
    assert collector.asked == asked, "it is given up"
    collector.judge = None
    collector.spans.clear()
    Watermark.objects.update(through=timezone.now() - timedelta(hours=3))
    shipping.ship(0)
    assert without == [name for name in names(collector) if name != "queued"]


def test_an_oversized_export_is_split(collector: Collector, finished: FinishedRun) -> None:
    collector.judge = lambda spans: 413 if len(spans) > 4 else 200
    shipping.ship(0)
    assert len(spans(collector, finished.run)) == len(collector.spans) > 10
    assert shipping.due(), "nothing is left to resend"


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_fixing_the_collector_loses_no_spans(collector: Collector, finished: FinishedRun, status: int) -> None:
    collector.status = status
    shipping.ship(0)
    collector.status = 200
    Watermark.objects.update(not_before=None)
    shipping.ship(0)
    assert len(spans(collector, finished.run)) == len(collector.spans) > 10


def test_many_steps_are_sent_in_batches(collector: Collector, finished: FinishedRun) -> None:
    first = timezone.now() - timedelta(hours=1)
    times = [first + timedelta(seconds=number // 2) for number in range(500)]  # two steps end at each instant
    Step.objects.bulk_create(
        Step(
            run=finished.run,
            index=10 + number,
            kind="tool",
            name="get_order",
            status="done",
            started_at=at,
            finished_at=at,
        )
        for number, at in enumerate(times)
    )
    shipping.ship(0)
    assert collector.asked >= 3
    assert len(collector.spans) == len(spans(collector, finished.run)) > 510


def test_one_worker_sends_and_a_dead_workers_lease_expires(collector: Collector, finished: FinishedRun) -> None:
    Watermark.objects.update(lease_expires_at=Now() + timedelta(seconds=10))
    assert shipping.due() == []
    shipping.ship(0)
    assert collector.asked == 0
    Watermark.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    shipping.ship(0)
    assert collector.asked == 1


def test_spans_older_than_a_day_are_skipped(collector: Collector, long_ago: FinishedRun) -> None:
    shipping.ship(0)
    sent = {
        span.attributes["agentops.step.index"] for span in collector.spans if "agentops.step.index" in span.attributes
    }
    assert sent == {3, 4, 5}, "the first steps ended three days ago"


def test_web_requests_do_not_pile_up_during_an_outage(collector: Collector, long_ago: FinishedRun) -> None:
    collector.status = 400
    for request_id, hours in (("old", 25), ("new", 23)):
        then = timezone.now() - timedelta(hours=hours)
        WebRequest.objects.create(
            ticket_id=long_ago.ticket.pk,
            run_id=long_ago.run.pk,
            request_id=request_id,
            method="POST",
            status=200,
            started_at=then,
            finished_at=then,
        )
    shipping.ship(0)
    assert [request.request_id for request in WebRequest.objects.all()] == ["new"]


def test_a_first_start_does_not_export_history(collector: Collector) -> None:
    a_run()
    shipping.ship(0)
    assert collector.spans == []
    assert Watermark.objects.filter(name=shipping._NAME).exists()


def test_a_run_that_cannot_be_exported_does_not_block_others(collector: Collector, finished: FinishedRun) -> None:
    broken = Run.objects.create(
        ticket=finished.ticket, number=9, through_message=1, status="succeeded", finished_at=Now()
    )
    Step.objects.create(
        run=broken,
        index=0,
        kind="llm",
        name="m",
        status="done",
        finished_at=Now(),
        failures=[{"attempt": 1, "started_at": "never"}],
    )
    shipping.ship(0)
    assert len(spans(collector, finished.run)) > 10


def test_a_changing_web_request_joins_the_trace_and_is_removed(collector: Collector) -> None:
    caller = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = str(delivery("traced-1")).replace("'", '"').encode()
    headers = {**signature(body), "traceparent": f"00-{caller}-00f067aa0ba902b7-01", "X-Request-ID": "from-a-proxy"}
    answer = Client().post("/api/tickets", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (201, "from-a-proxy")
    run = Run.objects.get()
    shipping.ship(0)
    [span] = spans(collector, run).values()
    assert (span.name, span.kind, span.links) == ("POST /api/tickets", "server", [caller])
    assert span.attributes["agentops.request.id"] == "from-a-proxy"
    assert not WebRequest.objects.exists()


def test_deciding_users_are_named_and_reads_are_not_recorded(collector: Collector) -> None:
    action = an_action(status="awaiting_approval", kind="reply", run_id=77, params={"text": "Hi.", "reason": "x"})
    request = asked(action)
    lead = signed_in()
    lead.get(f"/queue/{request.pk}/")
    assert not WebRequest.objects.exists()
    lead.post(f"/queue/{request.pk}/reject/", card_fields(request, reason="No."))
    [row] = WebRequest.objects.all()
    assert (row.run_id, row.ticket_id, row.user, row.route) == (
        77,
        action.ticket_id,
        "maya",
        "/queue/<int:request_id>/reject/",
    )


@pytest.mark.parametrize("given", ["short", "with blank and more", "x" * 65, "<script>alert(1)"])
def test_an_arbitrary_request_id_is_replaced(db: None, given: str) -> None:
    shown = Client().get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert shown != given
    assert len(shown) == 32
