"""Servers for the tests: real ones, in a folder of the test session, started when a test first needs them.

If `DATABASE_URL` and `REDIS_URL` are set, the tests use those servers instead.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from agentops.lab.local.postgres import Postgres
from agentops.lab.local.processes import Supervisor
from agentops.lab.local.programs import ROOT
from agentops.lab.local.runtime import scratch_place
from agentops.lab.local.valkey import Valkey

INTAKE_SECRET = "whsec_aW50YWtlLXNlY3JldC1vZi10aGUtdGVzdHM="
REPLIES_SECRET = "whsec_cmVwbGllcy1zZWNyZXQtb2YtdGhlLXRlc3Rz"

# Every setting that a developer's own .env might have is set here, so that no test ever reaches a real system.
ENVIRONMENT: Mapping[str, str] = {
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only",
    "DEMO": "",
    "DEBUG": "",
    "HTTPS": "",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "CSRF_TRUSTED_ORIGINS": "",
    "PUBLIC_URL": "http://localhost",
    "WHITENOISE_USE_FINDERS": "1",
    "INTAKE_SIGNING_SECRET": INTAKE_SECRET,
    "REPLIES_SIGNING_SECRET": REPLIES_SECRET,
    "ORDERS_URL": "",
    "ORDERS_TOKEN": "",
    "PAYMENTS_BACKEND": "http",
    "PAYMENTS_URL": "",
    "PAYMENTS_TOKEN": "",
    "PAYMENTS_IDEMPOTENT": "true",
    "STRIPE_API_KEY": "",
    "STRIPE_API_BASE": "",
    "STRIPE_WEBHOOK_SECRET": "",
    "REPLIES_BACKEND": "webhook",
    "REPLIES_URL": "",
    "OPENAI_BASE_URL": "",
    "OPENAI_API_KEY": "no-key-is-needed",
    "SWEEP_SECONDS": "0.5",
    "RETRY_BASE_SECONDS": "0.05",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "",
    "METRICS_TOKEN": "",
    "LOG_FORMAT": "",
}
MADE_HERE = "TEST_SERVERS"
KEPT = "TEST_KEPT"


@dataclass
class Services:
    """The session's folder and the servers in it."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="agentops-tests-", dir=scratch_place())))

    def __post_init__(self) -> None:
        self.folder.chmod(0o711)  # the servers' user must be able to enter
        (self.folder / "static").mkdir()  # STATIC_ROOT, which WhiteNoise requires
        self.logs = self.folder / "log"
        self.supervisor = Supervisor(self.logs)
        self.postgres = Postgres(self.folder / "postgres", self.folder / "run", throwaway=True)
        self.valkey = Valkey(self.folder / "valkey", self.folder / "run", throwaway=True)

    def environment(self) -> dict[str, str]:
        servers = {"DATABASE_URL": self.postgres.url(), "REDIS_URL": self.valkey.url()}
        own = {name: os.environ.get(name, url) for name, url in servers.items()}
        return {**ENVIRONMENT, **own, "DATA_DIR": str(self.folder)}

    def start_postgres(self) -> None:
        if os.environ["DATABASE_URL"] == self.postgres.url():
            process = self.supervisor.start(self.postgres.program(logs=self.logs))
            self.postgres.wait(process)

    def start_valkey(self) -> None:
        if os.environ["REDIS_URL"] == self.valkey.url():
            self.valkey.wait(self.supervisor.start(self.valkey.program()))

    def stop(self) -> None:
        self.supervisor.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def services() -> Services:
    made = Services()
    atexit.register(made.stop)
    return made


def export_environment() -> None:
    """Set the environment for settings, which are read once, and for every child process. If tests run on several
    cores, the coordinating process has exported its own servers before; each of the others starts servers of its
    own."""
    os.environ.setdefault(KEPT, os.environ.get("DATA_DIR") or str(ROOT / "var"))
    for name in os.environ.get(MADE_HERE, "").split():
        del os.environ[name]
    made = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in os.environ]
    os.environ.update(services().environment())
    os.environ[MADE_HERE] = " ".join(made)


def kept() -> Path:
    """Return the folder for downloads that later test runs use again: DATA_DIR as the caller set it, or var/."""
    return Path(os.environ[KEPT]).resolve()


def child_environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process under test."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "agentops.settings", **changes}
