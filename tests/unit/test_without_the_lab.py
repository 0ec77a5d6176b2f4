"""A production install may leave out agentops/lab: nothing that runs there needs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentops.lab.local.programs import ROOT

LOAD_ALL = "import agentops.celery, agentops.urls; agentops.celery.app.loader.import_default_modules()"


@pytest.fixture
def install(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "manage.py", tmp_path)
    for folder in ("agentops", "approvals", "tickets", "templates", "static"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("lab", "__pycache__"))
    assert not (tmp_path / "agentops" / "lab").exists()
    return tmp_path


@pytest.mark.parametrize("arguments", [["check"], ["shell", "--no-imports", "-c", LOAD_ALL]])
def test_an_install_without_the_lab_loads(install: Path, arguments: list[str]) -> None:
    ended = manage(install, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_only_the_labs_commands_are_missing(install: Path) -> None:
    commands = manage(install, "help", "--commands").stdout.split()
    assert "verify_audit" in commands
    assert {"demo", "chaos", "soak", "evaluate"}.isdisjoint(commands)


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "of-the-test",
        "DATABASE_URL": "postgres://user@localhost/name",
        "REDIS_URL": "redis://localhost:6379/0",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
