"""This system in its own world: PostgreSQL, Valkey, workers, web server and a process inside the system (the
scripted people, or an evaluation's observer)."""

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from agentops.lab.local import programs
from agentops.lab.local.ports import reserved_port
from agentops.lab.local.postgres import Postgres
from agentops.lab.local.processes import Program, Supervisor, run
from agentops.lab.local.runtime import socket_folder
from agentops.lab.local.valkey import Valkey
from agentops.management.keys import signing_secret

WORKERS, THREADS = 2, 16
PEOPLE = "agentops.lab.chaos.office"
# Short, so that lost work is found within the run. Each lease outlives the calls that it covers.
TIMES = {
    "PROVIDER_TIMEOUT_SECONDS": "2",
    "LLM_TIMEOUT_SECONDS": "5",
    "ACTION_LEASE_SECONDS": "15",
    "RUN_LEASE_SECONDS": "20",
    "SWEEP_SECONDS": "1",
    "RETRY_BASE_SECONDS": "0.3",
}
# Whatever the environment says, this must reach only its own world.
FIXED = {
    "DJANGO_SETTINGS_MODULE": "agentops.settings",
    "DEMO": "1",
    "DEBUG": "",
    "PAYMENTS_BACKEND": "http",
    "PAYMENTS_IDEMPOTENT": "true",
    "PAYMENTS_TOKEN": "",
    "ORDERS_TOKEN": "",
    "REPLIES_BACKEND": "webhook",
    "OPENAI_API_KEY": "simulator",
    "LLM_FALLBACK_BASE_URL": "",
    "ALERT_EMAILS": "",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "",
    "LOG_LEVEL": "WARNING",
}


class Ours:
    """The processes of one stack. `office`: the module of the process inside the system."""

    def __init__(
        self, folder: Path, sockets: Path, supervisor: Supervisor, *, port: int, durable: bool, office: str = PEOPLE
    ) -> None:
        self.supervisor = supervisor
        self._office = office
        self.url = f"http://localhost:{port}"
        self.intake_secret = signing_secret()
        self._port = port
        self.postgres = Postgres(folder / "postgres", sockets, throwaway=not durable)
        self.valkey = Valkey(folder / "valkey", sockets, throwaway=True)
        self.environment = {
            **os.environ,
            **FIXED,
            **TIMES,
            "DATA_DIR": str(folder),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "PUBLIC_URL": self.url,
            "INTAKE_SIGNING_SECRET": self.intake_secret,
            "REPLIES_SIGNING_SECRET": signing_secret(),
            "REDIS_URL": self.valkey.url(),
        }

    def start(self, *, providers: str, database: str | None, settings: Mapping[str, str] | None = None) -> None:
        """Start everything, ready for tickets. `providers`: the base URL of orders, payments, inbox and model.
        `database`: the URL of an existing database; without one a server is started. `settings` override the
        settings made here."""
        places = {"ORDERS_URL": "", "PAYMENTS_URL": "", "REPLIES_URL": "/replies", "OPENAI_BASE_URL": "/v1"}
        self.environment |= {name: providers + path for name, path in places.items()} | dict(settings or {})
        self.environment["DATABASE_URL"] = database or self.postgres.url()
        self.broker = self.supervisor.start(self.valkey.program())
        if database is None:
            self.database = self.supervisor.start(self.postgres.program(logs=self.supervisor.logs))
            self.postgres.wait(self.database)
        self.valkey.wait(self.broker)
        run(self._python("migrate", "manage.py", "migrate", "--verbosity", "0"), logs=self.supervisor.logs)
        self.office = self.supervisor.start(self._python("office", "-m", self._office))
        self.workers = [self.supervisor.start(self._worker(number)) for number in range(1, WORKERS + 1)]
        self.web = self.supervisor.start(programs.web(self.environment, port=self._port, workers=1))
        programs.wait_for_web(self.web, port=self._port)
        for worker in self.workers:
            programs.wait_for_worker(worker)

    def progress(self) -> dict[str, Any]:
        """Return the last output of the people's process (people.progress), empty before the first."""
        for line in reversed(self.office.tail(50).splitlines()):
            if line.startswith("{"):
                status: dict[str, Any] = json.loads(line)
                return status
        return {}

    def _worker(self, number: int) -> Program:
        return replace(programs.worker(self.environment, threads=THREADS), name=f"worker-{number}")

    def _python(self, name: str, *arguments: str) -> Program:
        return Program(name, [sys.executable, *arguments], self.environment, programs.ROOT)


@contextmanager
def prepared(folder: Path, *, durable: bool = False, office: str = PEOPLE) -> Iterator[Ours]:
    """A stack in `folder`, ready to start, and stopped at the end."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # the servers' own user must be able to enter
    (folder / "static").mkdir()
    supervisor = Supervisor(folder / "log")
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        stack.callback(supervisor.stop)
        yield Ours(folder, socket_folder(folder / "run"), supervisor, port=port, durable=durable, office=office)


@contextmanager
def database_on(address: str | None) -> Iterator[str | None]:
    """A new database on the server at `address`, dropped at the end; None without an address."""
    if not address:
        yield None
        return
    name = Identifier(database := f"agentops_world_{secrets.token_hex(4)}")
    try:
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(SQL("CREATE DATABASE {}").format(name))
        yield urlsplit(address)._replace(path=f"/{database}").geturl()
    finally:
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
