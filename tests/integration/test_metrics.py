"""/metrics: what Prometheus reads, compared with the database."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from pytest_django import Settings

from agentops.models import Hold, Run, Step, Tally
from agentops.replays import queueing, running
from agentops.telemetry import tallies
from agentops.worker import heartbeat
from approvals.decisions import decide
from approvals.effects import execution, stops
from approvals.models import Action, ApprovalRequest, Attempt, Deferral
from tests.completions import claims_a_refund_of, hands_over, triage, uses
from tests.scripted import Say, Script
from tests.world import World, propose_refund, refund_arguments, run_through, ticket_of

TOKEN = "a-token-that-prometheus-has"
LABELS = ("kind", "name", "model", "type", "status", "outcome", "error_class", "work", "le", "line")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(accept: str = "text/plain") -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept})


def samples() -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the samples by name and label values (in the order of `LABELS`), as Prometheus's own parser reads them."""
    return {
        (sample.name, tuple(sample.labels[name] for name in LABELS if name in sample.labels)): sample.value
        for family in read_text(scrape().content.decode())
        for sample in family.samples
    }


def total(name: str) -> float:
    return sum(value for (sample, _), value in samples().items() if sample == name)


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_metrics_require_their_token(given: str) -> None:
    answer = Client().get("/metrics", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert "METRICS_TOKEN" in answer.content.decode()


def test_without_a_configured_token_metrics_are_refused_with_a_reason(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    answer = Client().get("/metrics", headers={"Authorization": "Bearer "})
    assert answer.status_code == 401
    assert answer.content.decode().startswith("METRICS_TOKEN is not set. Set it")


def test_the_format_is_text_or_openmetrics_as_requested(world: World) -> None:
    assert scrape().headers["Content-Type"].startswith("text/plain; version=")
    answer = scrape(OPENMETRICS)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert list(read_openmetrics(answer.content.decode())), openmetrics


def test_the_figures_match_the_database(world: World, model: Script, lead: User) -> None:
    order, other, waiting = world.order(), world.order(), world.order()
    busy = Say({"error": {"code": "unavailable", "message": "later"}}, 503)
    refund = refund_arguments(order, 2_000)
    # An automatic refund, proposed twice, with a late second model answer; one that a person approves; one that waits.
    model.will_say(triage(), uses("refund", refund), busy)
    ticket = ticket_of(order)
    run_through(ticket)
    model.will_say(uses("refund", refund), claims_a_refund_of(order, 2_000))
    Run.objects.filter(ticket=ticket).update(not_before=None)
    run_through(ticket)
    model.will_say(triage(), uses("refund", refund_arguments(other, 6_000)))
    second = ticket_of(other)
    run_through(second)
    request = ApprovalRequest.objects.get(action__ticket=second)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    world.faults("POST /refunds", "refused_by_bank")
    execution.execute(request.action_id)
    model.will_say(hands_over())
    run_through(second)
    world.simulator.faults()
    model.will_say(triage(), uses("refund", refund_arguments(waiting, 6_000)))
    run_through(ticket_of(waiting))
    tallies.roll_up(0)
    read = samples()

    settled = Action.objects.filter(settled_at__isnull=False).values_list("kind", "status", "error_class")
    for kind, status, error_class, count in settled.annotate(n=Count("pk")).order_by():
        shown = error_class if status == "failed" else ""
        assert read["agentops_actions_settled_total", (kind, status, shown)] == count
    assert total("agentops_actions_settled_total") == Action.objects.filter(settled_at__isnull=False).count() >= 3
    assert read["agentops_actions_settled_total", ("refund", "failed", "terminal")] == 1
    assert read["agentops_duplicates_absorbed_total", ("refund",)] == 1
    assert total("agentops_attempts_total") == Attempt.objects.filter(finished_at__isnull=False).count()
    assert total("agentops_attempt_seconds_count") == total("agentops_attempts_total")
    assert read["agentops_actions_open", ("refund", "awaiting_approval")] == 1
    assert read["agentops_queue_waiting", ("refund",)] == 1
    assert 0 <= read["agentops_queue_oldest_seconds", ("refund",)] < 60
    assert read["agentops_actions_unresolved", ()] == 0
    assert read["agentops_runs_ended_total", ("succeeded", "answered")] == 1
    assert read["agentops_runs_ended_total", ("succeeded", "with_person")] == 1
    assert read["agentops_runs_open", ("waiting",)] == 1

    steps = Step.objects.filter(finished_at__isnull=False)
    assert total("agentops_steps_total") == steps.count()
    assert total("agentops_step_retries_total") == 1
    timed = steps.filter(waited_for_person=False)
    assert total("agentops_step_seconds_count") == timed.count() == steps.count() - 1
    for name, labels in read:
        if name == "agentops_step_seconds_bucket" and labels[-1] == "+Inf":
            assert read[name, labels] == timed.filter(kind=labels[0], name=labels[1]).count()
    sums = steps.aggregate(cost=Sum("cost_usd"), input=Sum("input_tokens"), cached=Sum("cached_tokens"))
    assert total("agentops_llm_cost_usd_total") == pytest.approx(float(sums["cost"]))
    tokens = {
        sort: sum(
            value for (name, labels), value in read.items() if name == "agentops_llm_tokens_total" and labels[1] == sort
        )
        for sort in ("input", "cached")
    }
    assert tokens == {"input": sums["input"], "cached": sums["cached"]}


def test_replay_spending_counts_for_budgets_but_not_tickets(world: World, model: Script) -> None:
    model.will_say(triage(), hands_over())
    run = run_through(ticket_of(world.order()))
    tallies.roll_up(0)
    cost, spent = total("agentops_llm_cost_usd_total"), total("agentops_budget_spent_usd_total")
    model.will_say(triage(), hands_over())
    replay = queueing.queue_replay(run=run, mode="model", asked_by="lead")
    running.advance_replay(replay.pk)
    tallies.roll_up(0)
    replay.refresh_from_db()
    assert replay.cost_usd > 0
    assert total("agentops_budget_spent_usd_total") == pytest.approx(spent + float(replay.cost_usd))
    assert total("agentops_llm_cost_usd_total") == pytest.approx(cost)
    assert total("agentops_budget_reserved_usd") == pytest.approx(0)


def test_histogram_buckets_are_cumulative(world: World) -> None:
    hour = {"hour": "1970-01-01T00:00Z", "subject": "tool", "name": "get_order", "status": "done"}
    for bucket, count in ((0, 1), (20, 2), (70, 4), (71, 8)):
        Tally.objects.create(**hour, bucket=bucket, count=count, seconds=1)
    shown = {
        labels[-1]: value
        for (name, labels), value in samples().items()
        if name == "agentops_step_seconds_bucket" and labels[1] == "get_order"
    }
    Tally.objects.filter(error_class="", **hour).delete()
    assert (shown["0.001"], shown["0.05"], shown["0.1"], shown["10000"], shown["+Inf"]) == (1, 1, 3, 7, 15)
    assert list(shown.values()) == sorted(shown.values())


def test_the_sweeps_lag_is_the_age_of_the_oldest_due_work(world: World) -> None:
    ticket = ticket_of(world.order())
    run = Run.objects.filter(ticket=ticket)
    run.update(not_before=Now() + timedelta(hours=1))
    assert samples()["agentops_sweep_lag_seconds", ("run",)] == 0
    run.update(not_before=Now() - timedelta(minutes=5))
    assert samples()["agentops_sweep_lag_seconds", ("run",)] == pytest.approx(300, abs=20)
    run.update(status="running", lease_expires_at=Now() - timedelta(minutes=2), not_before=None)
    read = samples()
    assert read["agentops_sweep_lag_seconds", ("lease",)] == pytest.approx(120, abs=20)
    run.update(status="cancelled", lease_expires_at=None)


def test_work_that_is_put_off_is_counted_by_line(world: World) -> None:
    for item in (1, 2):
        Deferral.objects.create(line="runs", item=item, failures=1, error="RuntimeError", not_before=Now())
    assert samples()["agentops_work_put_off", ("runs",)] == 2
    Deferral.objects.all().delete()


def test_stopped_and_held_work_does_not_count_as_lag(world: World, lead: User) -> None:
    action = propose_refund(world.order(), 2_000)
    Action.objects.filter(pk=action.pk).update(approved_at=Now() - timedelta(minutes=5))
    lag = ("agentops_sweep_lag_seconds", ("action",))
    assert samples()[lag] == pytest.approx(300, abs=20)
    stop = stops.stop_kind(kind="refund", reason="The shop is being robbed.", by=lead)
    assert samples()[lag] == 0
    stops.resume_stopped(stop_id=stop.pk, by=lead)
    assert samples()[lag] == pytest.approx(300, abs=20)

    ticket = ticket_of(world.order())
    held = Run.objects.get(ticket=ticket)
    second = Run.objects.create(ticket=ticket, number=2, through_message=1, status="queued")
    Run.objects.filter(pk=second.pk).update(created_at=Now() - timedelta(days=2))
    Run.objects.filter(pk=held.pk).update(status="waiting")
    Hold.objects.create(run=held, cause="budget", per="day", model="gpt-5-mini")
    assert samples()["agentops_sweep_lag_seconds", ("run",)] < 3_600


def test_worker_heartbeats_are_reported_even_without_a_broker(world: World, broker: str, settings: Settings) -> None:
    settings.REDIS_URL = broker
    with redis.Redis.from_url(broker) as valkey:
        valkey.set(heartbeat.KEY, 1, ex=30)
        assert samples()["agentops_worker_heartbeat_age_seconds", ()] > 1_000_000
        valkey.delete(heartbeat.KEY)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ("agentops_worker_heartbeat_age_seconds", ()) not in samples()


def test_a_scrape_never_scans_a_growing_table(world: World) -> None:
    """Each statement uses an index on open rows, or the tallies."""
    with CaptureQueriesContext(
        connection,
    ) as said:
        scrape()
    assert 5 < len(said) < 22
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        for query in said.captured_queries:
            if not query["sql"].startswith("SELECT statement_timestamp"):
                cursor.execute("EXPLAIN " + query["sql"])
                plan = "\n".join(row[0] for row in cursor.fetchall())
                for table in ("approvals_approvalrequest", "agentops_run", "agentops_step", "approvals_attempt"):
                    assert f"Seq Scan on {table}" not in plan, plan
        cursor.execute("RESET enable_seqscan")
