"""The one way in which a replay is written while it is under way: under its lease, fenced."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from agentops.models import Replay


class ReplaySuperseded(Exception):
    """Another worker holds the replay now."""


def write_fenced(replay: Replay, **fields: Any) -> None:
    """Raises Superseded, and then has written nothing."""
    held = Replay.objects.filter(pk=replay.pk, fence=replay.fence, status=Replay.Status.RUNNING)
    if not held.update(**fields):
        raise ReplaySuperseded


def lease_end() -> Any:
    """When a lease that is given now runs out."""
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)
