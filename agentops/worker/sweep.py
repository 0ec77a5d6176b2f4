"""Finds work that nobody is at, and does it: what guarantees progress (docs/design.md, 5.11 and 9).

Every worker runs one, beside its messages and without any: a thread that asks the database what is due and gives it to
a few threads of its own. Claims are guarded, so several sweeps and all messages may meet on the same work.
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
AT_ONCE = 8
FEW = 2  # threads that what can wait, or may hang, holds at most
UNSEEN_SECONDS = 60.0  # between looks for tickets that nobody would see
BACKLOG_SECONDS = 0.5  # between rounds while more is due than threads are free

Work = tuple[Callable[[int], object], int]
_stopping = threading.Event()


class Sweep:
    """Rounds over what is due. A slow item holds one of `at_once` threads, never the next round."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self.at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="sweep")
        self._at_work: dict[Work, Future[None]] = {}

    def round(self) -> list[Future[None]]:
        """One look at the database; answers what it set going, at most as many as threads are free."""
        self._at_work = {work: future for work, future in self._at_work.items() if not future.done()}
        _chore(seals.seal_events)
        free = self.at_once - len(self._at_work)
        fresh = [work for work in _due(self.at_once) if work not in self._at_work][: max(free, 0)]
        started = {work: self._pool.submit(_do, *work) for work in fresh}
        self._at_work |= started
        return list(started.values())

    @property
    def idle(self) -> bool:
        """Whether the last round found less than the threads can take."""
        return len(self._at_work) < self.at_once

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def start() -> None:
    """Sweeps in a thread of its own until `stop`."""
    _stopping.clear()
    threading.Thread(target=_run, name="sweep", daemon=True).start()


def stop() -> None:
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
                _chore(unseen.hand_over)
            pause = settings.SWEEP_SECONDS if sweep.idle else BACKLOG_SECONDS
        except Exception:  # a database that is away must not end the sweep: it is what heals
            log.exception("the sweep failed; it goes on in %s s", settings.SWEEP_SECONDS)
        finally:
            connection.close()
        _stopping.wait(pause)
    sweep.close()


def _due(limit: int) -> list[Work]:
    """What is asked for in this order gets a thread in this order: what people must hear, the books once an hour, then
    money, and runs. Mail that does not leave and replays, which can wait, hold a few threads at most. What is unknown
    is asked for again and again, and so takes half of them from the others, and more where those leave some over."""
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
        (replays.advance, lambda: replays.due(few)),
        (lookup.settle, lambda: lookup.due(limit)),
    ]
    return list(dict.fromkeys((work, number) for work, due in asked for number in _found(due)))


def _found(due: Callable[[], list[int]]) -> list[int]:
    try:
        return due()
    except (OperationalError, InterfaceError):
        raise  # the database is away: the next round tries again
    except Exception:  # what cannot be asked for must not keep the rest of the round from its turn
        log.exception("what is due could not be asked for; the next sweep tries again")
        return []


def _do(work: Callable[[int], object], number: int) -> None:
    try:
        work(number)
    except Exception:  # one poisoned item must not keep the others from their turn
        log.exception("%s(%s) failed; the next sweep tries again", work.__qualname__, number)
    finally:
        connection.close()


def _chore(work: Callable[[], object]) -> None:
    try:
        work()
    except (OperationalError, InterfaceError):
        raise  # the database is away: the next round tries again
    except Exception:  # one that cannot be done must not keep the round from its work
        log.exception("%s failed; the next sweep tries again", work.__qualname__)


def _beat() -> None:
    """Tells `/readyz` that a worker is alive."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            broker.set(heartbeat.KEY, int(time.time()), ex=heartbeat.seconds())
    except redis.RedisError as error:
        log.warning("no heartbeat: %s", error)
