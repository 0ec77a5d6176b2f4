"""Messages only speed things up. Whatever happens to messages, and however many sweeps run, the same tickets leave
the same ledger and inbox."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agentops.management.intake import Intake
from approvals.models import ApprovalRequest
from tests.conftest import working
from tests.hostile_broker import HostileBroker, hostile_broker
from tests.live import Lead, Simulator, Web, Worker
from tests.services import INTAKE_SECRET, child_environment
from tests.waiting import until
from tests.world import put_rules, write_shop
from tickets.incoming import NewTicket
from tickets.models import Ticket

Shelf = dict[str, deque[dict[str, Any]]]
ASKED = (
    "My mug came broken. Please refund 20.00 {currency} for order {order_id}.",
    "Please refund 30.00 {currency} for my order {order_id}.",
    "Please refund 60.00 {currency} for my order {order_id}.",  # above the auto-approval limit
)
OF_EACH = 3
MOVED = sorted([2_000, 3_000, 6_000] * OF_EACH)
ENOUGH_SECONDS = 60.0


@pytest.fixture(scope="module")
def simulator_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def shelf(simulator_data: Path) -> Shelf:
    return write_shop(simulator_data)


@pytest.fixture(scope="module")
def hostile(broker: str) -> Iterator[HostileBroker]:
    with hostile_broker(broker, times=1) as hostile:
        yield hostile


@pytest.fixture(scope="module")
def environment(
    live_database: str, hostile: HostileBroker, shelf: Shelf, simulator_process: Simulator
) -> dict[str, str]:
    """With the shop's files written before the simulator reads them."""
    settings = {"DATABASE_URL": live_database, "REDIS_URL": hostile.url, "SWEEP_SECONDS": "0.3"}
    return child_environment(**settings, **simulator_process.settings())


def post(url: str, orders: list[dict[str, Any]]) -> None:
    api = Intake(url, INTAKE_SECRET)
    for order, body in zip(orders, ASKED * OF_EACH, strict=True):
        ticket = NewTicket(
            source="test",
            external_id=order["order_id"],
            customer_email=order["customer_email"],
            customer_name="Kim Doe",
            subject="My order",
            body=body.format_map(order),
        )
        for _ in range(2):  # the help desk delivers twice as well
            api.post(ticket)
    api.close()


def approve_what_waits(url: str, orders: list[dict[str, Any]]) -> None:
    waiting = ApprovalRequest.objects.filter(action__ticket__external_id__in=ids(orders), closed_at=None)
    until(lambda: waiting.count() == OF_EACH, seconds=ENOUGH_SECONDS)
    with Lead(url) as lead:
        for request in waiting.order_by("pk"):
            lead.approve(request)


def ids(orders: list[dict[str, Any]]) -> list[str]:
    return [order["order_id"] for order in orders]


@pytest.mark.parametrize(
    ("times", "workers"),
    [
        pytest.param(1, 1, id="as it should be"),
        pytest.param(0, 1, id="every message dropped"),
        pytest.param(3, 1, id="every message three times"),
        pytest.param(1, 2, id="two beats"),
    ],
)
def test_the_ledger_is_the_same_whatever_the_queue_does(
    hostile: HostileBroker,
    environment: dict[str, str],
    web: Web,
    worker: Worker,
    shelf: Shelf,
    simulator: Simulator,
    times: int,
    workers: int,
) -> None:
    put_rules()
    hostile.times, pushed_before = times, hostile.pushed
    # Every refund answer is lost once, so that redelivered messages meet retries.
    simulator.faults(endpoints={"POST /refunds": [{"fault": "lost_answer", "rate": 1.0, "times": 1}]})
    orders = [shelf["plain"].popleft() for _ in MOVED]
    with ExitStack() as stack:
        for _ in range(workers - 1):
            stack.enter_context(working(environment))
        post(web.url, orders)
        approve_what_waits(web.url, orders)
        tickets = Ticket.objects.filter(external_id__in=ids(orders))
        until(lambda: tickets.filter(status="answered").count() == len(orders), seconds=ENOUGH_SECONDS)
    assert hostile.pushed - pushed_before >= len(orders)
    ledger = simulator.ledger()
    refunds = [row for row in ledger["refunds"] if row["order_id"] in ids(orders)]
    assert sorted(row["amount"] for row in refunds) == MOVED
    assert {row["order_id"] for row in refunds} == set(ids(orders))
    replies = Counter(reply["ticket_id"] for reply in simulator.replies())
    assert [replies[ticket.pk] for ticket in tickets] == [1] * len(orders)
