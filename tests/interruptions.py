"""Interrupt this process where it meets others: at a request to an outside system, or at a statement to the database.

What happens there is up to the test: the worker dies, the call breaks, or somebody else acts first. No function of ours
is replaced, only httpx2's transport and Django's cursor.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import httpx2
import pytest
from django.db.backends.utils import CursorWrapper

type Interruption = Callable[..., AbstractContextManager[None]]
MODEL = "/chat/completions"


class Killed(BaseException):
    """The end of a worker. Nothing of ours catches it."""


def die() -> NoReturn:
    raise Killed


def from_call(number: int, act: Callable[[], object]) -> Callable[[], None]:
    """Let the calls before this one pass, and `act` at it and at each later one."""
    calls = itertools.count(1)

    def count() -> None:
        if next(calls) >= number:
            act()

    return count


def fail_with(error: BaseException) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


@contextmanager
def before_request(path: str, act: Callable[[], object], *, method: str = "POST") -> Iterator[None]:
    """Call `act` in the thread that is about to send a request whose path contains `path`."""

    def send(request: httpx2.Request, real: Callable[[], httpx2.Response]) -> httpx2.Response:
        if request.method == method and path in request.url.path:
            act()
        return real()

    with _transport(send):
        yield


@contextmanager
def after_answer(path: str, act: Callable[[], object], *, method: str = "POST") -> Iterator[None]:
    """Call `act` once the outside system has answered such a request, before anything of the answer is used."""

    def send(request: httpx2.Request, real: Callable[[], httpx2.Response]) -> httpx2.Response:
        response = real()
        if request.method == method and path in request.url.path:
            try:
                act()
            except BaseException:
                response.close()
                raise
        return response

    with _transport(send):
        yield


@contextmanager
def _transport(send: Callable[[httpx2.Request, Callable[[], httpx2.Response]], httpx2.Response]) -> Iterator[None]:
    real = httpx2.HTTPTransport.handle_request

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        return send(request, lambda: real(transport, request))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx2.HTTPTransport, "handle_request", handle)
        yield


@contextmanager
def before_statement(*words: str, act: Callable[[], object], given: object = None) -> Iterator[None]:
    """Call `act` in the thread that is about to send a statement that contains all of `words` and, if one is given, has
    the parameter `given`."""
    real = CursorWrapper.execute

    def execute(cursor: CursorWrapper, sql: str, params: Any = None) -> Any:
        if all(word in sql for word in words) and (given is None or given in (params or ())):
            act()
        return real(cursor, sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        yield
