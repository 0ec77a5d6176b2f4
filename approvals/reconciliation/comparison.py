"""Compare the provider's records with ours, both ways (docs/design.md, 8): ours without theirs, theirs without ours,
amounts that differ, a refund that failed later, and records that cannot be read. A difference becomes a Finding, which
closes when the difference is gone."""

import logging
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError
from approvals import signals
from approvals.audit import events
from approvals.effects import reservations
from approvals.models import AuditEvent, Comparison
from approvals.models.books import LOOK_BACK, MISSED
from approvals.providers.payments import listing
from approvals.reconciliation.both_sides import PAGE, BothSides

log = logging.getLogger(__name__)
# A refund that settled this recently may be missing from the pages that were just read.
RECENT = timedelta(minutes=5)
PERIOD = timedelta(hours=1)


def compare_records(*, since: datetime) -> Comparison:
    """Compare the provider's refunds since then with ours. If the provider does not answer, the comparison ends with an
    `error` and closes no finding."""
    return _read(Comparison.objects.create(since=since))


def request_comparison(*, since: datetime, by: User) -> Comparison:
    """Create a comparison for a person, so that the page can show it at once. A worker runs it."""
    with transaction.atomic():
        comparison = Comparison.objects.create(since=since)
        events.record_event(
            actor=by.get_username(),
            verb="comparison.asked",
            object_type="comparison",
            object_id=comparison.pk,
            after={"since": since.isoformat()},
        )
        announce = partial(signals.comparison_asked.send, sender=Comparison, comparison_id=comparison.pk)
        transaction.on_commit(announce, robust=True)
    return comparison


def run_comparison(comparison_id: int) -> Comparison:
    """Run a requested comparison, unless it is finished already. Raises Comparison.DoesNotExist."""
    comparison = Comparison.objects.get(pk=comparison_id)
    return comparison if comparison.finished_at else _read(comparison)


def due() -> list[int]:
    """Return the id of the last periodic comparison (0 before the first) if the next one is due, else nothing."""
    periodic = Comparison.objects.periodic().annotate(over=Q(started_at__lte=Now() - PERIOD))
    number, over = periodic.values_list("pk", "over").first() or (0, True)
    return [number] if over else []


def run_periodic_comparison(last: int) -> Comparison | None:
    """Run the periodic comparison that follows `last`. Returns None if another worker has started it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # There is no row to lock before the first comparison. The lock ends with the transaction, so it works
            # behind a connection pooler too.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('comparison', 0))")
        if (Comparison.objects.periodic().values_list("pk", flat=True).first() or 0) != last:
            return None
        _alert_about_missed(last)
        comparison = Comparison.objects.create(since=_since(), periodic=True)
    return _read(comparison)


def _alert_about_missed(last: int) -> None:
    """Write `comparison.missing`, once until a comparison completes again."""
    missed = [str(number) for number in Comparison.objects.missed().values_list("pk", flat=True)]
    alerts = AuditEvent.objects.filter(object_type="comparison", object_id__in=missed, verb="comparison.missing")
    if len(missed) >= MISSED and not alerts.exists():
        why = Comparison.objects.get(pk=last).error or "The comparison was interrupted."
        events.record_event(
            actor=events.SYSTEM,
            verb="comparison.missing",
            object_type="comparison",
            object_id=last,
            after={"why": why},
        )


def _since() -> datetime:
    """Return LOOK_BACK ago, or the end of the last completed periodic comparison if that is earlier, so that an outage
    leaves no gap."""
    since = reservations.database_now() - LOOK_BACK
    last = Comparison.objects.last_completed()
    return min(since, last.started_at - RECENT) if last else since


def _read(comparison: Comparison) -> Comparison:
    now = reservations.database_now()
    books = BothSides(comparison, began=now, until=now - RECENT)
    try:
        for page in batched(listing.refunds_since(comparison.since), PAGE):
            books.read_theirs(page)
        books.read_ours()
        books.close_unseen()
    except ProviderError as error:
        log.warning("the comparison failed: %s", error)
        comparison.error = error.message[:500] or error.code
    comparison.finished_at = reservations.database_now()
    comparison.save(update_fields=["finished_at", "theirs", "ours", "opened", "closed", "error"])
    return comparison
