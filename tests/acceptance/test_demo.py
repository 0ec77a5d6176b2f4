"""manage.py demo: the whole system from one command, stopped, killed and restarted on the same folder."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from agentops.lab.local.ports import reserved_port
from agentops.lab.local.programs import ROOT
from agentops.lab.local.runtime import scratch_folder
from tests.services import ENVIRONMENT
from tests.waiting import until

# Set for the tests; a person who starts a demo has not set these.
UNSET = {"DJANGO_SETTINGS_MODULE", "DATA_DIR", "PORT", *ENVIRONMENT, "DATABASE_URL", "REDIS_URL"}

STOP_SECONDS = 120  # more than all that its processes are given to stop


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder("demo") as scratch:
        yield scratch / "var of a demo"


def environment(folder: Path) -> dict[str, str]:
    usual = {name: value for name, value in os.environ.items() if name not in UNSET}
    return usual | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Callable[[], str]]]:
    """The process, its port and its output so far. It is killed at the end unless it has exited."""
    output = folder.with_suffix(".output")
    with reserved_port() as port, output.open("wb") as file:
        command = [sys.executable, "manage.py", "demo", "--port", str(port), "--faults", "none", *arguments]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(folder), stdout=file, stderr=subprocess.STDOUT
        ) as process:
            try:
                yield process, port, output.read_text
            finally:
                process.kill()


def wait_for(text: str, process: subprocess.Popen[bytes], output: Callable[[], str]) -> None:
    """Wait as long as the demo runs: a slow machine may need minutes to start everything."""
    until(lambda: text in output() or process.poll() is not None, seconds=280)
    assert text in output()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def moved(folder: Path) -> dict[str, int]:
    """Return the amount of each refund by its reference, from the demo's ledger. Each reference occurs once."""
    with closing(sqlite3.connect(folder / "simulator.sqlite3")) as ledger:
        rows = ledger.execute("SELECT reference, amount FROM refunds").fetchall()
    assert len({reference for reference, _ in rows}) == len(rows)
    return dict(rows)


def failing(folder: Path, *, port: int) -> str:
    """Return the output of a demo that cannot start."""
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=STOP_SECONDS, check=False
    )
    assert answer.returncode == 1
    return answer.stderr


def test_a_demo_continues_after_being_stopped_and_killed(folder: Path) -> None:
    with demo(folder) as (process, port, output):
        wait_for("tickets posted", process, output)
        assert f"AgentOps is running at http://localhost:{port}" in output()
        until(lambda: httpx2.get(f"http://localhost:{port}/readyz", timeout=60).status_code == 200, seconds=60)
        wait_for("awaiting approval", process, output)
        until(lambda: moved(folder), seconds=60)
        keys = folder / "demo.json"
        assert keys.stat().st_mode & 0o777 == 0o600
        assert "lead2" in output()

        with reserved_port() as other_port:
            second = failing(folder, port=other_port)
        assert second == (
            f"CommandError: A demo is already running on {folder} (process {process.pid}): "
            "stop it, or set DATA_DIR to another folder.\n"
        )

        servers = children(process.pid)
        assert len(servers) == 5
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_SECONDS) == 0
        assert output().endswith("Nothing is lost: the next start continues from here.\n")
        assert not any(alive(server) for server in servers)
        passwords = keys.read_text().split('"url"')[0]
        before = moved(folder)

    with demo(folder) as (process, port, output):
        wait_for("\n0 tickets posted", process, output)
        assert keys.read_text().split('"url"')[0] == passwords
        servers = children(process.pid)
        assert len(servers) == 5
        process.kill()
        process.wait()
        until(lambda: not any(alive(server) for server in servers), seconds=60)
        assert before.items() <= moved(folder).items()  # finished work stays finished, and happened once

    with demo(folder, "--reset") as (process, port, output):
        wait_for("tickets posted\n", process, output)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0


def test_a_port_in_use_is_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = failing(folder, port=port)
    assert answer == f"CommandError: Port {port} is in use; choose another: make demo PORT={port + 1}\n"
    assert not folder.exists()
