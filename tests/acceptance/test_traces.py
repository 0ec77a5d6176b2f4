"""A whole run as an OTLP collector receives it: web server, workers, model and payment provider in one trace."""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from agentops.lib import tracing
from agentops.management.intake import Intake
from agentops.models import Run, Watermark, WebRequest
from approvals.models import Action, ApprovalRequest, Comparison
from approvals.reconciliation import comparison
from tests.collector import Collector, Received, collecting
from tests.completions import claims_a_refund_of, triage, uses
from tests.conftest import working
from tests.live import Lead, Simulator, Web
from tests.scripted import Say, Script, scripted
from tests.services import INTAKE_SECRET, child_environment
from tests.waiting import until
from tests.world import put_rules, refund_arguments, write_shop
from tickets.incoming import NewTicket

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{CALLER}-00f067aa0ba902b7-01"
Shelf = dict[str, deque[dict[str, Any]]]


@pytest.fixture(scope="module")
def simulator_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def shelf(simulator_data: Path) -> Shelf:
    return write_shop(simulator_data)


@pytest.fixture(scope="module")
def shop(shelf: Shelf, simulator_process: Simulator) -> Simulator:
    return simulator_process


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def model() -> Iterator[Script]:
    with scripted() as model:
        yield model


@pytest.fixture(scope="module")
def payments() -> Iterator[Script]:
    with scripted() as payments:
        yield payments


@pytest.fixture(scope="module")
def environment(
    live_database: str, shop: Simulator, collector: Collector, model: Script, payments: Script
) -> dict[str, str]:
    """The environment of every process of the module. This hour's records count as compared already."""
    put_rules()
    Comparison.objects.create(since=timezone.now() - 2 * comparison.LOOK_BACK, periodic=True)
    return child_environment(
        **{
            "DATABASE_URL": live_database,
            "RUN_LEASE_SECONDS": "4",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "",
            **shop.settings(),
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "PAYMENTS_URL": payments.url,
        }
    )


def expire_leases() -> None:
    """Simulate the passing of time: the lease of a worker that was killed while sending, and a pause."""
    Watermark.objects.update(lease_expires_at=None, not_before=None)


def post(web: Web, order: dict[str, Any], body: str) -> Run:
    """Return the run of a ticket posted through the signed API by a caller with a trace of its own."""
    api = Intake(web.url, INTAKE_SECRET)
    api._http.headers["traceparent"] = TRACEPARENT
    ticket = NewTicket(
        source="test",
        external_id=order["order_id"],
        customer_email=order["customer_email"],
        customer_name="Kim Doe",
        subject="My order",
        body=body,
    )
    posted = api.post(ticket)
    api.close()
    return Run.objects.get(ticket=posted.ticket_id)


def ended(run: Run, collector: Collector) -> dict[str, Received]:
    """Return the run's trace, once its root span has arrived."""
    trace = tracing.trace_id(run.ticket_id, run.pk)
    root = tracing.span_id(trace, "run")
    until(lambda: root in collector.of(trace), seconds=40)
    until(lambda: not WebRequest.objects.exists())
    return collector.of(trace)


def named(spans: dict[str, Received], name: str) -> list[Received]:
    return sorted((span for span in spans.values() if span.name == name), key=lambda span: span.start)


def whole(spans: dict[str, Received]) -> Received:
    """Return the root span. Every other span has its parent in the trace and a plausible duration."""
    [root] = [span for span in spans.values() if not span.parent_id]
    assert [span.name for span in spans.values() if span.parent_id and span.parent_id not in spans] == []
    assert all(span.end >= span.start for span in spans.values())
    return root


def called(script: Script) -> list[tuple[str, str]]:
    """Return the (trace, span) that each request carried."""
    found = [{name.lower(): value for name, value in asked.headers.items()} for asked in script.asked]
    return [tuple(headers["traceparent"].split("-")[1:3]) for headers in found]


def test_a_whole_run_is_one_trace(
    environment: dict[str, str], web: Web, collector: Collector, model: Script, payments: Script, shelf: Shelf
) -> None:
    order = shelf["plain"].popleft()
    busy = Say({"error": {"code": "unavailable", "message": "later"}}, 503)
    with working(environment):
        model.will_say(triage(), busy, uses("refund", refund_arguments(order, 6_000)))
        run = post(web, order, "The lamp is broken: 4242 4242 4242 4242.")
        request = until(lambda: ApprovalRequest.objects.filter(action__run_id=run.pk).first())
        key = Action.objects.get(pk=request.action_id).idempotency_key
        payments.will_say(busy, Say(refunded(order, 6_000, key), 201))
        model.will_say(claims_a_refund_of(order, 6_000))
        with Lead(web.url) as lead:
            lead.approve(request)
        spans = ended(run, collector)

    root = whole(spans)
    assert (root.name, root.attributes["gen_ai.operation.name"]) == ("invoke_agent agentops", "invoke_agent")
    assert root.attributes["gen_ai.conversation.id"] == run.ticket_id
    assert root.attributes["agentops.run.outcome"] == "answered"
    assert {span.schema for span in spans.values()} == {"https://opentelemetry.io/schemas/1.41.0"}
    assert {span.service for span in spans.values()} == {"agentops"}
    assert {span.trace_id for span in collector.spans} == {root.trace_id}, "nothing else is reported"

    # web: the ticket arrives, and a person decides
    [came] = named(spans, "POST /api/tickets")
    assert (came.kind, came.parent_id, came.attributes["http.response.status_code"]) == ("server", root.span_id, 201)
    assert came.links == [CALLER]
    [decided] = [span for span in spans.values() if span.name.startswith("POST /queue/")]
    assert decided.attributes["agentops.user"] == "maya"

    # the model: each call with its tokens, the failed one as an attempt below
    model_calls = [span for span in spans.values() if span.attributes.get("gen_ai.operation.name") == "chat"]
    asked, replied = sorted(
        (span for span in model_calls if span.attributes["gen_ai.output.type"] == "text"), key=lambda span: span.start
    )
    assert (asked.kind, asked.attributes["gen_ai.provider.name"]) == ("client", "openai")
    assert asked.name == f"chat {asked.attributes['gen_ai.request.model']}"
    assert asked.attributes["gen_ai.response.model"] == "gpt-5"
    assert asked.attributes["gen_ai.usage.input_tokens"] == 100
    assert asked.attributes["gen_ai.usage.cache_read.input_tokens"] == 60
    assert asked.attributes["gen_ai.usage.output_tokens"] == 20
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    tries = named(spans, f"{asked.attributes['gen_ai.request.model']} attempt")
    tries = [span for span in tries if span.parent_id == asked.span_id]
    assert [(span.failed, span.attributes.get("http.response.status_code")) for span in tries] == [
        (True, 503),
        (False, None),
    ]
    assert tries[0].end <= tries[1].start
    assert not replied.failed

    # the refund: the policy, the person, and each attempt, below the tool that the model called
    [tool] = named(spans, "execute_tool refund")
    assert (tool.parent_id, tool.attributes["gen_ai.tool.name"]) == (asked.span_id, "refund")
    assert tool.attributes["gen_ai.tool.call.id"] == "call_1"
    [wait] = named(spans, "human approval")
    assert wait.parent_id == tool.span_id
    assert wait.attributes["agentops.approval.decision"] == "approve"
    assert wait.attributes["agentops.approval.decided_by"] == "maya"
    attempts = named(spans, "refund attempt")
    assert [(span.kind, span.parent_id, span.failed) for span in attempts] == [
        ("client", tool.span_id, True),
        ("client", tool.span_id, False),
    ]
    assert [span.attributes["http.response.status_code"] for span in attempts] == [503, 201]
    assert wait.end <= attempts[0].start
    assert {span.attributes["agentops.action.idempotency_key"] for span in attempts} == {key}
    assert len(named(spans, "policy")) == 2, "for the refund and for the reply"
    assert len(named(spans, "reply attempt")) == 1

    # model and provider: what they do appears below the call that requested it
    assert called(payments) == [(root.trace_id, span.span_id) for span in attempts]
    [read] = [
        span
        for span in spans.values()
        if span.parent_id in {span.span_id for span in model_calls} and span.attributes.get("agentops.step.index") == 0
    ]
    assert called(model)[:3] == [(root.trace_id, span.span_id) for span in (read, *tries)]

    said = " ".join(str(span.attributes) for span in spans.values())
    for secret in ("4242", "The lamp is broken", "It is broken", "I have refunded"):
        assert secret not in said, "content is sent only on request"


def refunded(order: dict[str, Any], amount: int, key: str) -> dict[str, Any]:
    return {
        "refund_id": "re_1",
        "payment_id": order["payments"][0]["payment_id"],
        "order_id": order["order_id"],
        "amount": amount,
        "currency": order["currency"],
        "reference": key,
        "status": "succeeded",
        "created_at": "2026-01-05T00:00:00Z",
    }


def test_a_worker_killed_midway_leaves_one_complete_trace(
    environment: dict[str, str], web: Web, collector: Collector, model: Script, shop: Simulator, shelf: Shelf
) -> None:
    order = shelf["plain"].popleft()
    asked_for = {**environment, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
    collector.spans.clear()
    expire_leases()
    with working(asked_for) as worker:
        model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
        shop.faults(endpoints={"GET /orders/{order_id}": [{"fault": "timeout_before", "rate": 1.0}]})
        run = post(web, order, "Where is my parcel? My card is 4242 4242 4242 4242.")
        until(lambda: run.steps.filter(name="get_order").exists())
        worker.kill()
    expire_leases()
    shop.faults()
    model.will_say(uses("reply", {"text": "It has arrived.", "reason": "They asked."}))
    with working(asked_for):
        spans = ended(run, collector)

    root = whole(spans)
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    [read] = named(spans, "execute_tool get_order")
    tries = named(spans, "get_order attempt")
    assert [(span.parent_id, span.failed) for span in tries] == [(read.span_id, True), (read.span_id, False)]
    assert tries[0].attributes["error.type"] == "worker_lost"
    assert len([span for span in spans.values() if span.name.startswith("chat ")]) == 3

    # content is requested here, and redacted
    heard = [span for span in spans.values() if "gen_ai.input.messages" in span.attributes]
    first = json.loads(min(heard, key=lambda span: span.start).attributes["gen_ai.input.messages"])
    assert [message["role"] for message in first][:2] == ["system", "user"]
    assert "Where is my parcel?" in first[1]["parts"][0]["content"]
    last = json.loads(max(heard, key=lambda span: span.start).attributes["gen_ai.input.messages"])
    [result, *_] = [message["parts"][0] for message in last if message["role"] == "tool"]
    assert result["type"] == "tool_call_response"
    assert order["order_id"] in result["response"]
    assert "4242 4242" not in str(spans)
    assert json.loads(read.attributes["gen_ai.tool.call.arguments"]) == {"order_id": order["order_id"]}
