"""The only place that writes a replay while it runs: under its lease, fenced."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from agentops.models import Replay


class ReplaySuperseded(Exception):
    """Another worker holds the replay's lease."""


def write_fenced(replay: Replay, **fields: Any) -> None:
    """Write the fields. Raises ReplaySuperseded; nothing is written then."""
    held = Replay.objects.filter(pk=replay.pk, fence=replay.fence, status=Replay.Status.RUNNING)
    if not held.update(**fields):
        raise ReplaySuperseded


def renew_replay_lease(replay: Replay) -> None:
    """Extend the lease while it is valid, unless the row is locked: the renewal of others must not wait."""
    held = Replay.objects.filter(
        pk=replay.pk, fence=replay.fence, status=Replay.Status.RUNNING, lease_expires_at__gt=Now()
    )
    with transaction.atomic():
        free = held.select_for_update(skip_locked=True, no_key=True).values("pk")
        Replay.objects.filter(pk__in=free).update(lease_expires_at=lease_end())


def lease_end() -> Any:
    """Return the end of a lease that starts now."""
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)
