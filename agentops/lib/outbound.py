"""What may leave this process. Usually everything; inside `only` nothing but what is named, and the rest is refused
before a socket is connected.

Two checks, and both must pass: every request of our clients is held against the names (`passing`, in their common
transport, so that a connection that is kept open is no way around), and any connection that no such request makes is
refused where Python makes its socket, whatever library asks for it (an audit hook).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from agentops.lib.errors import NotLetOut


@dataclass(frozen=True)
class Allowed:
    """Requests of one method to `url` and what is below it. `url` is scheme, host, port and path, without a query."""

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
    """Lets only these requests out of this thread until it ends. Within another `only`, no more than both allow."""
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
    """Around one request of ours. Raises NotLetOut."""
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
    """Python has no way to take an audit hook back, and each costs a little: it is set by the first who needs it."""
    global _watched
    if not _watched:
        _watched = True
        sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[object, ...]) -> None:
    # No socket is made, and none that was made before is connected.
    if event in ("socket.__new__", "socket.connect") and _allowed.get() is not None and not _passing.get():
        raise NotLetOut(f"a connection to {args[1]}" if event == "socket.connect" else "a socket")
