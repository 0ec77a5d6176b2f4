"""Finds work that nobody is at, and does it: what guarantees progress (DESIGN §5.10, §9).

Every worker runs one, beside its messages and without any: a thread that asks the database what is due. Claims are
guarded, so several sweeps and all messages may meet on the same work.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis
from django.conf import settings
from django.db import close_old_connections, connection

from agentops import engine
from approvals import decisions, execution, reconcile

log = logging.getLogger(__name__)
AT_ONCE = 4
BATCH = 50
HEARTBEAT_KEY = "agentops:worker"
HEARTBEAT_SECONDS = 30

_stopping = threading.Event()
_thread: threading.Thread | None = None


def sweep(pool: ThreadPoolExecutor) -> int:
    """One round; returns how much was found. Waits until all of it is done."""
    decisions.expire()
    found: list[tuple[Callable[[int], object], int]] = []
    found += [(execution.execute, action_id) for action_id in execution.due(BATCH)]
    found += [(reconcile.settle, action_id) for action_id in reconcile.due(BATCH)]
    found += [(engine.advance, run_id) for run_id in engine.due(BATCH)]
    for done in [pool.submit(_do, work, number) for work, number in found]:
        done.result()
    return len(found)


def start() -> None:
    """Sweeps in a thread of its own until `stop`."""
    global _thread
    _stopping.clear()
    _thread = threading.Thread(target=_run, name="sweep", daemon=True)
    _thread.start()


def stop() -> None:
    _stopping.set()


def _run() -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sweep") as pool:
        while not _stopping.is_set():
            _round(pool)
            _stopping.wait(settings.SWEEP_SECONDS)


def _round(pool: ThreadPoolExecutor) -> None:
    try:
        close_old_connections()
        _beat()
        sweep(pool)
    except Exception:
        log.exception("the sweep failed; it goes on in %s s", settings.SWEEP_SECONDS)
    finally:
        connection.close()


def _do(work: Callable[[int], object], number: int) -> None:
    try:
        work(number)
    except Exception:
        log.exception("%s(%s) failed; the next sweep tries again", work.__qualname__, number)
    finally:
        connection.close()


def _beat() -> None:
    """Tells `/readyz` that a worker is alive."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            broker.set(HEARTBEAT_KEY, int(time.time()), ex=HEARTBEAT_SECONDS + int(settings.SWEEP_SECONDS))
    except redis.RedisError as error:
        log.warning("no heartbeat: %s", error)
