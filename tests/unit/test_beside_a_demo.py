"""Commands beside a running demo take from it what the settings leave empty."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from agentops.management import beside
from agentops.management.keys import Keys

WORLD = {
    "PAYMENTS_URL": "http://127.0.0.1:4001",
    "ORDERS_URL": "http://127.0.0.1:4001",
    "OPENAI_BASE_URL": "http://127.0.0.1:4001/v1",
    "OPENAI_API_KEY": "simulator",
}


@pytest.fixture
def demo(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DATA_DIR = tmp_path
    settings.PAYMENTS_URL = settings.ORDERS_URL = settings.OPENAI_API_KEY = ""
    settings.OPENAI_BASE_URL = None
    monkeypatch.setitem(django_settings.DATABASES["default"], "HOST", str(tmp_path / "run"))
    Keys(addresses=WORLD).save(tmp_path)
    return tmp_path


def test_what_is_not_set_is_the_demos(demo: Path) -> None:
    beside.use_demo()
    assert {name: getattr(django_settings, name) for name in WORLD} == WORLD


def test_what_is_set_stays_and_a_key_of_ones_own_is_not_shown_to_the_demos_model(
    demo: Path, settings: Settings
) -> None:
    settings.PAYMENTS_URL, settings.OPENAI_API_KEY = "https://payments.example", "a-key-of-ones-own"
    beside.use_demo()
    assert django_settings.PAYMENTS_URL == "https://payments.example"
    assert (django_settings.OPENAI_API_KEY, django_settings.OPENAI_BASE_URL) == ("a-key-of-ones-own", None)


def test_beside_another_database_nothing_is_taken(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "HOST", "db.example")
    beside.use_demo()
    assert django_settings.PAYMENTS_URL == ""


def test_where_no_demo_ran_nothing_is_taken(demo: Path) -> None:
    Keys.path(demo).unlink()
    beside.use_demo()
    assert django_settings.PAYMENTS_URL == ""
