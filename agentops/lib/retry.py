"""When to try again: a decision, never a loop. The one place that decides (docs/design.md, 5.6)."""

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
        """Seconds until the attempt after number `attempt` (from 1), or None: do not try again. `scale` stretches
        our own backoff alone, never the time that a server names."""
        if not isinstance(error, Transient) or isinstance(error, ReplayedFailure) or attempt >= self.attempts:
            return None
        backoff = scale * uniform(0.0, min(self.cap, self.base * 2.0 ** (attempt - 1)))
        # A server that names its own time is obeyed, even past our cap: asking earlier only earns another 429.
        return max(backoff, error.retry_after or 0.0)


MODEL = RetryPolicy(attempts=5)
READ = RetryPolicy(attempts=5)
ACTION = RetryPolicy(attempts=6)
