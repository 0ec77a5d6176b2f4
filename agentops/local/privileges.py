"""Whom a server runs as: PostgreSQL refuses to run as root, and the others have no need to."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from .errors import LocalError


@dataclass(frozen=True, slots=True)
class Servant:
    """The unprivileged user that a server is started as when we are root."""

    name: str
    uid: int
    gid: int


def servant() -> Servant | None:
    """An existing unprivileged user when we are root, else None: the server runs as we do."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon", "postgres"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return Servant(name, user.pw_uid, user.pw_gid)
    raise LocalError("PostgreSQL does not run as root, and there is no user nobody, daemon or postgres to run it as.")


def give(folder: Path, user: Servant | None) -> None:
    """Make `folder` (created where missing) and all in it `user`'s, closed to everyone else."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if user is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def closed_to(user: Servant | None, path: Path) -> bool:
    """Whether some folder on the way to `path` cannot be passed by `user` (a home at 0700, say)."""
    if user is None:
        return False
    return any(not _passes(user, folder.stat()) for folder in path.resolve().parents)


def _passes(user: Servant, status: os.stat_result) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
