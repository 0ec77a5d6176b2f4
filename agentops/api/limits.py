"""What the intake remembers for minutes: the ids of deliveries, and how many there were (docs/contracts/intake.yaml).

Kept in Redis, which may forget. Without Redis every delivery is accepted: losing a customer's words would be worse than
taking too many, and a repeated delivery is recognised by its words in any case.
"""

import hashlib
import logging
import time
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)
REMEMBERED_SECONDS = 600  # a timestamp may be five minutes off in either direction
_TIMEOUT = 1.0  # seconds


def is_replay(*, webhook_id: str, method: str, path: str, body: bytes) -> bool:
    """Remember a verified request, and return whether its id was used before: by another request, or by any that reads.

    A help desk may deliver the same message again under the same id (Standard Webhooks), so that is no replay.
    """
    request = hashlib.sha256(b"\0".join([method.encode(), path.encode(), body])).hexdigest()
    key = f"intake:id:{hashlib.sha256(webhook_id.encode()).hexdigest()}"
    try:
        before = _redis().set(key, request, nx=True, get=True, ex=REMEMBERED_SECONDS)
    except redis.RedisError as error:
        log.warning("intake: ids are not remembered: %s", error)
        return False
    return before is not None and (method == "GET" or before != request.encode())


def seconds_to_wait(*, source: str, customer: str) -> int:
    """Count a delivery, and return how many seconds the help desk must wait; 0 if it is within the limits."""
    limits = [
        (f"source:{source}", settings.INTAKE_SOURCE_PER_MINUTE, 60),
        (f"customer:{customer}", settings.INTAKE_CUSTOMER_PER_HOUR, 3600),
    ]
    now = time.time()
    try:
        return max(_wait(name, limit, window, now) for name, limit, window in limits)
    except redis.RedisError as error:
        log.warning("intake: deliveries are not counted: %s", error)
        return 0


def _wait(name: str, limit: int, window: int, now: float) -> int:
    if not limit:
        return 0
    number, passed = divmod(int(now), window)
    key = f"intake:count:{hashlib.sha256(name.encode()).hexdigest()}:{number}"
    with _redis().pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, window)
        count = pipe.execute()[0]
    return window - passed if count > limit else 0


def _redis() -> "redis.Redis":
    return _kept_client(settings.REDIS_URL)


@cache
def _kept_client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
