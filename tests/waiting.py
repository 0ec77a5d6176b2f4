"""Waiting for a state, with a deadline: the only way in which a test waits."""

import time
from collections.abc import Callable


def until[T](condition: Callable[[], T], *, seconds: float = 15.0) -> T:
    """Return the first true answer of `condition`. Raises AssertionError if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds:.0f} s"
        time.sleep(0.02)
    return answer
