"""The heartbeat that every worker's sweep leaves in the broker, and how old it may be."""

import math
import time

import redis
from django.conf import settings

KEY = "agentops:worker"  # value: time of the last round in Unix seconds
GRACE = 30


def age(broker: "redis.Redis") -> float | None:
    """Return the age of the newest heartbeat in seconds, or None without one. Raises redis.RedisError."""
    beat = broker.get(KEY)
    if beat is None:
        return None
    return time.time() - float(str(beat, "ascii") if isinstance(beat, bytes) else str(beat))


def max_age() -> int:
    """Return the maximum age of a heartbeat: the pause between two rounds plus the time a round may take."""
    pause: float = settings.SWEEP_SECONDS
    return GRACE + math.ceil(pause)
