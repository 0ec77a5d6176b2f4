"""`/healthz` and `/readyz`, for load balancers and supervisors.

`/healthz` answers while the process serves requests. `/readyz` also checks the database, the broker and the workers.
"""

from collections.abc import Callable

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agentops.worker import heartbeat

SECONDS = 1.0


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Return each check's result, with status 503 if one failed.

    For example {"database": "ok", "broker": "ok", "worker": "no sign of life …"}.
    """
    broker = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    with broker:
        found = {
            "database": _check(_database),
            "broker": _check(lambda: _broker(broker)),
            "worker": _check(lambda: _worker(broker)),
        }
    return JsonResponse(found, status=200 if set(found.values()) == {"ok"} else 503)


def _check(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, redis.RedisError) as error:
        return type(error).__name__  # anyone may call this, and the error's text may name hosts and users


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _broker(broker: "redis.Redis") -> str:
    broker.ping()
    return "ok"


def _worker(broker: "redis.Redis") -> str:
    age = heartbeat.age(broker)
    if age is None:
        return f"no heartbeat for {heartbeat.max_age()} s"
    return "ok" if age <= heartbeat.max_age() else f"last seen {age:.0f} s ago"
