"""What a process makes once and keeps."""

from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import cast


def kept[**P, T](make: Callable[P, T]) -> Callable[P, T]:
    """Make one client per arguments and process, also when several threads ask for it at once."""
    made, lock = cast("Callable[P, T]", cache(make)), Lock()

    @wraps(make)
    def keep(*given: P.args, **named: P.kwargs) -> T:
        with lock:
            return made(*given, **named)

    return keep
