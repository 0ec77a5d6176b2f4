"""The user that a server runs as: PostgreSQL refuses to run as root, and the others don't need to."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import LocalError


@dataclass(frozen=True, slots=True)
class Servant:
    """The unprivileged user that servers run as when we are root."""

    name: str
    uid: int
    gid: int


def servant() -> Servant | None:
    """Return an existing unprivileged user if we are root, else None: the server runs as our own user."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon", "postgres"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return Servant(name, user.pw_uid, user.pw_gid)
    raise LocalError(
        "PostgreSQL does not run as root, and this machine has no user nobody, daemon or postgres: "
        "run this as an ordinary user, or set DATABASE_URL and REDIS_URL to your own servers."
    )


def give_folder(folder: Path, user: Servant | None) -> None:
    """Give `folder` (created if missing) and its contents to `user`, closed to everyone else. Raises LocalError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if user is None:
        return
    try:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
    except OSError as error:  # root in a container without that privilege, or without that user
        raise LocalError(
            f"PostgreSQL does not run as root, and {folder} cannot be given to the user {user.name} "
            f"({error.strerror}): run this as an ordinary user, or set DATABASE_URL and REDIS_URL to your own servers."
        ) from None


def closed_to(user: Servant | None, path: Path) -> bool:
    """Return whether `user` cannot enter some folder on the way to `path` (a home at 0700, for example)."""
    if user is None:
        return False
    return any(not _passes(user, folder.stat()) for folder in path.resolve().parents)


def is_open(folder: Path) -> bool:
    """Return whether everyone may read `folder` and its contents (not if it was installed under umask 077)."""
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        wanted = 0o005 if mode & stat.S_IXUSR else 0o004
        if not stat.S_ISLNK(mode) and mode & wanted != wanted:
            return False
    return True


def _passes(user: Servant, status: os.stat_result) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
