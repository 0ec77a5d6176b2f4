"""One database, one simulator with a large shop, one warm parent for the module's cases."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from agentops.celery import app
from tests import world as worlds
from tests.crash import lives, plans, schedules, shop
from tests.crash.cases import PARTS, WARM_UPS, Case
from tests.crash.harness import WEBHOOK_SECRET, Harness, Warm, environment
from tests.crash.people import LEAD
from tests.crash.schedules import Player
from tests.live import Simulator
from tests.services import services

# Enough for one run: each case takes an order.
SHOP_SIZE = 1_500 + 9_000 // PARTS


class Numbers:
    """Gives each case an order and a customer that no other case has."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._plain, self._pending = [], []
        for number in itertools.islice(numbers, WARM_UPS, None):
            (self._pending if shop.is_pending(number) else self._plain).append(number)

    def give(self, case: Case) -> Case:
        return replace(case, number=(self._pending if case.scenario.pending else self._plain).pop())


@pytest.fixture(scope="session")
def crash_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Numbers]]:
    folder = tmp_path_factory.mktemp("crash-shop")
    orders = range(shop.FIRST, shop.FIRST + SHOP_SIZE)
    shop.write(folder, orders)
    numbers = Numbers(orders)
    simulator = Simulator(logs=services().logs, data=folder)
    yield simulator, numbers
    simulator.stop()


@pytest.fixture(scope="module")
def numbers(crash_shop: tuple[Simulator, Numbers]) -> Numbers:
    return crash_shop[1]


@pytest.fixture(scope="module")
def harness(
    live_database: str, crash_shop: tuple[Simulator, Numbers], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    simulator, _ = crash_shop
    folder: Path = tmp_path_factory.mktemp("crash")
    worlds.put_rules()
    User.objects.get_or_create(username=LEAD)
    warm = Warm(environment(live_database, simulator), folder, plays="tests.crash.enumeration")
    app.conf.broker_url = "memory://"
    with override_settings(**simulator.settings(), STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET):
        yield Harness(warm, simulator, folder)
    warm.stop()


@contextmanager
def playing(
    database: str, folder: Path, seeds: Iterable[int], *, forgetful: bool = False, **changes: str
) -> Iterator[Player]:
    """Play schedules of these seeds, with a payment provider that may lack idempotency keys. `changes`: to the
    environment."""
    shop.write(folder, plans.numbers(seeds))
    simulator = Simulator(logs=services().logs, data=folder, forgetful=forgetful)
    warm = schedules.parent({**environment(database, simulator), **changes}, folder)
    worlds.put_rules()
    for name in lives.LEADS:
        User.objects.get_or_create(username=name)
    app.conf.broker_url = "memory://"
    try:
        with override_settings(**simulator.settings()):
            yield Player(warm, simulator, folder)
    finally:
        warm.stop()
        simulator.stop()


_lines = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lines] = []


@pytest.fixture(scope="session")
def record_crash_line(pytestconfig: pytest.Config) -> list[str]:
    """A line to print at the end."""
    return pytestconfig.stash[_lines]


@pytest.fixture(scope="session")
def show(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Show a line immediately, during the run."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")

    def line(words: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(words)
            reporter.flush()

    return line


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash[_lines]:
        terminalreporter.write_line(line)
