"""When to try again. Returns a decision and never loops; nothing else decides this (docs/design.md, 5.6)."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from agentops.lib.errors import ProviderError, ReplayedFailure, Transient


@dataclass(frozen=True)
class RetryPolicy:
    """Capped exponential backoff with full jitter. `attempts` counts the first one; delays are seconds."""

    attempts: int
    base: float = 1.0
    cap: float = 60.0

    def delay(
        self,
        attempt: int,
        error: ProviderError,
        scale: float = 1.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> float | None:
        """Return the seconds until the attempt after number `attempt` (from 1), or None to stop trying.

        `scale` stretches our own backoff, never the time that a server asks for.
        """
        if not isinstance(error, Transient) or isinstance(error, ReplayedFailure) or attempt >= self.attempts:
            return None
        backoff = scale * uniform(0.0, min(self.cap, self.base * 2.0 ** (attempt - 1)))
        # A time that the server asks for is obeyed even beyond our cap: asking earlier only earns another 429.
        return max(backoff, error.retry_after or 0.0)


MODEL_RETRIES = RetryPolicy(attempts=5)
READ_RETRIES = RetryPolicy(attempts=5)
ACTION_RETRIES = RetryPolicy(attempts=6)
