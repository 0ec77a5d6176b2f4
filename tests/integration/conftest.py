"""A test shop behind the simulator, rules in force, and a scripted model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from pytest_django import Settings

from agentops.models import Breaker, Budget
from tests import held, lock_order
from tests import world as worlds
from tests.live import Simulator
from tests.scripted import Script, scripted
from tests.services import services
from tests.world import World


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("shop")
    shelf = worlds.write_shop(folder)
    simulator = Simulator(logs=services().logs, data=folder)
    yield World(simulator, shelf)
    simulator.stop()


@pytest.fixture
def world(live_database: str, shop: World) -> Iterator[World]:
    """All outside systems without faults, the usual rules, and checks of lock order and held connections. Changes are
    committed and stay for the module, so each test uses orders and customers of its own."""
    worlds.put_rules()
    Breaker.objects.all().delete()
    Budget.objects.all().delete()
    shop.simulator.faults()
    with override_settings(**shop.simulator.settings()), lock_order.kept(), held.watched():
        yield shop


@pytest.fixture
def lead(live_database: str) -> User:
    return User.objects.get_or_create(username="lead")[0]


@pytest.fixture
def model(world: World, settings: Settings) -> Iterator[Script]:
    """A scripted language model."""
    with scripted() as script:
        settings.OPENAI_BASE_URL = f"{script.url}/v1"
        yield script


@pytest.fixture
def payments(world: World, settings: Settings) -> Iterator[Script]:
    """A scripted payment provider. Orders still come from the simulator."""
    with scripted() as script:
        settings.PAYMENTS_URL = script.url
        yield script
