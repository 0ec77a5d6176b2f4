"""Commands next to a running demo take empty settings from it."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from agentops.management import running_demo
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


def test_unset_settings_come_from_the_demo(demo: Path) -> None:
    running_demo.use_demo()
    assert {name: getattr(django_settings, name) for name in WORLD} == WORLD


def test_settings_that_are_set_are_kept(demo: Path, settings: Settings) -> None:
    settings.PAYMENTS_URL, settings.OPENAI_API_KEY = "https://payments.example", "a-key-of-ones-own"
    running_demo.use_demo()
    assert django_settings.PAYMENTS_URL == "https://payments.example"
    assert (django_settings.OPENAI_API_KEY, django_settings.OPENAI_BASE_URL) == ("a-key-of-ones-own", None)


def test_the_demos_addresses_apply_only_to_its_database(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "HOST", "db.example")
    running_demo.use_demo()
    assert django_settings.PAYMENTS_URL == ""


def test_without_a_demo_nothing_is_taken(demo: Path) -> None:
    Keys.path(demo).unlink()
    running_demo.use_demo()
    assert django_settings.PAYMENTS_URL == ""
