"""Hooks and lease renewal around every call to an outside system (docs/design.md, 5.4).

Before a call, the thread returns resources that others may need while it waits (`before_each`: its database
connection). Until the answer arrives, the thread's leases (`holding`) are renewed, so a slow answer never looks like a
dead worker. `deadline.DeadlineTransport` does both for every HTTP request; other protocols use `under_way`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
RENEWALS = 3  # per duration of a lease, so that one may fail

_hooks: list[Callable[[], None]] = []


@dataclass(eq=False)
class _Lease:
    """`renew` extends a lease that lasts `seconds` and has not expired. It runs in the keeper's thread."""

    renew: Callable[[], object]
    seconds: float
    renewed_at: float = field(default_factory=time.monotonic)

    @property
    def due_at(self) -> float:
        return self.renewed_at + self.seconds / RENEWALS


_held: ContextVar[tuple[_Lease, ...]] = ContextVar("held", default=())


@dataclass(eq=False)
class OpenCall:
    """A call in progress, until `end` or the monotonic time `until`."""

    until: float
    leases: tuple[_Lease, ...]

    def end(self) -> None:
        if self.leases:
            _keeper.forget(self)


def before_each(hook: Callable[[], None]) -> None:
    """Register a hook to run before every call, in the calling thread. If it raises, the call isn't made."""
    if hook not in _hooks:
        _hooks.append(hook)


@contextmanager
def holding(renew: Callable[[], object], *, seconds: float) -> Iterator[None]:
    """Renew a lease that lasts `seconds` while calls of this thread are in progress."""
    token = _held.set((*_held.get(), _Lease(renew, seconds)))
    try:
        yield
    finally:
        _held.reset(token)


def begin(until: float) -> OpenCall:
    """Run the hooks, and renew the thread's leases until `Call.end`, or until the monotonic time `until` at most."""
    for hook in _hooks:
        hook()
    call = OpenCall(until, _held.get())
    if call.leases:
        _keeper.watch(call)
    return call


@contextmanager
def under_way(seconds: float) -> Iterator[None]:
    """Do the same around a call of at most `seconds` that doesn't use our HTTP transport."""
    call = begin(time.monotonic() + seconds)
    try:
        yield
    finally:
        call.end()


class _Keeper:
    """Renews the leases of all calls in progress, in one thread that starts when it is first needed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: set[OpenCall] = set()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def watch(self, call: OpenCall) -> None:
        with self._changed:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
            elif min(lease.due_at for lease in call.leases) < self._wakes_at:
                self._changed.notify()

    def forget(self, call: OpenCall) -> None:
        with self._changed:
            self._calls.discard(call)

    def _run(self) -> None:
        while True:
            for lease in self._wait_for_due():
                self._renew(lease)

    def _wait_for_due(self) -> list[_Lease]:
        """Return the leases to renew, once there are any."""
        with self._changed:
            while True:
                now = time.monotonic()
                self._calls = {call for call in self._calls if call.until > now}
                leases = dict.fromkeys(lease for call in self._calls for lease in call.leases)
                if due := [lease for lease in leases if lease.due_at <= now]:
                    return due
                self._wakes_at = min((lease.due_at for lease in leases), default=float("inf"))
                self._changed.wait(None if not leases else self._wakes_at - now)

    def _renew(self, lease: _Lease) -> None:
        lease.renewed_at = time.monotonic()  # before the try, so that a failed one isn't repeated at once
        try:
            lease.renew()
            for hook in _hooks:
                hook()
        except Exception:  # the database may be away; the lease outlasts one failed renewal
            log.exception("a lease was not renewed")


_keeper = _Keeper()


def _forget_after_fork() -> None:
    """Start over in a forked process, which has none of the threads and calls."""
    global _keeper
    _keeper = _Keeper()


os.register_at_fork(after_in_child=_forget_after_fork)
