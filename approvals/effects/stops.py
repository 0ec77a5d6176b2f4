"""The stop switch: while it is thrown, for one kind of action or for all, no effect begins.

A claim and a stop exclude each other, so that "stopped" is exact: once `stop` has returned, no claim follows. What was
claimed before is in flight and settles. What is approved, what is to be tried again and what a dead worker left behind
waits, loses nothing, and goes on when the stop is released. Asking providers what became of something goes on.
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


def stop(*, kind: str, reason: str, by: User) -> Stop:
    """`kind` is a kind's name or ALL. Waits for the claims that are being made, then none follows.

    Raises Refused without a reason, for an unknown kind, and where it is stopped already."""
    if kind != ALL and kind not in KINDS:
        raise Refused("unknown_kind", f"{kind!r} is not a kind of action.", valid=sorted(KINDS))
    if not reason.strip():
        raise Refused("reason_missing", "Enter a reason. Everyone sees it until an admin resumes.")
    with transaction.atomic():
        _lock(shared=False)
        standing = in_force().filter(kind=kind).first()
        if standing:
            raise Refused("already_stopped", f"{standing.stopped_by.get_username()} already stopped this.")
        made = Stop.objects.create(kind=kind, reason=reason.strip()[:500], stopped_by=by)
        events.record(
            actor=by.get_username(),
            verb="effects.stopped",
            object_type="stop",
            object_id=made.pk,
            after={"kind": kind or "all", "reason": made.reason},
        )
    return made


def release(*, stop_id: int, by: User) -> bool:
    """Lets the effects go on; False where that stop was no longer in force."""
    with transaction.atomic():
        released = Stop.objects.filter(pk=stop_id, released_at__isnull=True).update(released_at=Now(), released_by=by)
        if released:
            events.record(actor=by.get_username(), verb="effects.released", object_type="stop", object_id=stop_id)
    return bool(released)


def in_force() -> QuerySet[Stop]:
    return Stop.objects.filter(released_at__isnull=True).select_related("stopped_by").order_by("kind")


def holding(kind: str) -> Stop | None:
    """The stop that actions of this kind wait for."""
    return in_force().filter(kind__in=(ALL, kind)).first()


def stopped() -> set[str]:
    """The kinds that must not begin."""
    found = set(in_force().values_list("kind", flat=True))
    return set(KINDS) if ALL in found else found


def keeps_from(kind: str) -> bool:
    """Whether an action of this kind must not begin; in the claim's transaction, until whose end nothing is stopped."""
    _lock(shared=True)
    return holding(kind) is not None


def _lock(*, shared: bool) -> None:
    # Two statements, this and the reading after it: one alone would read what was committed before it waited.
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended('effects', 0))")
