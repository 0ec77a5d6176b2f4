"""The sign of life that every worker's sweep leaves with the broker, and how old it may be."""

import math
import time

import redis
from django.conf import settings

KEY = "agentops:worker"  # holds the time of the last round, Unix seconds
GRACE = 30


def age(broker: "redis.Redis") -> float | None:
    """Seconds since the newest sign; None where there is none. Raises redis.RedisError."""
    beat = broker.get(KEY)
    if beat is None:
        return None
    return time.time() - float(str(beat, "ascii") if isinstance(beat, bytes) else str(beat))


def seconds() -> int:
    """How old the newest sign may be: a pause between two rounds, and as long as a round may take."""
    pause: float = settings.SWEEP_SECONDS
    return GRACE + math.ceil(pause)
