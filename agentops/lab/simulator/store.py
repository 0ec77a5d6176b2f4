"""The simulated world's records in SQLite: refunds, cancellations, account changes, replies and answers."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000  # times are stored in microseconds
KEY_LIFETIME = 24 * 3600 * SECOND

SCHEMA = """
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id TEXT NOT NULL, order_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    reference TEXT NOT NULL, reason TEXT, idempotency_key TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_reference ON refunds (reference);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_id);
CREATE TABLE IF NOT EXISTS refund_failures (refund INTEGER PRIMARY KEY, failed_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cancellations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    reference TEXT NOT NULL, reason TEXT, idempotency_key TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS returned (payment_id TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS returned_payment ON returned (payment_id);
CREATE TABLE IF NOT EXISTS account_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id TEXT NOT NULL, before TEXT NOT NULL, changes TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS account_changes_customer ON account_changes (customer_id);
CREATE TABLE IF NOT EXISTS replies (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, deliveries INTEGER NOT NULL, received_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL);
"""


def rfc3339(moment: int) -> str:
    """Format microseconds since the epoch as RFC 3339 in UTC."""
    return (EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def microseconds(moment: datetime) -> int:
    """Return microseconds since the epoch, so that a formatted time compares equal to the stored one."""
    return (moment - EPOCH) // timedelta(microseconds=1)


class Store:
    """One connection behind one lock. Everything is written in `transaction`."""

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RLock()
        # isolation_level=None: transactions are opened by `transaction` alone, none implicitly.
        self._connection = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # survives a killed process, which is what tests do
        self._connection.executescript(SCHEMA)

    def now(self) -> int:
        """Return microseconds since the epoch, by the given clock (in seconds)."""
        return int(self._clock() * SECOND)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside together, or nothing."""
        with self._lock:
            # Take the write lock now: one taken at the first write may fail after something was read.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def row(self, sql: str, *values: Any) -> dict[str, Any] | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def insert(self, table: str, **values: Any) -> int:
        """Add a row to one of the tables above, and return its number."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names come from this package
        with self._lock:
            return int(self._connection.execute(sql, tuple(values.values())).lastrowid or 0)

    def execute(self, sql: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(sql, values)

    def returned(self, payment_id: str) -> int:
        """Return the minor units returned on a payment by refunds and by a cancellation."""
        found = self.row("SELECT COALESCE(SUM(amount), 0) AS total FROM returned WHERE payment_id = ?", payment_id)
        return int(found["total"]) if found else 0

    def close(self) -> None:
        with self._lock:
            self._connection.close()
