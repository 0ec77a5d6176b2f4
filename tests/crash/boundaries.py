"""Where our code commits and makes HTTP calls, watched in a child process that can be killed at any of these points.

A boundary's name is the place in our code, what happens there, and the side: `approvals.effects.execution._claim
commit after`, `approvals.effects.execution._send POST /refunds before`. Each passage is written to the trace before
the process may die there.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import Any

import httpx2
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from tests import lock_order

ROOT = str(Path(__file__).resolve().parent.parent.parent)
OURS = tuple(f"{ROOT}/{package}/" for package in ("agentops", "approvals", "tickets"))
# Shared helpers: the place is their caller.
PLUMBING = (
    "agentops.lib.",
    "agentops.llm.client.",
    "agentops.runs.tools.",
    "approvals.audit.events.",
    "approvals.policy.versions.",
    "approvals.effects.proposals.resolve_arguments",
    "approvals.providers.",
    "approvals.effects.reservations.",
    "approvals.effects.resolution.",
    "approvals.effects.customers.",
    "approvals.effects.own_orders.",
    "approvals.effects.kinds.",
    "approvals.transitions.",
    "agentops.runs.commit.commit_step",
)
CLOSED_PORT = 1
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
IDENTIFIERS = re.compile(r"/(orders|customers)/[^/]+")


@dataclass
class Boundaries:
    """The boundaries that one process passes, written to the file `trace` as one JSON object a line.

    At the first of `deaths` that it reaches, the process kills itself with SIGKILL or, with `stall`, sleeps for that
    many seconds and then continues as if nothing had happened. `refused`: connections are refused where each kind of
    effect is first sent.
    """

    trace: Path
    deaths: frozenset[str] = frozenset()
    stall: float = 0.0
    refused: bool = False
    _passed: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._file = os.open(self.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        place = f"{place_in_our_code(sys._getframe())} {what}"
        self.arrive(f"{place} before")
        try:
            yield
        finally:
            self.arrive(f"{place} after")

    def arrive(self, boundary: str) -> None:
        here = self.first(boundary) and boundary in self.deaths
        self.write({"boundary": boundary})
        if here and self.stall:
            self.write({"stalled": boundary})
            time.sleep(self.stall)
        elif here:
            self.write({"killed": boundary})
            os.kill(os.getpid(), signal.SIGKILL)

    def first(self, passage: str) -> bool:
        with self._lock:
            first = passage not in self._passed
            self._passed.add(passage)
            return first

    def write(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def install(self) -> None:
        """Watch every commit, every statement in autocommit, and every HTTP exchange of this process."""
        commit, execute = BaseDatabaseWrapper._commit, CursorWrapper._execute
        executemany, send = CursorWrapper._executemany, httpx2.Client.send

        def watched_commit(wrapper: Any) -> Any:
            with self.around("commit"):
                return commit(wrapper)

        def watched[**P, T](run: Callable[P, T]) -> Callable[P, T]:
            def statement(*given: P.args, **named: P.kwargs) -> T:
                cursor, sql = given[0], given[1]
                if cursor.db.in_atomic_block or not WRITES.match(str(sql)):
                    return run(*given, **named)
                with self.around("commit"):
                    return run(*given, **named)

            return statement

        def watched_send(client: Any, request: httpx2.Request, **options: Any) -> Any:
            path = IDENTIFIERS.sub(r"/\1/{id}", request.url.path)
            if connection.in_atomic_block:
                self.write({"violation": f"{request.method} {path} inside a transaction"})
            with self.around(f"{request.method} {path}"):
                if self.refused and request.method != "GET" and self.first(path):
                    request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=CLOSED_PORT)
                return send(client, request, **options)

        BaseDatabaseWrapper._commit = watched_commit
        CursorWrapper._execute = watched(execute)
        CursorWrapper._executemany = watched(executemany)
        httpx2.Client.send = watched_send
        lock_order.install(lambda words: self.write({"violation": words}))


def place_in_our_code(frame: FrameType | None) -> str:
    """Return module.function of the nearest frame of ours that is not a shared helper."""
    nearest = ""
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            name = f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"
            if not name.startswith(PLUMBING):
                return name
            nearest = nearest or name
        frame = frame.f_back
    return nearest or "outside"
