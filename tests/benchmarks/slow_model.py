"""A worker whose model is slow: make benchmark-slow-model (BENCHMARK_LATENCY=12, seconds a call)

One worker at default settings, `--pool threads --concurrency 32` as in the README, 32 tickets, each of several model
calls. Prints how many were answered, in what time, and what the worker's log says of connections and failed rounds.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentops.management.intake import Intake
from agentops.models import Run, Step
from approvals.models import Attempt
from tests.live import Simulator, Web, Worker
from tests.services import INTAKE_SECRET, child_environment, services
from tests.waiting import until
from tests.world import put_rules, write_shop
from tickets.intake import NewTicket

THREADS = 32
LATENCY = float(os.environ.get("BENCHMARK_LATENCY", "12"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, dict[str, deque[dict[str, Any]]]]]:
    folder: Path = tmp_path_factory.mktemp("shop")
    shelf = write_shop(folder)
    simulator = Simulator(logs=services().logs, data=folder, latency=LATENCY)
    yield simulator, shelf
    simulator.stop()


@pytest.fixture(scope="module")
def environment(live_database: str, shelf: tuple[Simulator, object]) -> dict[str, str]:
    """Default settings, except that the sweep looks as often as in production."""
    put_rules()
    return child_environment(DATABASE_URL=live_database, SWEEP_SECONDS="10", **shelf[0].settings())


def test_as_many_slow_calls_as_threads(
    environment: dict[str, str],
    web: Web,
    shelf: tuple[Simulator, dict[str, deque[dict[str, Any]]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = Worker(environment, logs=services().logs, threads=THREADS)
    worker.start()
    api, began = Intake(web.url, INTAKE_SECRET), time.monotonic()
    for _ in range(THREADS):
        order = shelf[1]["plain"].popleft()
        api.post(
            NewTicket(
                source="test",
                external_id=order["order_id"],
                customer_email=order["customer_email"],
                customer_name="Kim Doe",
                subject="My order",
                body=f"The mug in order {order['order_id']} arrived broken. Please refund the mug, $20.00.",
            )
        )
    api.close()
    ended = Run.objects.exclude(finished_at=None)
    until(lambda: ended.count() == THREADS, seconds=60 + 20 * LATENCY)
    taken = time.monotonic() - began
    assert worker.process is not None
    log = worker.process.log.read_text()
    worker.stop()
    calls = Step.objects.filter(kind__in=("triage", "llm")).count()
    with capsys.disabled():
        print(f"\n{THREADS} runs, {calls} model calls of about {LATENCY:g} s, {Attempt.objects.count()} effects")
        print(f"ended after {taken:.0f} s; with a model alone it would be {calls / THREADS * LATENCY:.0f} s")
        print(f"answered: {Run.objects.filter(outcome='answered').count()}")
        print(f"no connection: {log.count('get a connection')}, failed rounds: {log.count('the sweep failed')}")
    assert (log.count("get a connection"), log.count("the sweep failed")) == (0, 0)
    assert not Run.objects.exclude(fence=1).exists(), "no run was taken over"
