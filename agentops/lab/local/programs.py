"""The application's own processes, as started by the demo and the tests."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL
from urllib.error import URLError
from urllib.request import urlopen

from .errors import LocalError
from .ports import LOOPBACK
from .processes import Process, Program

ROOT = Path(__file__).resolve().parents[3]
WORKER_THREADS = 16
WEB_WORKERS = 2
WEB_THREADS = 8
WEB_KILL_SECONDS = 5  # less than stop_seconds, so that the server ends its workers itself
FAILED_WORKER = "Unexpected exit from worker"  # granian's log message
FAILED_WORKERS = 3


def simulator(environment: Mapping[str, str], *options: str) -> Program:
    command = [sys.executable, "-m", "agentops.lab.simulator", "--port", "0", *options]
    return Program("simulator", command, environment, ROOT)


def simulator_url(process: Process) -> str:
    """Return the address of a simulator, once it has printed it."""

    def announced() -> str | None:
        for line in process.output().splitlines():
            if line.startswith('{"listening"'):
                return str(json.loads(line)["listening"])
        return None

    return process.wait_until(announced)


def worker(environment: Mapping[str, str], *, threads: int = WORKER_THREADS, restart: bool = False) -> Program:
    command = [sys.executable, "-m", "celery", "--app", "agentops", "worker", "--pool", "threads"]
    command += ["--concurrency", str(threads), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    # Without its servers, which end with us, a worker can't finish anything.
    return Program("worker", command, environment, ROOT, orphan_signal=SIGKILL, stop_seconds=15, restart=restart)


def takes_work(worker: Process) -> bool:
    return " ready." in worker.output()


def wait_for_worker(process: Process) -> None:
    """Wait until it takes work from the broker."""
    process.wait_until(lambda: takes_work(process) or None)


def web(environment: Mapping[str, str], *, port: int, workers: int = WEB_WORKERS, restart: bool = False) -> Program:
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"]
    command += ["--host", LOOPBACK, "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", str(WEB_THREADS), "--respawn-failed-workers"]
    # A worker ignores SIGTERM while it loads the application, and granian would wait for it forever: an orphaned
    # server would keep the port.
    command += ["--workers-kill-timeout", str(WEB_KILL_SECONDS), "agentops.wsgi:application"]
    return Program("web", command, environment, ROOT, restart=restart)


def wait_for_web(process: Process, *, port: int) -> None:
    """Wait until it answers. Raises LocalError if its workers keep exiting, which it survives."""

    def healthy() -> bool | None:
        if process.output().count(FAILED_WORKER) > FAILED_WORKERS:
            raise LocalError(f"web cannot start; see {process.log}\n{process.tail(30)}")
        try:
            with urlopen(f"http://{LOOPBACK}:{port}/healthz", timeout=10) as answer:
                return True if answer.status == 200 else None
        except (URLError, OSError):
            return None

    process.wait_until(healthy)
