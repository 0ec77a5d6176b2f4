"""A progress bar on stderr for long commands."""

import sys
import time
from collections.abc import Callable

BAR = 30
LINE_SECONDS = 30.0


class Progress:
    """A line on stderr. A terminal's is redrawn; elsewhere a new one is printed every 30 seconds, and at the end.

    `clock` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty()
        self._clock = clock
        self._printed_at = clock()

    def show(self, name: str, done: int, whole: int, note: str, *, last: bool = False) -> None:
        if self._terminal:
            filled = BAR * done // max(whole, 1)
            line = f"{name:<6} {'█' * filled}{'░' * (BAR - filled)} {done}/{whole} {note}"
            print(f"\r\x1b[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
        elif last or self._clock() >= self._printed_at + LINE_SECONDS:
            self._printed_at = self._clock()
            print(f"{name:<6} {done}/{whole} {note}", file=sys.stderr, flush=True)
