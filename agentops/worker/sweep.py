"""Find and do due work. This guarantees progress, with or without messages (docs/design.md, 5.11 and 9).

Every worker runs one sweep: a thread that asks the database for due work and gives it to a few threads of its own.
Claims are guarded, so several sweeps and all messages may meet on the same work.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from agentops.replays import running as replays
from agentops.runs import engine, leasing, unseen
from agentops.telemetry import shipping, tallies
from agentops.worker import heartbeat
from approvals.audit import notifications, seals
from approvals.decisions import expiry
from approvals.effects import execution, lookup
from approvals.policy import lowering
from approvals.reconciliation import comparison

log = logging.getLogger(__name__)
_THREADS = 8
FEW = 2  # threads at most for work that can wait or may hang
UNSEEN_SECONDS = 60.0  # between checks for overlooked tickets
BACKLOG_SECONDS = 0.5  # between rounds while more work is due than threads are free

Work = tuple[Callable[[int], object], int]
_stopping = threading.Event()


class Sweep:
    """Rounds over due work. A slow item occupies one of `at_once` threads and never delays the next round."""

    def __init__(self, at_once: int = _THREADS) -> None:
        self.at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="sweep")
        self._at_work: dict[Work, Future[None]] = {}

    def round(self) -> list[Future[None]]:
        """Start due work on the free threads, and return its futures."""
        self._at_work = {work: future for work, future in self._at_work.items() if not future.done()}
        _chore(seals.seal_events)
        free = self.at_once - len(self._at_work)
        fresh = [work for work in _due(self.at_once) if work not in self._at_work][: max(free, 0)]
        started = {work: self._pool.submit(_do, *work) for work in fresh}
        self._at_work |= started
        return list(started.values())

    @property
    def idle(self) -> bool:
        """Return whether the last round found less work than the threads can take."""
        return len(self._at_work) < self.at_once

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def start_sweeping() -> None:
    """Sweep in a separate thread until `stop_sweeping`."""
    _stopping.clear()
    threading.Thread(target=_run, name="sweep", daemon=True).start()


def stop_sweeping() -> None:
    _stopping.set()


def _run() -> None:
    sweep = Sweep()
    looked = -UNSEEN_SECONDS
    while not _stopping.is_set():
        pause = settings.SWEEP_SECONDS
        try:
            close_old_connections()
            _beat()
            sweep.round()
            if time.monotonic() - looked >= UNSEEN_SECONDS:
                looked = time.monotonic()
                _chore(unseen.hand_over_unseen)
            pause = settings.SWEEP_SECONDS if sweep.idle else BACKLOG_SECONDS
        except Exception:  # the sweep must survive a database outage: it does the recovery
            log.exception("the sweep failed; the next one is in %s s", settings.SWEEP_SECONDS)
        finally:
            connection.close()
        _stopping.wait(pause)
    sweep.close()


def _due(limit: int) -> list[Work]:
    """Return due work in order of priority.

    First what people must hear, then the hourly comparison, then money, then runs. E-mail that can't be sent and
    replays can wait, so they get a few threads at most. Look-ups of unknown outcomes repeat for a long time, so they
    take at most half of the threads before the others, and what is left over after them.
    """
    few = min(limit, FEW)
    asked: list[tuple[Callable[[int], object], Callable[[], list[int]]]] = [
        (notifications.send_notification, lambda: notifications.due(few)),
        (tallies.roll_up, tallies.due),
        (shipping.ship, shipping.due),
        (comparison.run_periodic_comparison, comparison.due),
        (lowering.lower_dial, lowering.due),
        (execution.execute, lambda: execution.due(limit)),
        (lookup.settle, lambda: lookup.due(limit // 2)),
        (expiry.expire, lambda: expiry.due(limit)),
        (engine.advance, lambda: leasing.due(limit)),
        (replays.advance_replay, lambda: replays.due(few)),
        (lookup.settle, lambda: lookup.due(limit)),
    ]
    return list(dict.fromkeys((work, number) for work, due in asked for number in _found(due)))


def _found(due: Callable[[], list[int]]) -> list[int]:
    try:
        return due()
    except (OperationalError, InterfaceError):
        raise  # the database is down; the next round tries again
    except Exception:  # one failing query must not block the rest of the round
        log.exception("a query for due work failed; the next round tries again")
        return []


def _do(work: Callable[[int], object], number: int) -> None:
    try:
        work(number)
    except Exception:  # one poisoned item must not block the others
        log.exception("%s(%s) failed; the next round tries again", work.__qualname__, number)
    finally:
        connection.close()


def _chore(work: Callable[[], object]) -> None:
    try:
        work()
    except (OperationalError, InterfaceError):
        raise  # the database is down; the next round tries again
    except Exception:  # a failing chore must not stop the round
        log.exception("%s failed; the next round tries again", work.__qualname__)


def _beat() -> None:
    """Record that a worker is alive, for `/readyz`."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            broker.set(heartbeat.KEY, int(time.time()), ex=heartbeat.max_age())
    except redis.RedisError as error:
        log.warning("no heartbeat: %s", error)
