"""Limits on what may leave this process. Usually there are none; inside `only`, everything but the named requests is
refused.

Both of two checks must pass, and both act before a socket connects. Every request of our clients is checked against the
allowed requests (`passing`, in their shared transport, so that an open connection is no loophole). Any other connection
is refused where Python creates its socket, whichever library asks for it (an audit hook).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class NotLetOut(Exception):
    """A request that must not leave this process, refused before it was sent: a bug of ours. `what` names the request
    or the connection. It is no ProviderError, so no code retries or absorbs it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not allowed here and was not sent.")
        self.what = what


@dataclass(frozen=True)
class Allowed:
    """Requests with one method to `url` and below. `url` has scheme, host, port and path, but no query."""

    method: str
    url: str

    def covers(self, method: str, url: str) -> bool:
        whole = self.url.rstrip("/")
        return method.upper() == self.method and (url == whole or url.startswith((f"{whole}/", f"{whole}?")))


_allowed: ContextVar[tuple[Allowed, ...] | None] = ContextVar("allowed", default=None)
_passing: ContextVar[bool] = ContextVar("passing", default=False)
_watched = False


@contextmanager
def only(*allowed: Allowed) -> Iterator[None]:
    """Let this thread send only these requests while the context is active. Nested, the intersection applies."""
    _watch()
    before = _allowed.get()
    both = allowed if before is None else tuple(each for each in allowed if each in before)
    token = _allowed.set(both)
    try:
        yield
    finally:
        _allowed.reset(token)


@contextmanager
def passing(method: str, url: str) -> Iterator[None]:
    """Check one of our requests and mark it as allowed while it runs. Raises NotLetOut."""
    allowed = _allowed.get()
    if allowed is None:
        yield
        return
    if not any(each.covers(method, url) for each in allowed):
        raise NotLetOut(f"{method} {url.partition('?')[0]}")
    token = _passing.set(True)
    try:
        yield
    finally:
        _passing.reset(token)


def _watch() -> None:
    """Install the audit hook on first use: Python can't remove a hook, and every hook costs a little."""
    global _watched
    if not _watched:
        _watched = True
        sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[object, ...]) -> None:
    # Refuse new sockets, and connections of sockets that already exist.
    if event in ("socket.__new__", "socket.connect") and _allowed.get() is not None and not _passing.get():
        raise NotLetOut(f"a connection to {args[1]}" if event == "socket.connect" else "a socket")
