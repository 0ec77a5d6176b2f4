"""The audit's chain: seals over its events, each upon the one before, so that what was rewritten, taken out or put in
afterwards shows, whoever did it. The newest digest, kept elsewhere, vouches for everything before it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import DateTimeField, Func, Max, QuerySet
from django.db.models.functions import Now

from approvals import kinds
from approvals.models import AuditEvent, AuditSeal

READ_AT_ONCE = 2_000
MOST_EVENTS = 50_000  # of one seal, so that no transaction is long
PAUSE = timedelta(minutes=1)  # between two seals


@dataclass(frozen=True)
class Verification:
    """How many `events` were held against how many `seals`, as far as was read; `broken` is the first that does not
    hold, whose events come after `after`."""

    seals: int
    events: int
    broken: AuditSeal | None = None
    after: int = 0


def seal_events(*, pause: timedelta = PAUSE) -> AuditSeal | None:
    """Seals what was marked before, where nothing can still be written below the mark, and marks what has come since,
    after a `pause`. Returns what was sealed. Several workers may call it at once."""
    if AuditSeal.objects.filter(marked_at__gt=Now() - pause).exists():
        return None
    with transaction.atomic():
        if not _alone():
            return None
        before = newest_seal()
        after = before.through_event if before else 0
        marked = AuditSeal.objects.filter(sealed_at__isnull=True).first()
        if marked is None:
            _mark(after)
            return None
        if _still_open(marked):
            return None
        events, digest = _digest(before.digest if before else "", after, marked.through_event)
        AuditSeal.objects.filter(pk=marked.pk).update(events=events, digest=digest, sealed_at=Now())
        _mark(marked.through_event)
    marked.refresh_from_db()
    return marked


def verify_chain(told: Callable[[int], None] = lambda events: None, *, most_events: int | None = None) -> Verification:
    """Reads the audit again and holds each seal against it, to the first that does not hold; with `most_events` only
    the newest seals, of about so many. `told` hears how many events were read so far."""
    before = _before_newest(most_events)
    previous, after = (before.digest, before.through_event) if before else ("", 0)
    held = read = 0
    for link in _sealed().filter(through_event__gt=after).order_by("through_event").iterator(READ_AT_ONCE):
        events, digest = _digest(previous, after, link.through_event)
        held, read = held + 1, read + events
        if (events, digest) != (link.events, link.digest):
            return Verification(held, read, broken=link, after=after)
        previous, after = digest, link.through_event
        told(read)
    return Verification(held, read)


def _before_newest(most_events: int | None) -> AuditSeal | None:
    """The seal upon which the newest ones stand that hold about so many events; None where that is all of them."""
    if most_events is None:
        return None
    held = 0
    for link in _sealed().order_by("-through_event").iterator(READ_AT_ONCE):
        if held >= most_events:
            return link
        held += link.events
    return None


def newest_seal() -> AuditSeal | None:
    return _sealed().order_by("-through_event").first()


def _sealed() -> QuerySet[AuditSeal]:
    return AuditSeal.objects.filter(sealed_at__isnull=False)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('audit seal', 0))")
        return bool(cursor.fetchone()[0])


def _mark(after: int) -> None:
    fresh = AuditEvent.objects.filter(pk__gt=after).order_by("pk").values("pk")[:MOST_EVENTS]
    newest_event = AuditEvent.objects.filter(pk__in=fresh).aggregate(newest=Max("pk"))["newest"]
    if newest_event:  # the clock after that look: what began meanwhile may hold a lower number
        now = Func(function="clock_timestamp", output_field=DateTimeField())
        AuditSeal.objects.create(through_event=newest_event, marked_at=now)


def _still_open(marked: AuditSeal) -> bool:
    """Whether a transaction runs that was open at the mark: it may hold a number below it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start <= %s)",
            [marked.marked_at],
        )
        return bool(cursor.fetchone()[0])


def _digest(previous: str, after: int, through: int) -> tuple[int, str]:
    """How many events (after, through] holds, and the SHA-256 (hex) of the digest before and each of them."""
    chain, count = hashlib.sha256(previous.encode()), 0
    for row in _rows(after, through):
        chain.update(kinds.canonical(row).encode())
        count += 1
    return count, chain.hexdigest()


def _rows(after: int, through: int) -> Iterator[list[object]]:
    events = AuditEvent.objects.filter(pk__gt=after, pk__lte=through).order_by("pk")
    for event in events.iterator(READ_AT_ONCE):
        who = [event.actor, event.verb, event.object_type, event.object_id]
        yield [event.pk, event.at.isoformat(), *who, event.before, event.after]
