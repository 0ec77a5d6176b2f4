"""The whole system as its users see it: worker, web server, the simulated outside world, people in browsers. All
tests of this package share one system, so each sends tickets of its own and checks only those."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.plugin import DjangoDbBlocker

from agentops.lab.people import GROUPS, make_people
from agentops.management.intake import Intake
from tests import world as worlds
from tests.acceptance.browser.desk import Desk
from tests.conftest import is_error, own_database, serving, simulated, working
from tests.live import Simulator, Web, Worker
from tests.services import INTAKE_SECRET, child_environment
from tests.world import World

type Shelf = tuple[Path, dict[str, deque[dict[str, Any]]]]
type Enter = Callable[..., Page]
PASSWORDS = {name: f"the password of {name}" for name in GROUPS}


@pytest.fixture(scope="package")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("shop")
    return folder, worlds.write_shop(folder)


@pytest.fixture(scope="package")
def live_database(django_db_setup: None, broker: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with own_database(broker, django_db_blocker) as address:
        yield address


@pytest.fixture(scope="package")
def simulator_process(shelf: Shelf) -> Iterator[Simulator]:
    with simulated(shelf[0]) as simulator:
        yield simulator


@pytest.fixture(scope="package")
def environment(live_database: str, simulator_process: Simulator) -> dict[str, str]:
    return child_environment(DATABASE_URL=live_database, **simulator_process.settings())


@pytest.fixture(scope="package")
def worker(environment: dict[str, str]) -> Iterator[Worker]:
    with working(environment) as worker:
        yield worker


@pytest.fixture(scope="package")
def web(environment: dict[str, str]) -> Iterator[Web]:
    with serving(environment) as web:
        yield web


@pytest.fixture(scope="package")
def people(live_database: str) -> dict[str, User]:
    make_people(PASSWORDS)
    return {name: User.objects.get(username=name) for name in GROUPS}


@pytest.fixture(scope="package")
def api(web: Web) -> Iterator[Intake]:
    with closing(Intake(web.url, INTAKE_SECRET)) as api:
        yield api


@pytest.fixture(scope="package")
def shared_desk(
    shelf: Shelf,
    simulator_process: Simulator,
    api: Intake,
    worker: Worker,
    people: dict[str, User],
) -> Desk:
    """The usual rules are in force: refunds are automatic up to 50.00 and blocked above 1,000.00."""
    worlds.put_rules()
    return Desk(api, World(simulator_process, shelf[1]))


@pytest.fixture
def desk(shared_desk: Desk, simulator: Simulator) -> Desk:
    """The usual rules are in force again, and no faults are set."""
    worlds.put_rules()
    return shared_desk


@pytest.fixture
def enter(browser: Browser, web: Web, people: dict[str, User]) -> Iterator[Enter]:
    """`enter("lead")` returns that person's browser, signed in; `enter(None)` an anonymous one. Options are those of
    a browser context. A script error, a violation of the page's content policy, or a request to another host fails
    the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def come(name: str | None, **options: Any) -> Page:
        given = {"viewport": {"width": 1440, "height": 900}} | options
        context = browser.new_context(base_url=web.url, **given)
        context.set_default_timeout(10_000)
        contexts.append(context)
        if name:
            context.add_cookies([session_of(people[name], web)])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if is_error(said.type, said.text) else None)
        page.on("request", lambda sent: None if is_own(sent.url, web) else wrong.append(f"asked {sent.url}"))
        return page

    yield come
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def lead(enter: Enter) -> Page:
    return enter("lead")


def session_of(user: User, web: Web) -> Any:
    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": web.url}


def is_own(url: str, web: Web) -> bool:
    return url.startswith((f"{web.url}/", "data:", "blob:", "about:"))
