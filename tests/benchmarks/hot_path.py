"""What an automatic ticket costs the database: make benchmark-ticket

Triage, three turns of the model, one read, one refund and one reply, all automatic: statements, commits and WAL of a
ticket from its first step to its answer, counted, not timed. With budgets and without.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from agentops.llm import budget_admin
from tests.completions import claims_a_refund_of, triage, uses
from tests.integration.conftest import *  # noqa: F403 - the core's world
from tests.scripted import Script
from tests.world import World, refund_arguments, run_through, ticket_of

TICKETS = 20
WRITES = ("INSERT", "UPDATE", "DELETE")


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count statements and commits: of transactions, and of statements that write outside one."""
    found: Counter[str] = Counter()

    def statement(execute: Any, sql: Any, *more: Any) -> Any:
        found["statements"] += 1
        alone = not connection.in_atomic_block
        found["commits"] += alone and str(sql).lstrip().upper().startswith(WRITES)
        return execute(sql, *more)

    commit = BaseDatabaseWrapper._commit

    def committed(wrapper: BaseDatabaseWrapper) -> None:
        found["commits"] += 1
        commit(wrapper)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(statement):
        patch.setattr(BaseDatabaseWrapper, "_commit", committed)
        yield found


def wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def a_ticket(world: World, model: Script) -> Counter[str]:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    before = wal()
    with counted() as found:
        run_through(ticket)
    found["statements"] -= 2  # the test's own reads of the run
    found["WAL bytes"] = wal() - before
    return found


def measured(world: World, model: Script) -> dict[str, float]:
    found = [a_ticket(world, model) for _ in range(TICKETS)][TICKETS // 2 :]  # the first ones create pages and plans
    return {name: sum(each[name] for each in found) / len(found) for name in found[0]}


def test_cost_of_an_automatic_ticket(world: World, model: Script, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"without a budget": measured(world, model)}
    by = User.objects.create(username="benchmark")
    for per in ("ticket", "day", "month"):
        budget_admin.set_budget(per=per, model="", by=by, note="for a measurement", max_usd=Decimal(1000))
    rows["with three budgets"] = measured(world, model)
    with capsys.disabled():
        for name, row in rows.items():
            print(f"\n{name:>20}: " + ", ".join(f"{value:.1f} {what}" for what, value in row.items()))
