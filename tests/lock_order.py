"""Records which tables a process locks in which order, and compares that with the order of approvals.locks."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

# As in approvals.locks.
ORDER = (
    "agentops_run",
    "agentops_breaker",
    "agentops_budget",
    "agentops_spending",
    "tickets_ticket",
    "approvals_approvalrequest",
    "approvals_orderlock",
    "approvals_action",
    "approvals_attempt",
    "approvals_providerpause",
)
UPDATES = re.compile(r'\s*(?:UPDATE|DELETE FROM) "(\w+)"')
UPSERTS = re.compile(r'\s*INSERT INTO "?(\w+)"? .* ON CONFLICT', re.DOTALL)
# A statement that locks rows in its first CTE counts as well.
SELECTS = re.compile(r'\s*(?:WITH \w+ \([\w, ]+\) AS \()?SELECT\b.*? FROM "(\w+)".* FOR (?:NO KEY )?UPDATE', re.DOTALL)


class LockOrder:
    """The tables that each thread's transaction has locked so far. A table locked after one that comes later in the
    order is reported. Locking a table again is not, since it may be the same row."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._here = threading.local()

    def ended(self) -> None:
        """The thread's transaction is over."""
        self._here.held = []

    def saw(self, sql: str) -> None:
        """A statement within a transaction."""
        found = UPDATES.match(sql) or (UPSERTS.match(sql) if " ON CONFLICT" in sql else None)
        found = found or (SELECTS.match(sql) if " UPDATE" in sql else None)
        if found is None or found[1] not in ORDER:
            return
        table, held = found[1], self._here.__dict__.setdefault("held", [])
        later = [other for other in held if ORDER.index(other) > ORDER.index(table)]
        if later and table not in held:
            self._report(f"{table} is locked after {later[0]}")
        held.append(table)


def install(report: Callable[[str], None], patch: pytest.MonkeyPatch | None = None) -> None:
    """Watch every thread of this process, until `patch` is undone where there is one."""
    patch = patch or pytest.MonkeyPatch()
    order = LockOrder(report)
    execute = CursorWrapper._execute

    def watched(cursor: Any, sql: Any, *more: Any) -> Any:
        if cursor.db.in_atomic_block:
            order.saw(str(sql))
        else:
            order.ended()
        return execute(cursor, sql, *more)

    patch.setattr(CursorWrapper, "_execute", watched)
    for end in ("_commit", "_rollback", "close"):
        patch.setattr(BaseDatabaseWrapper, end, _ending(getattr(BaseDatabaseWrapper, end), order))


def _ending(end: Callable[..., Any], order: LockOrder) -> Callable[..., Any]:
    def ended(wrapper: Any) -> Any:
        order.ended()
        return end(wrapper)

    return ended


@contextmanager
def kept() -> Iterator[None]:
    """Fail if anything in this process broke the order."""
    broken: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        install(broken.append, patch)
        yield
    assert not broken, broken
