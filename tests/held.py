"""Finds calls that leave while their thread holds a database connection, whatever library makes them.

HTTP passes through `agentops.lib.calls` in any case. This catches other sockets that our code opens, such as SMTP.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
OURS = tuple(f"{ROOT}/{folder}/" for folder in ("agentops", "approvals", "tickets", "tests"))
NOT_WATCHED = (f"{ROOT}/tests/", f"{ROOT}/agentops/lab/")
_found: list[str] | None = None


@contextmanager
def watched() -> Iterator[None]:
    """Fail if a socket of ours was connected while its thread held a connection."""
    global _found
    _watch()
    _found = []
    try:
        yield
        assert not _found, _found
    finally:
        _found = None


_hooks: list[object] = []


def _watch() -> None:
    if not _hooks:  # Python can't remove one
        sys.addaudithook(_saw)
        _hooks.append(_saw)


def _saw(event: str, given: tuple[object, ...]) -> None:
    if event != "socket.connect" or _found is None or not isinstance(given[1], tuple):
        return  # a path is a server's of this host: the broker
    if connection.connection is None or f"{given[1][0]}:{given[1][1]}" in settings.REDIS_URL:
        return
    if place := _place(sys._getframe()):
        _found.append(f"{place} connects to {given[1]} and holds a database connection")


def _place(frame: FrameType | None) -> str:
    """Return the nearest function of ours, or nothing if it is a test's or the lab's."""
    while frame is not None and not frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(NOT_WATCHED):
        return ""
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"
