"""A Chromium for the browser tests, from wherever one is available."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import Playwright

from tests.services import kept

MISSING = "no Chromium in CHROMIUM or on the PATH, nor from apt, Playwright or npm (@sparticuz/chromium)"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NPM_PROGRAM = "import('@sparticuz/chromium').then(m => m.default.executablePath()).then(p => console.log(p))"


@cache
def chromium(playwright: Playwright) -> str | None:
    """Return the program's path, or None where none is available."""
    return os.environ.get("CHROMIUM") or on_path() or from_apt() or from_playwright(playwright) or from_npm()


def on_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def from_apt() -> str | None:
    apt_install("chromium")
    return on_path()


def apt_install(package: str) -> None:
    """Install a Debian package where that is possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    if not run(install):  # perhaps the package lists are missing
        run(["apt-get", "update", "-q"])
        run(install)


def from_playwright(playwright: Playwright) -> str | None:
    program = playwright.chromium.executable_path
    if not Path(program).exists():
        run([sys.executable, "-m", "playwright", "install", "chromium"])
    return program if Path(program).exists() else None


def from_npm() -> str | None:
    if not shutil.which("npm"):
        return None
    folder = kept() / "chromium"
    folder.mkdir(parents=True, exist_ok=True)
    if not run(["npm", "install", "--no-save", "--prefix", str(folder), "@sparticuz/chromium"]):
        return None
    answer = subprocess.run(
        [shutil.which("node") or "node", "--input-type=module", "-e", NPM_PROGRAM],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return answer.stdout.strip() or None


def run(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        answer = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
