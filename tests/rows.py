"""Rows held by a third party, so that everyone who needs them queues until it releases them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from tests.waiting import until
from tests.world import at_once

IN_LINE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


def in_line() -> int:
    """Return how many connections wait for another's lock."""
    with connection.cursor() as cursor:
        cursor.execute(IN_LINE)
        return int(cursor.fetchone()[0])


@contextmanager
def held(rows: QuerySet[Any]) -> Iterator[Callable[[], None]]:
    """Hold these rows, and yield the function that releases them."""
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                assert list(rows.select_for_update()), "there is nothing to hold"
                held.set()
                enough.wait(20)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    try:
        yield enough.set
    finally:
        enough.set()
        holder.join()


def one_after_the_other(rows: QuerySet[Any], *works: Callable[[], Any]) -> list[Any]:
    """Return each work's result or exception, where all are in progress together and reach the rows in this order."""
    with held(rows) as let_go:
        steps = [partial(_after, place, work) for place, work in enumerate((*works, let_go))]
        *answers, released = at_once(*steps)
    assert released is None, released
    return answers


def _after(others: int, work: Callable[[], Any]) -> Any:
    """Run it once this many are waiting."""
    until(lambda: in_line() >= others)
    return work()
