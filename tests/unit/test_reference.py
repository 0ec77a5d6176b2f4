"""The reference pages of the documentation, which docs/hooks generates from the code."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from agentops.lab.local.programs import ROOT


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.syspath_prepend(ROOT / "docs" / "hooks")
    return import_module


def test_every_command_is_listed_with_its_own_arguments(hook: Callable[[str], Any]) -> None:
    page = hook("commands_page").render(ROOT)
    ours = [name for name, app in get_commands().items() if app.startswith("agentops")]
    assert len(ours) >= 8
    assert [name for name in ours if f"\n## {name}\n" not in page] == []
    assert "| `--since T` |" in page
    assert "--pythonpath" not in page  # common to all Django commands


@pytest.mark.parametrize(
    ("path", "methods", "who"),
    [
        ("/queue/<int:request_id>/approve/", ("POST",), "lead"),
        ("/policy/edit/", ("GET", "POST"), "admin"),
        ("/audit/", ("GET",), "lead, admin, auditor"),
        ("/api/tickets", ("POST",), "everyone"),
    ],
)
def test_an_address_shows_who_may_use_it(
    hook: Callable[[str], Any], path: str, methods: tuple[str, ...], who: str
) -> None:
    found = {each.path: (each.methods, each.who) for each in hook("http_page").addresses()}
    assert found[path] == (methods, who)


def test_every_contract_and_address_is_listed(hook: Callable[[str], Any]) -> None:
    page = hook("http_page").render(ROOT)
    for heading in ("### `POST /api/tickets`", "### `POST /refunds`", "### `PATCH /customers/{customer_id}`"):
        assert heading in page
    assert all(f"| `{each.path}` |" in page for each in hook("http_page").addresses())


def test_settings_show_their_default_from_the_code(hook: Callable[[str], Any]) -> None:
    page = hook("settings_page").render(ROOT)
    assert "| `RETRY_HORIZON_SECONDS` |" in page
    assert "| `72000` |" in page
    assert "| `not (DEMO or DEBUG)` |" in page


def test_a_setting_without_a_comment_is_refused(hook: Callable[[str], Any], tmp_path: Path) -> None:
    example = tmp_path / ".env.example"
    example.write_text("# --- Here ---\n# Said\nONE=\nTWO=\n")
    with pytest.raises(ValueError, match="TWO has no comment"):
        hook("settings_page").described(example)
