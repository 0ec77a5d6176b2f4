"""Everything that a demo runs (servers, simulator, worker and web server), started and stopped together."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentops.management.keys import Keys

from . import programs
from .errors import LocalError
from .ports import LOOPBACK
from .postgres import Postgres
from .processes import Process, Supervisor
from .runtime import reachable, socket_folder
from .valkey import Valkey

# What the simulator replaces, and under which path, unless the environment names a real one.
SIMULATED = {"ORDERS_URL": "", "PAYMENTS_URL": "", "REPLIES_URL": "/replies", "OPENAI_BASE_URL": "/v1"}
MODEL_LATENCY_SECONDS = "0.6"
OWN_FILES = ("postgres", "postgres.unfinished", "valkey", "run", "log", "demo.json")


@dataclass
class Stack:
    """The processes on the folder `data`. `environment` is the environment of our own processes, complete after
    `start_servers`."""

    data: Path
    sockets: Path
    keys: Keys
    port: int
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    simulator_url: str | None = None

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.data / "log")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start_servers(self, *, simulator_options: list[str]) -> None:
        """Start the servers and the simulator together, except those that the environment names. Raises LocalError."""
        waits: list[Callable[[], None]] = []
        replaced = [name for name in SIMULATED if not os.environ.get(name)]
        if replaced:
            options = ["--state", str(self.data / "simulator.sqlite3"), "--model-latency", MODEL_LATENCY_SECONDS]
            simulator = self.supervisor.start(programs.simulator(self.environment, *options, *simulator_options))
            waits.append(lambda: self._use_simulator(simulator, replaced))
        if not os.environ.get("REDIS_URL"):
            valkey = Valkey(reachable(self.data / "valkey"), self.sockets)
            broker = self.supervisor.start(replace(valkey.program(), restart=True))
            self.environment["REDIS_URL"] = valkey.url()
            waits.append(lambda: valkey.wait(broker))
        if not os.environ.get("DATABASE_URL"):
            postgres = Postgres(reachable(self.data / "postgres"), self.sockets)
            database = self.supervisor.start(replace(postgres.program(logs=self.supervisor.logs), restart=True))
            self.environment["DATABASE_URL"] = postgres.url()
            waits.append(lambda: postgres.wait(database))
        # Started together and awaited afterwards, so that the slowest one alone decides how long it takes.
        for wait in waits:
            wait()
        self._complete_environment()

    def _use_simulator(self, process: Process, names: list[str]) -> None:
        self.simulator_url = programs.simulator_url(process)
        self.environment |= {name: self.simulator_url + SIMULATED[name] for name in names}
        if "OPENAI_BASE_URL" in names:
            self.environment["OPENAI_API_KEY"] = "simulator"  # it must not see a real key

    def addresses(self) -> dict[str, str]:
        """Return the addresses of what the simulator replaces. Nothing from the environment is included, least of
        all secrets."""
        if not self.simulator_url:
            return {}
        names = [name for name in SIMULATED if not os.environ.get(name)]
        found = {name: self.environment[name] for name in names}
        return found | ({"OPENAI_API_KEY": "simulator"} if "OPENAI_BASE_URL" in names else {})

    def _complete_environment(self) -> None:
        hosts = filter(None, ["localhost", LOOPBACK, "[::1]", os.environ.get("ALLOWED_HOSTS")])
        secrets = {
            "SECRET_KEY": self.keys.secret_key,
            "INTAKE_SIGNING_SECRET": self.keys.intake_signing_secret,
            "REPLIES_SIGNING_SECRET": self.keys.replies_signing_secret,
        }
        self.environment |= {name: os.environ.get(name) or own for name, own in secrets.items()}
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "agentops.settings",
            "DATA_DIR": str(self.data),
            "DEMO": "1",
            "PUBLIC_URL": self.url,
            "ALLOWED_HOSTS": ",".join(hosts),
        }

    def start_application(self) -> Callable[[], None]:
        """Start the worker and the web server on a migrated database. Returns a function that waits for both (raises
        LocalError)."""
        worker = self.supervisor.start(programs.worker(self.environment, restart=True))
        web = self.supervisor.start(programs.web(self.environment, port=self.port, restart=True))

        def wait() -> None:
            programs.wait_for_web(web, port=self.port)
            programs.wait_for_worker(worker)

        return wait


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Lock the folder for us. Raises LocalError if another demo runs on it, or it cannot be written."""
    with ExitStack() as stack:
        try:
            data.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((data / "demo.lock").open("a+"))
        except OSError as error:
            raise LocalError(f"{data} cannot be used ({error.strerror}): set DATA_DIR to another folder.") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalError(
                f"A demo is already running on {data} (process {lock.read()}): "
                "stop it, or set DATA_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def running(data: Path, *, port: int, keys: Keys, simulator_options: list[str]) -> Iterator[Stack]:
    """A stack with its servers, stopped at the end. The caller prepares the database and starts the application."""
    stack = Stack(data, socket_folder(data / "run"), keys, port)
    try:
        stack.start_servers(simulator_options=simulator_options)
        yield stack
    finally:
        stack.supervisor.stop()


def database_removed(data: Path) -> bool:
    """Return whether `make clean` has removed the database that the rest of the demo's data belongs to."""
    postgres = data / "postgres"
    return not os.environ.get("DATABASE_URL") and postgres.is_symlink() and not postgres.exists()


def remove_data(data: Path) -> None:
    """Remove everything a demo keeps in `data`, and nothing else."""
    if os.environ.get("DATABASE_URL"):
        raise LocalError("DATABASE_URL is set: the demo does not empty a database that is not its own.")
    for path in [*(data / name for name in OWN_FILES), *data.glob("simulator.sqlite3*")]:
        if path.is_symlink():  # the link to its stand-in; see runtime.py
            shutil.rmtree(path.resolve(), ignore_errors=True)
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
