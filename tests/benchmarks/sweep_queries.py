"""What a round of the sweep reads as work piles up: make benchmark-sweep (BENCHMARK_RUNS="1000 100000", the lengths)

Each length is a number of runs that wait for a person. As many are queued, as many have ended, and twice as many
refunds are approved. Each row is a line of the sweep, each column a length: the blocks that its queries for due work
read, and their time as PostgreSQL measured it, the fastest of several. Blocks don't depend on what else the machine
does, so they must stay flat.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from agentops.models import Run, Step
from agentops.runs import unseen
from agentops.worker.lines import LINES
from approvals.effects import facts
from approvals.models import Action
from tests.benchmarks import multiply
from tests.integration import history_rows as rows

LENGTHS = sorted(map(int, os.environ.get("BENCHMARK_RUNS", "1000 100000").split()))
OF_EACH = 50
REPEATS = 3
MOST_BLOCKS = 500  # that a line may read, at any length
WINDOWED = {"overlooked tickets": 50 * unseen.WINDOW}  # once a minute: a window of each of five statuses

Figures = tuple[int, float]  # blocks, milliseconds


def test_a_round_reads_the_same_however_much_waits(live_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(OF_EACH):
        rows.a_run()
        waiting()
        queued()
        approved()
    measured: dict[int, dict[str, Figures]] = {}
    days = 1
    for length in LENGTHS:
        while Run.objects.filter(status="waiting").count() < length:
            multiply.double(days)
            days *= 2
        multiply.analyse()
        measured[Run.objects.filter(status="waiting").count()] = {
            name: min((read_by(act) for _ in range(REPEATS)), key=lambda figures: figures[1])
            for name, act in asked().items()
        }
    with capsys.disabled():
        print("\n" + table(measured))
    longest = measured[max(measured)]
    assert {name for name, (blocks, _) in longest.items() if blocks > WINDOWED.get(name, MOST_BLOCKS)} == set()


def waiting() -> None:
    """A run that waits for a person's decision."""
    ticket = rows.a_ticket(status="awaiting_approval")
    message = ticket.messages.get()
    run = Run.objects.create(ticket=ticket, number=1, status="waiting", through_message=message.pk)
    action = rows.an_action(ticket, run_id=run.pk, status="awaiting_approval", verdict="require_approval")
    rows.asked(action)
    Step.objects.create(run=run, index=0, kind="tool", name="refund", status="waiting", action=action)


def queued() -> None:
    ticket = rows.a_ticket(status="open")
    Run.objects.create(ticket=ticket, number=1, through_message=ticket.messages.get().pk)


def approved() -> None:
    """A refund that waits for a worker, and one that is to be retried."""
    for not_before in (None, timezone.now()):
        ticket = rows.a_ticket(status="working")
        rows.an_action(ticket, status="approved", not_before=not_before)


def asked() -> dict[str, Callable[[], object]]:
    """What a round asks, and the sums that a proposal reads while it holds a lock."""
    ticket = Action.objects.filter(status="succeeded").select_related("ticket")[0].ticket
    return {
        **{line.name: lambda line=line: line.due(2 * line.most) for line in LINES if line.name != "traces"},
        "overlooked tickets": unseen.hand_over_unseen,
        "sums of a proposal": lambda: facts._sums("USD", ticket, None),
    }


def read_by(act: Callable[[], object]) -> Figures:
    """Return what all queries of `act` read."""
    found: list[Figures] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith("SELECT"):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                [plan] = cursor.fetchone()[0]
            blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
            found.append((blocks, plan["Execution Time"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        act()
    return sum(blocks for blocks, _ in found), sum(taken for _, taken in found)


def table(measured: dict[int, dict[str, Figures]]) -> str:
    first = min(measured)
    lines = [f"{'runs of each status':<22}" + "".join(f"{runs:>24,}" for runs in measured)]
    for name in measured[first]:
        cells = "".join(f"{figures[name][0]:>9,} blocks{figures[name][1]:>6.1f} ms" for figures in measured.values())
        lines.append(f"{name:<22}{cells}")
    return "\n".join(lines)
