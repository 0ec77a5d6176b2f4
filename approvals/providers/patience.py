"""Reading what is read by no hand and holds nobody up: what is transient is asked for again, here and at once."""

import time
from collections.abc import Callable

from django.conf import settings

from agentops.lib import retry
from agentops.lib.errors import ProviderError

# A provider that wants to be left alone for longer than this is asked again by the next comparison.
LONGEST_SECONDS = 60.0


def read[T](ask: Callable[[], T]) -> T:
    """What `ask` answers, after a few more tries where it fails and may heal. Raises the last ProviderError."""
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
