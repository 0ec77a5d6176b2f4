"""Find and do due work. This guarantees progress, with or without messages (docs/design.md, 5.11 and 9).

Every worker runs one sweep: a thread that asks the database for due work and gives it to a few threads of its own.
Claims are guarded, so several sweeps and all messages may meet on the same work. What fails is put off (`deferrals`).
"""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from agentops.worker import deferrals, heartbeat
from agentops.worker.lines import BACKGROUND, LINES, THREADS, Line

log = logging.getLogger(__name__)
CONNECTIONS = THREADS + 2  # database connections of a sweep: its threads, the round itself and the lease keeper
BACKLOG_SECONDS = 0.5  # between rounds while more work is due than threads are free

Work = tuple[Line, int]
_stopping = threading.Event()


class Sweep:
    """Rounds over due work. A slow item occupies one of the threads and never delays the next round."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sweep")
        self._at_work: dict[Work, Future[None]] = {}
        self._behind: set[str] = set()
        self._tried: dict[Work, int] = {}  # work that was started and is due again, with the round that started it
        self._rounds = 0

    def round(self) -> dict[Work, Future[None]]:
        """Start due work on the free threads, and return its futures."""
        self._at_work = {work: future for work, future in self._at_work.items() if not future.done()}
        self._rounds += 1
        deferred = deferrals.deferred()
        started: dict[Work, Future[None]] = {}
        for line in LINES:
            room = self._room(line)
            if room <= 0:
                continue
            found = [work for work in self._due(line) if work not in self._at_work and not deferred.get(_key(work))]
            (self._behind.add if len(found) > room else self._behind.discard)(line.name)
            for work in found[:room]:
                started[work] = self._at_work[work] = self._pool.submit(_do, work, failed=_key(work) in deferred)
                self._tried[work] = self._rounds
        return started

    @property
    def idle(self) -> bool:
        """Return whether the last round started all work that was due."""
        return not self._behind

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _due(self, line: Line) -> list[Work]:
        """Return the line's due work, more than may start if there is more.

        Work that was tried and is still due, perhaps because its row is locked, comes last.
        """
        tried = [work for work in self._tried if work[0] is line]
        found = _ask(line, 2 * line.most + len(tried))
        for work in set(tried).difference(found):
            del self._tried[work]
        return sorted(found, key=lambda work: self._tried.get(work, 0))

    def _room(self, line: Line) -> int:
        """Return how many threads are free for the line."""
        busy = Counter(other.name for other, _ in self._at_work)
        room = min(THREADS - busy.total(), line.most - busy[line.name])
        if line.background:
            room = min(room, BACKGROUND - sum(other.background for other, _ in self._at_work))
        return room


def start_sweeping() -> None:
    """Sweep in a separate thread until `stop_sweeping`."""
    _stopping.clear()
    threading.Thread(target=_run, name="sweep", daemon=True).start()


def stop_sweeping() -> None:
    _stopping.set()


def _run() -> None:
    sweep = Sweep()
    while not _stopping.is_set():
        pause = settings.SWEEP_SECONDS
        try:
            close_old_connections()
            _beat()
            sweep.round()
            pause = settings.SWEEP_SECONDS if sweep.idle else min(BACKLOG_SECONDS, settings.SWEEP_SECONDS)
        except Exception:  # the sweep must survive a database outage: it does the recovery
            log.exception("the sweep failed; the next one is in %s s", settings.SWEEP_SECONDS)
        finally:
            connection.close()
        _stopping.wait(pause)
    sweep.close()


def _key(work: Work) -> tuple[str, int]:
    line, item = work
    return line.name, item


def _ask(line: Line, limit: int) -> list[Work]:
    try:
        return [(line, item) for item in dict.fromkeys(line.due(limit))]
    except (OperationalError, InterfaceError):
        raise  # the database is down; the next round tries again
    except Exception:  # one failing query must not block the rest of the round
        log.exception("the query for due %s failed; the next round tries again", line.name)
        return []


def _do(work: Work, *, failed: bool) -> None:
    """Do the work, or put it off. `failed`: it failed the last time."""
    line, item = work
    try:
        line.work(item)
        if failed:
            deferrals.forget(line, item)
    except Exception as error:  # one poisoned item must not block the others
        log.exception("%s(%s) failed and is put off", line.name, item)
        _put_off(line, item, error)
    finally:
        connection.close()


def _put_off(line: Line, item: int, error: Exception) -> None:
    try:
        deferrals.put_off(line, item, error)
    except Exception:  # the database may be down; the item is then due again immediately
        log.exception("%s(%s) could not be put off", line.name, item)


def _beat() -> None:
    """Record that a worker is alive, for `/readyz`."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            broker.set(heartbeat.KEY, int(time.time()), ex=heartbeat.max_age())
    except redis.RedisError as error:
        log.warning("no heartbeat: %s", error)
