"""Sorts tests into floors, and provides the servers, processes and pages that they may request.

- Unit tests request nothing.

- `db` (pytest-django) is PostgreSQL, migrated, each test rolled back; `broker` is Valkey.

- `live_database` belongs to a module: a copy of the migrated one where everything is committed, so that processes
see it. `worker` and `web` run on it, and so does Django in the test. `simulator` is the outside world, `page` a
browser.
"""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import redis
from django.db import connection
from django.test import override_settings
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadScopeScheduling

from agentops.lab.local.ports import reserved_port
from agentops.lab.local.runtime import scratch_place
from agentops.lib import calls
from agentops.runs import steps
from tests import browser as browsers
from tests.live import Simulator, Web, Worker
from tests.services import child_environment, services

FLOORS = ("unit", "integration", "acceptance", "setup", "crash", "benchmarks")
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "main")
PRISTINE, LIVE = f"agentops_pristine_{PROCESS}", f"agentops_live_{PROCESS}"
EMPTY = "template0"


# Fixtures of pytest-django that empty the process's database after the test: later tests then miss the rows that
# migrations made, such as the first policy.
FLUSHING = {"transactional_db", "django_db_reset_sequences", "live_server"}
OPTIONS = ("transaction", "reset_sequences")  # of its mark, with the same effect

# Files and folders whose tests take longest come first, so that no process is still busy with one at the end.
LONGEST = ("acceptance/test_evaluate.py", "acceptance/test_chaos.py", "acceptance/browser", "acceptance", "integration")
# A folder whose tests share processes stays with one process of pytest; otherwise a file does.
SHARING = "tests/acceptance/browser/"


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str
) -> Generator[None, pytest.Collector | list[pytest.Function] | None, pytest.Collector | list[pytest.Function] | None]:
    """Refuse a test that would empty its process's database."""
    made = yield
    if isinstance(made, list) and any(map(flushes, made)):
        raise collector.CollectError(
            f"{name} would empty the database that later tests of its process use. Request live_database instead."
        )
    return made


def flushes(test: pytest.Function) -> bool:
    """Return whether pytest-django would empty the database after `test` instead of rolling back."""
    marks = [(*mark.args[:2], *map(mark.kwargs.get, OPTIONS)) for mark in test.iter_markers("django_db")]
    return any(map(any, marks)) or not FLUSHING.isdisjoint(test.fixturenames)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        floor = place(item).parts[0]
        if floor in FLOORS:
            item.add_marker(floor)
    items.sort(key=rank)


def place(item: pytest.Item) -> Path:
    return item.path.relative_to(Path(__file__).parent)


def rank(item: pytest.Item) -> int:
    return next((at for at, name in enumerate(LONGEST) if place(item).is_relative_to(name)), len(LONGEST))


class Shares(LoadScopeScheduling):  # xdist has no types
    """Hands out tests file by file in the order of the collection, and those of SHARING together."""

    def _split_scope(self, nodeid: str) -> str:
        return SHARING if nodeid.startswith(SHARING) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_unconfigure() -> None:
    """Close the clients that a process keeps for its lifetime: an open socket at the end would cause a warning."""
    for kept in gc.get_objects():
        if issubclass(type(kept), httpx2.Client):
            kept.close()


# --- servers --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> None:
    services().start_postgres()


@pytest.fixture(scope="session")
def broker() -> str:
    """The broker's address."""
    services().start_valkey()
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def django_db_setup(
    postgres: None, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The migrated database, and a copy of it that `live_database` copies in turn."""
    with django_db_blocker.unblock():
        config = setup_databases(verbosity=0, interactive=False, aliases={"default"})
        copy_database(str(connection.settings_dict["NAME"]), PRISTINE)
    yield
    with django_db_blocker.unblock():
        drop_database(PRISTINE)
        teardown_databases(config, verbosity=0)


@pytest.fixture(autouse=True)
def calls_in_the_tests_transaction(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection during calls: a test that is rolled back is one transaction."""
    marker = request.node.get_closest_marker("django_db")
    if "db" in request.fixturenames or (marker and not marker.kwargs.get("transaction")):
        monkeypatch.setattr(calls, "_hooks", [])


@pytest.fixture(scope="module")
def live_database(django_db_setup: None, broker: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The address of the module's database, which Django uses here as well. The broker starts empty."""
    with own_database(broker, django_db_blocker) as address:
        yield address


@contextmanager
def own_database(broker: str, blocker: DjangoDbBlocker, *, source: str = PRISTINE) -> Iterator[str]:
    redis.Redis.from_url(broker).flushall()
    usual = connection.settings_dict["NAME"]
    copy_database(source, LIVE)
    with blocker.unblock():
        connection.settings_dict["NAME"] = LIVE
        steps._stored.clear()  # the texts that this process has stored, in another database
        yield services().postgres.url(LIVE)
        disconnect()
        connection.settings_dict["NAME"] = usual
    drop_database(LIVE)


def copy_database(source: str, name: str) -> None:
    disconnect()
    with maintenance() as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def drop_database(name: str) -> None:
    with maintenance() as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def maintenance() -> psycopg.Connection:
    place = connection.settings_dict
    return psycopg.connect(
        host=place["HOST"],
        port=place["PORT"] or None,
        user=place["USER"],
        password=place["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    )


def disconnect() -> None:
    """A database with open sessions cannot be copied."""
    connection.close()
    connection.close_pool()


# --- the system's processes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulator_data() -> Path | None:
    """A folder of orders to serve. A module that needs one defines a fixture of this name."""
    return None


@pytest.fixture(scope="module")
def simulator_process(simulator_data: Path | None) -> Iterator[Simulator]:
    with simulated(simulator_data) as simulator:
        yield simulator


@contextmanager
def simulated(data: Path | None) -> Iterator[Simulator]:
    simulator = Simulator(logs=services().logs, data=data)
    with override_settings(**simulator.settings()):
        yield simulator
    simulator.stop()


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """The outside world without faults. What earlier tests of the module did is still there."""
    simulator_process.faults()
    return simulator_process


@pytest.fixture(scope="module")
def environment(live_database: str, simulator_process: Simulator) -> dict[str, str]:
    """The environment of every process of the module."""
    return child_environment(DATABASE_URL=live_database, **simulator_process.settings())


@pytest.fixture(scope="module")
def worker(environment: dict[str, str]) -> Iterator[Worker]:
    with working(environment) as worker:
        yield worker


@contextmanager
def working(environment: dict[str, str]) -> Iterator[Worker]:
    worker = Worker(environment, logs=services().logs)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


@pytest.fixture(scope="module")
def web(environment: dict[str, str]) -> Iterator[Web]:
    with serving(environment) as web:
        yield web


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[Web]:
    with reserved_port() as port:
        web = Web(environment, port=port, logs=services().logs)
        try:
            yield web
        finally:
            web.stop()


# --- the browser ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = browsers.chromium(playwright)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(browsers.MISSING)
        pytest.skip(browsers.MISSING)
    # It has a socket in TMPDIR, whose path may be too long.
    environment = {**os.environ, "TMPDIR": str(scratch_place())}
    browser = playwright.chromium.launch(executable_path=program, args=browsers.ARGUMENTS, env=environment)
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser, web: Web) -> Iterator[Page]:
    """A new visitor on the web server. A script error, or a violation of the content policy, fails the test."""
    context = browser.new_context(base_url=web.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if is_error(said.type, said.text) else None)
    yield page
    context.close()
    assert errors == []


def is_error(kind: str, text: str) -> bool:
    """Return whether a console line is an error. An answer of 4xx makes a line too, and some tests expect one."""
    return kind == "error" and not text.startswith("Failed to load resource")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if browsers.MISSING in str(report.longrepr)
    ]
    if skipped:
        line = f"{len(skipped)} BROWSER TESTS WERE SKIPPED: {browsers.MISSING}"
        terminalreporter.write_line(line, red=True, bold=True)
