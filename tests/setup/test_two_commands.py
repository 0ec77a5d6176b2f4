"""`make demo` and `make test` where README says that they work, in real folders, mounts, networks and users.

A demo runs until its first ticket awaiting approval. Of `make test` a part runs: lint, the import contracts and a test
that starts PostgreSQL. To save time, most tests try several circumstances at once. Slow starts, ports in use and data
of other versions are tried in tests/integration/test_local_servers.py; CI itself installs the packages without uv.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agentops.lab.local.ports import reserved_port
from agentops.lab.local.programs import ROOT
from agentops.lab.local.runtime import MARK, PLACES, scratch_folder
from tests.services import ENVIRONMENT, KEPT, MADE_HERE
from tests.setup.inside import UID
from tests.waiting import until

INSIDE = Path(__file__).with_name("inside.py")
VERSIONS = {"3.12", "3.13", "3.14"}
PART = "tests/integration/test_migrations.py"
# What a person has not set: the tests' own settings, and what an outer make or pytest hands down.
UNSET = {*ENVIRONMENT, "DATABASE_URL", "REDIS_URL", "DATA_DIR", "PORT", "DJANGO_SETTINGS_MODULE", KEPT, MADE_HERE}
UNSET |= {"PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST"}
UNSET |= {"ARGS", "TESTS", "DEMO", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "PYTHONUTF8"}
NOT_COPIED = (".git", ".venv", "var", "site", ".*_cache", ".hypothesis")


def can_be_arranged() -> bool:
    """Return whether we may make the mounts and networks that most of these tests need."""
    command = [sys.executable, str(INSIDE), "--no-ipv6", "--", "true"]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


arranged = pytest.mark.skipif(not can_be_arranged(), reason="only root can make the mounts and networks for this")


@dataclass
class Checkout:
    """A copy of the repository, and how make is called in it."""

    folder: Path
    circumstances: tuple[str, ...] = ()
    packages: bool = False
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str | None] = field(default_factory=dict)

    def command(self, *goals: str) -> list[str]:
        make = ["make", *goals, *self.arguments]
        circumstances = list(self.circumstances)
        if self.packages and goals != ("clean",):
            circumstances += ["--packages", str(self.folder / ".venv")]
        return [sys.executable, str(INSIDE), *circumstances, "--", *make] if circumstances else make

    def surroundings(self, **changes: str) -> Mapping[str, str]:
        usual = {name: value for name, value in os.environ.items() if name not in UNSET} | changes
        return {name: value for name, value in (usual | self.environment).items() if value is not None}

    def make(self, *goals: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*goals),
            cwd=self.folder,
            env=self.surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def works(self) -> None:
        """Raise AssertionError, with the output, unless both commands succeed."""
        self._demo()
        tested = self.make("lint", "contracts", "test-integration", f"TESTS={PART}", "ARGS=-q")
        assert tested.returncode == 0, tested.stdout + tested.stderr
        assert " passed" in tested.stdout

    def _demo(self) -> None:
        output = self.folder.parent / "demo.output"
        with reserved_port() as port, output.open("wb") as file:
            process = subprocess.Popen(
                self.command("demo"),
                cwd=self.folder,
                env=self.surroundings(PORT=str(port)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                until(lambda: "awaiting approval" in output.read_text() or process.poll() is not None, seconds=600)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
                process.wait()
        said = output.read_text()
        assert "awaiting approval" in said, said
        assert "Stopped. Nothing is lost" in said, said


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder("setup") as folder:
        yield folder


def copied(folder: Path, *circumstances: str, packages: bool = False) -> Checkout:
    """The repository in `folder`, for commands in these circumstances; with `packages`, our .venv is shown in it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    (folder / ".venv").mkdir()
    return Checkout(folder, circumstances, packages)


@contextmanager
def cleaned(checkout: Checkout) -> Iterator[None]:
    """Run `make clean` at the end, and see that it removes the runtime folder if there is one."""
    try:
        yield
    finally:
        answer = checkout.make("clean")
    assert answer.returncode == 0, answer.stderr
    marks = [mark for place in PLACES for mark in Path(place).glob(f"agentops-*/{MARK}")]
    assert not any(mark.read_text().strip() == str(checkout.folder) for mark in marks)


def uv_on_the_path(folder: Path) -> str:
    folder.mkdir()
    (folder / "uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    return f"{folder}:{os.environ['PATH']}"


def no_uv_on_the_path() -> str:
    return ":".join(place for place in os.environ["PATH"].split(":") if not (Path(place) / "uv").exists())


@arranged
def test_root_in_a_closed_home_in_a_locale_that_is_not_installed(scratch: Path) -> None:
    home = scratch / "zu Hause bei Zoë"
    home.mkdir(mode=0o700)
    checkout = copied(home / "agent ops", packages=True)
    checkout.environment = {"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX.UTF-8"}
    with cleaned(checkout):
        checkout.works()
    assert home.stat().st_mode & 0o777 == 0o700


@arranged
def test_an_ordinary_user_without_ipv6_under_a_long_tmpdir(scratch: Path) -> None:
    home = scratch / "home"
    home.mkdir(mode=0o700)
    checkout = copied(home / "agentops", "--user", "kim", "--no-ipv6", packages=True)
    (long := home / ("temporary" * 14)).mkdir()
    for path in (home, *home.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)
    checkout.environment = {"HOME": str(home), "TMPDIR": str(long)}
    with cleaned(checkout):
        checkout.works()


@arranged
def test_a_read_only_checkout_with_packages_under_a_noexec_tmpdir(scratch: Path) -> None:
    (temporary := scratch / "temporary").mkdir()
    folder = scratch / "agentops"
    checkout = copied(folder, "--read-only", str(folder), "--noexec", str(temporary), packages=True)
    checkout.environment = {"TMPDIR": str(temporary)}
    checkout.arguments = [f"DATA_DIR={scratch / 'their data'}"]
    with cleaned(checkout):
        checkout.works()


@arranged
@pytest.mark.parametrize("version", sorted(VERSIONS - {sysconfig.get_python_version()}))
def test_another_python_with_uv_in_a_read_only_checkout_without_home_under_umask_077(
    scratch: Path, version: str
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    folder, data = scratch / "agentops", scratch / "their data"
    checkout = copied(folder, "--read-only", str(folder), "--umask", "077")
    checkout.environment = {"HOME": None, "PATH": uv_on_the_path(scratch / "bin")}
    checkout.arguments = [f"DATA_DIR={data}", f"PYTHONS={python}"]
    with cleaned(checkout):
        checkout.works()
        said = subprocess.run([data / "venv" / "bin" / "python", "-V"], capture_output=True, text=True, check=True)
        assert said.stdout.startswith(f"Python {version}.")
        assert not (data / "venv" / "uv.txt").exists()  # so uv made it
    assert not (data / "venv").exists()


@arranged
@pytest.mark.parametrize("goal", ["demo", "test"])
def test_a_read_only_checkout_without_a_folder_to_write_to_is_one_line(scratch: Path, goal: str) -> None:
    checkout = copied(scratch / "agentops", "--read-only", str(scratch / "agentops"))
    said = f"This folder is read-only; name one to write to: make {goal} DATA_DIR=/path/to/folder.  Stop."
    assert one_line(checkout.make(goal)).endswith(said)


def test_no_python_is_one_line(scratch: Path) -> None:
    checkout = copied(scratch / "agentops")
    checkout.arguments = ["PYTHONS=python2"]
    checkout.environment = {"PATH": no_uv_on_the_path()}
    assert one_line(checkout.make("demo")).startswith("This needs Python 3.12 or newer, and none was found.")


def interpreter(version: str) -> str | None:
    """A Python of this version, if there is one: on the PATH, or pyenv's."""
    there = [shutil.which(f"python{version}") or ""]
    there += map(str, Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python3"))
    for python in filter(None, there):
        said = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
        if said.stdout.startswith(f"Python {version}."):
            return python
    return None


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    """What a failure says, without make's own last word."""
    assert answer.returncode != 0
    [line] = [line for line in answer.stderr.splitlines() if "Error 1" not in line]
    return line
