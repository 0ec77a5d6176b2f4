"""The stop switch: while a stop is in force, for one kind of action or all, no action starts.

Claims and stops exclude each other, so "stopped" is exact: no action is claimed after `stop_kind` returns. Actions
claimed before are in flight and settle. Approved actions, retries and actions of dead workers wait and continue when
the stop ends. Look-ups of unknown outcomes continue throughout.
"""

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from approvals.audit import events
from approvals.effects.kinds import KINDS
from approvals.models import Stop

ALL = ""


def stop_kind(*, kind: str, reason: str, by: User) -> Stop:
    """Stop actions of `kind`, which is a kind's name or ALL. Waits for claims in progress; afterwards no claim starts.

    Raises Refused without a reason, for an unknown kind, or if it is stopped already."""
    if kind != ALL and kind not in KINDS:
        raise Refused("unknown_kind", f"{kind!r} is not a kind of action.", valid=sorted(KINDS))
    if not reason.strip():
        raise Refused("reason_missing", "Enter a reason. Everyone sees it until an admin resumes.")
    with transaction.atomic():
        _lock(shared=False)
        standing = active_stops().filter(kind=kind).first()
        if standing:
            raise Refused("already_stopped", f"{standing.stopped_by.get_username()} already stopped this.")
        made = Stop.objects.create(kind=kind, reason=reason.strip()[:500], stopped_by=by)
        events.record_event(
            actor=by.get_username(),
            verb="effects.stopped",
            object_type="stop",
            object_id=made.pk,
            after={"kind": kind or "all", "reason": made.reason},
        )
    return made


def resume_stopped(*, stop_id: int, by: User) -> bool:
    """End a stop, so that its actions continue. Returns False if it was no longer in force."""
    with transaction.atomic():
        # No lock: an action that a claim still holds back is found by the next sweep.
        released = Stop.objects.filter(pk=stop_id, released_at__isnull=True).update(released_at=Now(), released_by=by)
        if released:
            events.record_event(actor=by.get_username(), verb="effects.released", object_type="stop", object_id=stop_id)
    return bool(released)


def active_stops() -> QuerySet[Stop]:
    return Stop.objects.filter(released_at__isnull=True).select_related("stopped_by").order_by("kind")


def stop_for(kind: str) -> Stop | None:
    """Return the stop that holds back actions of this kind, or None."""
    return active_stops().filter(kind__in=(ALL, kind)).first()


def stopped_kinds() -> set[str]:
    """Return the kinds whose actions must not start."""
    found = set(active_stops().values_list("kind", flat=True))
    return set(KINDS) if ALL in found else found


def blocks_claim(kind: str) -> bool:
    """Return whether an action of this kind must not start. Call it in the claim's transaction; no stop can come into
    force until that ends."""
    _lock(shared=True)
    return stop_for(kind) is not None


def _lock(*, shared: bool) -> None:
    # The lock and the query after it are two statements, because one would not see a stop committed while it waited.
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended('effects', 0))")
