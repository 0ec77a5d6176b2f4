"""`/metrics` for Prometheus, as text or OpenMetrics.

Every figure is read from the database, so it doesn't matter which of many processes answers.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from agentops.lib import buckets
from agentops.web.queries import metrics
from agentops.worker import heartbeat

# Prometheus gets fewer buckets than we keep, because each one is a time series per name.
_BOUNDS = [bound for bound in buckets.BOUNDS if f"{bound:e}"[:3] in ("1.0", "2.5", "5.0")]


@require_safe
@never_cache
@login_not_required
def prometheus(request: HttpRequest) -> HttpResponse:
    """Show the metrics to a caller with METRICS_TOKEN."""
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN:
        return _refuse("METRICS_TOKEN is not set. Set it, and use it as the bearer token in Prometheus.")
    # compare_digest takes the same time wherever the first difference is, so the token can't be guessed by timing.
    if not hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return _refuse("Send the header `Authorization: Bearer` with this installation's METRICS_TOKEN.")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _refuse(why: str) -> HttpResponse:
    headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
    return HttpResponse(f"{why}\n", status=401, content_type="text/plain; charset=utf-8", headers=headers)


class Figures(Collector):
    def collect(self) -> Iterable[Metric]:
        at = metrics.current_time()
        yield from _actions()
        yield from _runs()
        yield from _queue(at=at)
        yield from _steps()
        yield from _spent()
        yield from _lag(at=at)


def _actions() -> Iterable[Metric]:
    opened = GaugeMetricFamily("agentops_actions_open", "Actions without a final outcome.", labels=["kind", "status"])
    unresolved = GaugeMetricFamily("agentops_actions_unresolved", "Actions with an unknown outcome.")
    rows = metrics.open_actions()
    for kind, status, count in rows:
        opened.add_metric([kind, status], count)
    unresolved.add_metric([], sum(count for _, status, count in rows if status == "unresolved"))
    settled = CounterMetricFamily(
        "agentops_actions_settled",
        "Actions that became final. One that failed after it had succeeded counts as both.",
        labels=["kind", "status", "error_class"],
    )
    absorbed = CounterMetricFamily(
        "agentops_duplicates_absorbed", "Repeated proposals that were prevented.", labels=["kind"]
    )
    attempts = CounterMetricFamily(
        "agentops_attempts", "Calls to providers that send an action.", labels=["kind", "outcome"]
    )
    for subject, name, status, error_class, count in metrics.ended(("action", "duplicate", "attempt")):
        if subject == "action":
            settled.add_metric([name, status, error_class], count)
        elif subject == "duplicate":
            absorbed.add_metric([name], count)
        else:
            attempts.add_metric([name, error_class or status], count)
    durations = HistogramMetricFamily("agentops_attempt_seconds", "Duration of these calls.", labels=["kind"])
    for (_, name), timed in metrics.timed(("attempt",)).items():
        durations.add_metric([name], _cumulative(timed), timed.seconds)
    yield from (opened, unresolved, settled, absorbed, attempts, durations)


def _runs() -> Iterable[Metric]:
    opened = GaugeMetricFamily("agentops_runs_open", "Runs that haven't ended.", labels=["status"])
    for status, count in metrics.open_runs():
        opened.add_metric([status], count)
    ended = CounterMetricFamily("agentops_runs_ended", "Finished runs.", labels=["status", "outcome"])
    for _, outcome, status, _, count in metrics.ended(("run",)):
        ended.add_metric([status, outcome], count)
    yield from (opened, ended)


def _queue(at: datetime) -> Iterable[Metric]:
    waiting = GaugeMetricFamily("agentops_queue_waiting", "Actions that await approval.", labels=["kind"])
    oldest = GaugeMetricFamily("agentops_queue_oldest_seconds", "Longest wait for approval.", labels=["kind"])
    for row in metrics.approval_queue(at):
        waiting.add_metric([row.kind], row.count)
        oldest.add_metric([row.kind], row.oldest)
    yield from (waiting, oldest)


def _steps() -> Iterable[Metric]:
    labels = ["kind", "name"]
    ended = CounterMetricFamily("agentops_steps", "Steps that have ended.", labels=[*labels, "status", "error_class"])
    for kind, name, status, error_class, count in metrics.ended(metrics.STEP_KINDS):
        ended.add_metric([kind, name, status, error_class], count)
    again = CounterMetricFamily("agentops_step_retries", "Failed attempts at steps that were retried.", labels=labels)
    for kind, name, count in metrics.retried():
        again.add_metric([kind, name], count)
    durations = HistogramMetricFamily(
        "agentops_step_seconds", "Duration of steps, without those that waited for a person.", labels=labels
    )
    for (kind, name), timed in metrics.timed(metrics.STEP_KINDS).items():
        durations.add_metric([kind, name], _cumulative(timed), timed.seconds)
    yield from (ended, again, durations)


def _spent() -> Iterable[Metric]:
    tokens = CounterMetricFamily(
        "agentops_llm_tokens",
        "Tokens of the language model. Input includes cached tokens, and output includes reasoning.",
        labels=["model", "type"],
    )
    cost = CounterMetricFamily("agentops_llm_cost_usd", "Cost of model calls in US dollars.", labels=["model"])
    for row in metrics.spending_by_model():
        for sort in ("input", "cached", "output", "reasoning"):
            tokens.add_metric([row.model, sort], getattr(row, sort))
        cost.add_metric([row.model], float(row.cost_usd))
    charged = CounterMetricFamily(
        "agentops_budget_spent_usd",
        "Spent budget in US dollars, including replays and the worst case of lost answers.",
        labels=["model"],
    )
    reserved = GaugeMetricFamily(
        "agentops_budget_reserved_usd", "Worst-case cost of calls in progress, in US dollars.", labels=["model"]
    )
    for model, spent, held in metrics.budgeted():
        charged.add_metric([model], float(spent))
        reserved.add_metric([model], float(held))
    yield from (tokens, cost, charged, reserved)


def _lag(at: datetime) -> Iterable[Metric]:
    overdue = GaugeMetricFamily(
        "agentops_sweep_lag_seconds", "How long the oldest work of each kind is overdue.", labels=["work"]
    )
    for sort, seconds in metrics.overdue(at).items():
        overdue.add_metric([sort], seconds)
    failing = GaugeMetricFamily(
        "agentops_work_put_off", "Items of the sweep that failed the last time and will be retried.", labels=["line"]
    )
    for line, count in metrics.deferred_work():
        failing.add_metric([line], count)
    behind = GaugeMetricFamily(
        "agentops_watermark_lag_seconds", "How far counts and exported traces are behind.", labels=["name"]
    )
    for name, seconds in metrics.behind(at).items():
        behind.add_metric([name], seconds)
    beat = GaugeMetricFamily("agentops_worker_heartbeat_age_seconds", "Age of the latest heartbeat of any worker.")
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as broker:
            age = heartbeat.age(broker)
    except redis.RedisError:  # /readyz reports the broker; everything else here comes from the database
        age = None
    if age is not None:
        beat.add_metric([], age)
    yield from (overdue, failing, behind, beat)


def _cumulative(timed: metrics.Timed) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus expects them: each includes the ones below it."""
    buckets_up_to = [
        (f"{bound:g}", float(sum(count for bucket, count in timed.counts.items() if bucket <= place)))
        for place, bound in enumerate(buckets.BOUNDS)
        if bound in _BOUNDS
    ]
    return [*buckets_up_to, ("+Inf", float(sum(timed.counts.values())))]
