"""A warm parent has done everything once. What Python and the libraries learn on the way (specialised bytecode,
compiled queries, schemas, caches) is then in every child forked from it."""

import gc
from collections.abc import Callable, Iterable

import httpx2
from django.db import connection


def warm(works: Iterable[Callable[[], object]]) -> None:
    """Do these in the parent, and leave no connection and no thread behind."""
    for work in works:
        work()
    connection.close()
    connection.close_pool()
    gc.unfreeze()  # frozen objects are not searched
    for kept in gc.get_objects():
        if isinstance(kept, httpx2.Client):
            kept._transport._pool.close()
    gc.collect()
    gc.freeze()
