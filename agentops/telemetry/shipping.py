"""Send ended spans to the collector. The recorded rows are the queue, and a watermark says how far they were sent.

Nothing waits for the collector and nothing is kept in memory. If a worker dies, the next one continues from the
watermark; spans that were sent but not yet recorded as sent are sent again with the same ids. Without a collector,
nothing happens here.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module

import structlog
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from agentops.lib import calls, tracing
from agentops.models import Watermark, WebRequest
from agentops.telemetry import spans
from agentops.telemetry.spans import ExportedSpan
from agentops.telemetry.watermark import SETTLE_SECONDS, safe_until
from agentops.trace.loading import find_run

log = structlog.stdlib.get_logger(__name__)
_NAME = "traces"
LEASE = timedelta(seconds=20)
_RETRY_PAUSE = timedelta(seconds=30)  # after the collector failed
MAX_AGE = timedelta(days=1)  # older spans are skipped, so that a long outage doesn't end in a flood
_BATCH = 200
BATCHES = 20
# Refused spans that are isolated one by one; after that a refused half is dropped whole, which bounds the requests.
MAX_REFUSED = 40

# Each part has its own ORDER BY and LIMIT, so that PostgreSQL walks an index and stops instead of sorting all rows.
_ENDED_SQL = """
    SELECT ended, run_id FROM (
        (SELECT finished_at AS ended, run_id FROM agentops_step
         WHERE finished_at > %(after)s AND finished_at <= %(until)s ORDER BY finished_at LIMIT %(most)s)
        UNION ALL
        (SELECT finished_at, id FROM agentops_run
         WHERE finished_at > %(after)s AND finished_at <= %(until)s ORDER BY finished_at LIMIT %(most)s)
        UNION ALL
        (SELECT attempt.finished_at, action.run_id
         FROM approvals_attempt attempt JOIN approvals_action action ON action.id = attempt.action_id
         WHERE attempt.finished_at > %(after)s AND attempt.finished_at <= %(until)s
         ORDER BY attempt.finished_at LIMIT %(most)s)
        UNION ALL
        (SELECT request.closed_at, action.run_id
         FROM approvals_approvalrequest request JOIN approvals_action action ON action.id = request.action_id
         WHERE request.closed_at > %(after)s AND request.closed_at <= %(until)s
         ORDER BY request.closed_at LIMIT %(most)s)
        UNION ALL
        (SELECT created_at, run_id FROM approvals_action
         WHERE created_at > %(after)s AND created_at <= %(until)s ORDER BY created_at LIMIT %(most)s)
    ) AS ended ORDER BY ended LIMIT %(most)s
"""
_failing = False


def due() -> list[int]:
    """Return the argument for `ship` if spans are due, otherwise nothing."""
    if not tracing.exporting():
        return []
    busy = Q(lease_expires_at__gt=Now()) | Q(not_before__gt=Now())
    return [] if Watermark.objects.filter(busy, name=_NAME).exists() else [SETTLE_SECONDS]


def ship(settle_seconds: int = SETTLE_SECONDS) -> None:
    """Send what ended since the watermark, unless another worker is doing it."""
    mark = _claim()
    if mark is None:
        return
    safe = safe_until(settle_seconds)
    for _ in range(BATCHES):
        until, run_ids = _next_batch(mark.through, safe)
        requests = list(WebRequest.objects.order_by("pk")[:_BATCH])
        batch = [*_ended_spans(run_ids, mark.through, until), *(spans.request_span(request) for request in requests)]
        if not _export(batch):
            Watermark.objects.filter(name=_NAME, fence=mark.fence).update(
                lease_expires_at=None, not_before=Now() + _RETRY_PAUSE
            )
            return
        WebRequest.objects.filter(pk__in=[request.pk for request in requests]).delete()
        if not _advance(mark, until) or (until >= safe and len(requests) < _BATCH):
            break
    Watermark.objects.filter(name=_NAME, fence=mark.fence).update(lease_expires_at=None, not_before=None)


def _claim() -> Watermark | None:
    """Return the watermark under a lease, or None if another worker holds it."""
    # The first time a collector is set, start now: what ended before is history and isn't sent.
    Watermark.objects.get_or_create(name=_NAME, defaults={"through": Now()})
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now())
    if not Watermark.objects.filter(free, name=_NAME).update(fence=F("fence") + 1, lease_expires_at=Now() + LEASE):
        return None
    mark = Watermark.objects.get(name=_NAME)
    oldest = safe_until() - MAX_AGE
    if mark.through < oldest:
        if not _failing:  # log once per outage, not at each attempt
            log.warning("traces older than a day are skipped", before=oldest.isoformat())
        mark.through = oldest
        WebRequest.objects.filter(finished_at__lt=oldest).delete()
    return mark


def _advance(mark: Watermark, until: datetime) -> bool:
    """Move the watermark and extend the lease. Return False if another worker has taken over."""
    held = Watermark.objects.filter(name=_NAME, fence=mark.fence)
    mark.through = max(until, mark.through)
    return bool(held.update(through=mark.through, lease_expires_at=Now() + LEASE))


def _next_batch(after: datetime, until: datetime) -> tuple[datetime, list[int]]:
    """Return where the next batch ends, and the runs in which something ended until then."""
    ended = _ended(after, until, _BATCH)
    if len(ended) == _BATCH:
        until = ended[-1][0]
        # The limit may have cut through rows of the same microsecond, which the watermark would then skip.
        ended = _ended(after, until, 100 * _BATCH)
    return until, sorted({run for _, run in ended if run is not None})


def _ended(after: datetime, until: datetime, most: int) -> list[tuple[datetime, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDED_SQL, {"after": after, "until": until, "most": most})
        return list(cursor.fetchall())


def _ended_spans(run_ids: list[int], after: datetime, until: datetime) -> Iterator[ExportedSpan]:
    for run_id in run_ids:
        try:
            run = find_run(run_id)
            if run is not None:
                yield from spans.spans_between(run, after, until)
        except Exception:  # one broken run must not hold up the others for good
            log.exception("a run is missing from the traces", run=run_id)


def _export(batch: list[ExportedSpan]) -> bool:
    global _failing
    if not batch:
        return True
    sent = _send(batch)
    if not sent and not _failing:
        log.warning("the collector doesn't accept our traces; they are kept for a day, and nothing waits for it")
    elif sent and _failing:
        log.info("the collector accepts our traces again")
    _failing = not sent
    return sent


def _send(batch: list[ExportedSpan]) -> bool:
    """Send the batch and return whether it is done with.

    A refused batch is sent again in halves, so that one bad span, or too many at once, doesn't hold up the others.
    Spans that are refused while others are accepted are logged and dropped. A collector that refuses everything
    counts as unavailable: the fault is more likely its own.
    """
    export = import_module("agentops.telemetry.otlp").export
    parts, taken, refused = [batch], 0, list[ExportedSpan]()
    while parts:
        part = parts.pop()
        with calls.under_way(LEASE.total_seconds()):
            answer = export(part)
        if answer == "unavailable":
            return False
        if answer == "accepted":
            taken += len(part)
        elif len(part) > 1 and len(refused) < MAX_REFUSED:
            parts += [part[len(part) // 2 :], part[: len(part) // 2]]
        else:
            refused += part
    if not taken:
        return False
    for span in refused:
        log.error("a span is missing from the traces: the collector refuses it", span=span.name, trace=span.trace_id)
    return True
