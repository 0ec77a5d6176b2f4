"""Seal the audit events in a chain (docs/design.md, 5.16).

Each seal's digest includes the previous one, so any event that is changed, removed or inserted later is detected, even
if it was done with direct access to the database. A copy of the newest digest kept elsewhere proves all before it.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import DateTimeField, Func, Max, QuerySet
from django.db.models.functions import Now

from approvals import kinds
from approvals.models import AuditEvent, AuditSeal

CHUNK_SIZE = 2_000  # rows fetched at once
MAX_EVENTS = 50_000  # in one seal, so that no transaction runs long
PAUSE = timedelta(minutes=1)  # between two seals


@dataclass(frozen=True)
class Verification:
    """The number of events and seals checked. `broken` is the first seal that does not match, and `after` the number of
    the last event before those it covers."""

    seals: int
    events: int
    broken: AuditSeal | None = None
    after: int = 0


def due(*, pause: timedelta = PAUSE) -> list[int]:
    """Return one item for `seal_events` once `pause` has passed since the last mark."""
    return [] if AuditSeal.objects.filter(marked_at__gt=Now() - pause).exists() else [0]


def seal_events(*, pause: timedelta = PAUSE) -> AuditSeal | None:
    """Seal the events marked by an earlier call, once no event below the mark can still be written, and mark the newer
    ones. Does nothing within `pause` of the last mark. Returns the new seal, if any. Several workers may call it at the
    same time."""
    if not due(pause=pause):
        return None
    # The check above is cheap and unlocked, because every sweep calls this. The lock makes it safe.
    with transaction.atomic():
        if not _try_lock():
            return None
        before = newest_seal()
        after = before.through_event if before else 0
        marked = AuditSeal.objects.filter(sealed_at__isnull=True).first()
        if marked is None:
            _mark(after)
            return None
        if _has_open_transactions(marked):
            return None
        events, digest = _digest(before.digest if before else "", after, marked.through_event)
        AuditSeal.objects.filter(pk=marked.pk).update(events=events, digest=digest, sealed_at=Now())
        _mark(marked.through_event)
    marked.refresh_from_db()
    return marked


def verify_chain(
    report: Callable[[int], None] = lambda events: None, *, most_events: int | None = None
) -> Verification:
    """Compute every digest again and compare it with its seal, up to the first that differs. With `most_events`, check
    only the newest seals that cover about that many events. `report` receives the number of events read so far."""
    before = _before_newest(most_events)
    previous, after = (before.digest, before.through_event) if before else ("", 0)
    seals = read = 0
    for link in _seals_after(after):
        events, digest = _digest(previous, after, link.through_event)
        seals, read = seals + 1, read + events
        if (events, digest) != (link.events, link.digest):
            return Verification(seals, read, broken=link, after=after)
        previous, after = digest, link.through_event
        report(read)
    return Verification(seals, read)


def _before_newest(most_events: int | None) -> AuditSeal | None:
    """Return the seal just before the newest ones that together cover about `most_events`, or None for all of them."""
    if most_events is None:
        return None
    covered = 0
    for link in _sealed().order_by("-through_event")[: most_events + 1]:  # each covers at least one event
        if covered >= most_events:
            return link
        covered += link.events
    return None


def newest_seal() -> AuditSeal | None:
    return _sealed().order_by("-through_event").first()


def _sealed() -> QuerySet[AuditSeal]:
    return AuditSeal.objects.filter(sealed_at__isnull=False)


def _try_lock() -> bool:
    """Keep other workers from sealing until the transaction ends. Returns False if one of them is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('audit seal', 0))")
        return bool(cursor.fetchone()[0])


def _mark(after: int) -> None:
    fresh = AuditEvent.objects.filter(pk__gt=after).order_by("pk").values("pk")[:MAX_EVENTS]
    newest_event = AuditEvent.objects.filter(pk__in=fresh).aggregate(newest=Max("pk"))["newest"]
    if newest_event:
        # Take the time after the query: a transaction that started in between may hold a lower event number.
        now = Func(function="clock_timestamp", output_field=DateTimeField())
        AuditSeal.objects.create(through_event=newest_event, marked_at=now)


def _has_open_transactions(marked: AuditSeal) -> bool:
    """Return whether a transaction from before the mark is still running: it may yet commit an event below the mark."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start <= %s)",
            [marked.marked_at],
        )
        return bool(cursor.fetchone()[0])


def _digest(previous: str, after: int, through: int) -> tuple[int, str]:
    """Return the number of events in (after, through], and the SHA-256 (hex) of the previous digest and the events."""
    chain, count = hashlib.sha256(previous.encode()), 0
    for row in _rows(after, through):
        chain.update(kinds.canonical(row).encode())
        count += 1
    return count, chain.hexdigest()


def _rows(after: int, through: int) -> Iterator[list[object]]:
    """Yield the events as JSON values. Their order and form are part of the digest, so they must never change."""
    events = AuditEvent.objects.filter(pk__lte=through).order_by("pk")
    # By key instead of with a cursor, which a pooler in transaction mode can't hold.
    while chunk := list(events.filter(pk__gt=after)[:CHUNK_SIZE]):
        for event in chunk:
            what = [event.actor, event.verb, event.object_type, event.object_id]
            yield [event.pk, event.at.isoformat(), *what, event.before, event.after]
        after = chunk[-1].pk


def _seals_after(event: int) -> Iterator[AuditSeal]:
    """Yield the seals of later events, the oldest first."""
    while chunk := list(_sealed().filter(through_event__gt=event).order_by("through_event")[:CHUNK_SIZE]):
        yield from chunk
        event = chunk[-1].through_event
