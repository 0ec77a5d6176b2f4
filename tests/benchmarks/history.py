"""What a page costs as the history grows: make benchmark (BENCHMARK_ACTIONS="10000 1000000", the lengths)

One client requests every page at each length, in one run on one machine. Each row is a page, each column a length;
the last column is the ratio of the longest to the shortest. Values are the fastest of several requests in
milliseconds, because other load on the machine only makes requests slower.
"""

import os
import time
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client

from agentops.models import Run
from approvals.models import Action
from tests.benchmarks import multiply
from tests.integration import history_rows as rows
from tickets.models import Customer, Ticket

LENGTHS = sorted(map(int, os.environ.get("BENCHMARK_ACTIONS", "10000 1000000").split()))
REQUESTS = 15
TICKETS_A_DAY = 100
WAITING, WITH_A_PERSON = 200, 20


def test_page_cost_as_the_history_grows(live_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    measured: dict[int, dict[str, float]] = {}
    a_day()
    history = lengthen()
    for length in LENGTHS:
        actions = next(have for have in history if have >= length)
        multiply.analyse()
        with transaction.atomic():
            today()
            measured[actions] = {name: fastest(address) for name, address in addresses().items()}
            transaction.set_rollback(True)
    with capsys.disabled():
        print("\n" + table(measured))


def a_day() -> None:
    for _ in range(TICKETS_A_DAY):
        told = rows.a_run()
        for verb in ("action.proposed", "action.queued", "action.approved", "action.succeeded"):
            rows.an_event(verb, told.refund, at=told.refund.created_at)


def lengthen() -> Iterator[int]:
    """Yield the number of actions after each doubling."""
    days = 1
    while True:
        yield Action.objects.count()
        multiply.double(days)
        days *= 2


def today() -> None:
    """Open work is the same at any length."""
    for _ in range(WAITING):
        rows.asked(rows.an_action(rows.a_ticket(status="awaiting_approval"), status="awaiting_approval"))
    for _ in range(WITH_A_PERSON):
        rows.an_action(rows.a_ticket(status="needs_person"), status="failed")


def addresses() -> dict[str, str]:
    newest, oldest = (Action.objects.filter(status="succeeded").order_by(order)[0] for order in ("-pk", "pk"))
    run, ticket, email = Run.objects.all()[0], Ticket.objects.all()[0], Customer.objects.all()[0].email
    return {
        "queue": "/queue/",
        "queue, searched": f"/queue/?q={email}",
        "actions": "/actions/",
        "actions, from the middle": f"/actions/?after={newest.pk // 2}",
        "actions, failed": "/actions/?status=failed",
        "actions, of a customer": f"/actions/?q={email}",
        "actions, by key": f"/actions/?q={oldest.idempotency_key}",
        "actions, by amount": "/actions/?currency=USD&amount_from=1000",
        "action": f"/actions/{newest.pk}/",
        "audit": "/audit/",
        "audit, of an action": f"/audit/?object_type=action&object_id={oldest.pk}",
        "audit, of a verb": "/audit/?verb=action.approved",
        "tickets": "/tickets/",
        "tickets, searched": f"/tickets/?q={email}",
        "ticket": f"/tickets/{ticket.pk}/",
        "runs": "/runs/",
        "run": f"/runs/{run.pk}/",
        "dashboard": "/",
        "findings": "/findings/",
        "the dial": "/policy/autonomy/",
    }


def fastest(address: str) -> float:
    """Return milliseconds."""
    client = rows.signed_in("benchmark", "admin")
    ask(client, address)
    return min(ask(client, address) for _ in range(REQUESTS))


def ask(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    taken = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, (address, answer.status_code)
    return taken


def table(measured: dict[int, dict[str, float]]) -> str:
    first, last = min(measured), max(measured)
    lines = [f"{'actions in all':<28}" + "".join(f"{actions:>14,}" for actions in measured) + f"{'ratio':>9}"]
    for name, shortest in measured[first].items():
        cells = "".join(f"{figures[name]:>11.1f} ms" for figures in measured.values())
        lines.append(f"{name:<28}{cells}{measured[last][name] / shortest:>8.1f}x")
    return "\n".join(lines)
