"""A warm parent has done everything once: what Python and the libraries learn on the way (specialised bytecode,
compiled queries, schemas, caches) is then in every child that is forked from it."""

import gc
from collections.abc import Callable, Iterable

import httpx2
from django.db import connection


def warm(works: Iterable[Callable[[], object]]) -> None:
    """Does these in the parent, and leaves no connection and no thread behind."""
    for work in works:
        work()
    connection.close()
    connection.close_pool()
    gc.unfreeze()  # what is frozen is not among the objects that are looked through
    for kept in gc.get_objects():
        if isinstance(kept, httpx2.Client):
            kept._transport._pool.close()  # type: ignore[attr-defined]
    gc.collect()
    gc.freeze()
