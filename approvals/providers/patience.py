"""Retries for background reads, which keep no person waiting: transient errors are retried here, in place."""

import time
from collections.abc import Callable

from django.conf import settings

from agentops.lib import retry
from agentops.lib.errors import ProviderError

# If the provider asks for a longer pause than this, give up and leave the read to the next comparison.
LONGEST_SECONDS = 60.0


def read_with_retries[T](ask: Callable[[], T]) -> T:
    """Return the result of `ask`, retrying transient errors a few times. Raises the last ProviderError."""
    attempt = 1
    while True:
        try:
            return ask()
        except ProviderError as error:
            delay = retry.READ_RETRIES.delay(attempt, error, settings.RETRY_BASE_SECONDS)
            if delay is None or delay > LONGEST_SECONDS:
                raise
        time.sleep(delay)
        attempt += 1
