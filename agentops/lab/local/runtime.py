"""Places outside the checkout that the servers' user can reach.

As root, PostgreSQL and Valkey run as an unprivileged user. Where only root may enter the checkout (a home at 0700),
that user reaches neither the programs in .venv nor the data in var/. No folder is opened for it: the programs are
copied to the runtime folder and the data is kept there, behind a link from its usual place. Sockets go there too when
their path would be too long. `make clean` removes the runtime folder, which it recognizes by MARK.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from .errors import LocalError
from .privileges import Servant, closed_to, is_open, servant
from .programs import ROOT

PLACES = ("/var/lib", "/var/tmp", "/tmp")  # noqa: S108 - what is there must be ours; best what outlives a restart
MARK = "checkout"
SOCKET_PATH_LIMIT = 107  # bytes; a limit of the kernel
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
ROOM = len("/agentops-evaluation-01234567/world/run/") + len(LONGEST_SOCKET_NAME)


def runtime_folder() -> Path:
    """Return this checkout's runtime folder, created if missing. Raises LocalError.

    Only we and the servers' user can enter it; only we can write to it.
    """
    user = servant()
    place = next(filter(lambda place: _usable(place, user), map(Path, PLACES)), None)
    if place is None:
        raise LocalError(
            f"{ROOT} is closed to the servers' user, and {', '.join(PLACES)} cannot be used instead: "
            "move the checkout to a folder that every user may enter, or run this as an ordinary user."
        )
    folder = place / f"agentops-{os.geteuid()}-{_digest(ROOT)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise LocalError(f"{folder} is in the way: it was made by someone else. Remove it.")
    if user is not None:
        os.chown(folder, -1, user.gid)
        folder.chmod(0o710)
    (folder / MARK).write_text(f"{ROOT}\n")
    return folder


def reachable(folder: Path) -> Path:
    """Return `folder` if the servers' user can reach it, otherwise its stand-in in the runtime folder."""
    if folder.is_symlink() and not folder.exists():
        folder.unlink()
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = folder.resolve()
    return _stand_in(folder, place) if closed_to(servant(), place) else place


def socket_folder(folder: Path) -> Path:
    """Return `folder`, or its stand-in if the servers' user cannot reach it or a socket's path would be too long."""
    place = reachable(folder)
    if len(bytes(place / LONGEST_SOCKET_NAME)) > SOCKET_PATH_LIMIT:
        return _stand_in(folder, place)
    return place


@cache
def runnable(package: Path, *, version: str) -> Path:
    """Return `package`, or its copy in the runtime folder if the servers' user cannot run its programs.

    `package` is an installed wheel's folder. Its libraries are beside it in PACKAGE.libs; programs find them there.
    """
    user = servant()
    parts = [part for part in (package, package.with_name(f"{package.name}.libs")) if part.exists()]
    if user is None or (not closed_to(user, package) and all(map(is_open, parts))):
        return package
    runtime = runtime_folder()
    copy = runtime / f"{package.name}-{version}"
    with (runtime / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            unfinished = runtime / f"{copy.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in parts:
                shutil.copytree(part, unfinished / part.name, symlinks=True)
            _open(unfinished)
            unfinished.rename(copy)
    return copy / package.name


def scratch_place() -> Path:
    """Return a folder for temporary files that the servers' user can reach, with room for a socket's path.

    That is TMPDIR where possible. Raises LocalError.
    """
    user = servant()
    for place in map(Path, dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))):  # noqa: S108 - mkdtemp follows
        short = len(bytes(place)) + ROOM <= SOCKET_PATH_LIMIT
        if short and os.access(place, os.W_OK) and not closed_to(user, place / "any"):
            return place.resolve()
    raise LocalError("No folder for temporary files can be used: set TMPDIR to a short path that every user may enter.")


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A temporary folder for servers and their sockets, removed at the end. Raises LocalError."""
    prefix = f"agentops-{purpose}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=scratch_place(), ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the servers' user must be able to enter
        yield folder


def _usable(place: Path, user: Servant | None) -> bool:
    if not os.access(place, os.W_OK):
        return False
    if user is None:
        return True
    return not closed_to(user, place / "any") and not os.statvfs(place).f_flag & os.ST_NOEXEC


def _stand_in(folder: Path, place: Path) -> Path:
    """Move `place`, which holds the data of `folder` so far, to the runtime folder, and leave a link to it."""
    found = runtime_folder() / f"{folder.name}-{_digest(folder)}"
    if place.is_dir() and place != found:
        shutil.move(place, found)
    found.mkdir(mode=0o700, exist_ok=True)
    folder.unlink(missing_ok=True)
    folder.symlink_to(found)
    return found


def _open(folder: Path) -> None:
    """Let everyone who may enter `folder` read and run what is in it."""
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _digest(path: Path) -> str:
    return sha256(bytes(path)).hexdigest()[:12]
