"""Sends what ended to the collector: the recorded rows are the queue, and a watermark says how far they are sent.

Nothing waits for a collector, nothing is kept in memory, and a worker that dies loses nothing: the next one goes on
from the watermark. What was sent and not yet noted is sent again, as the same spans. Where no collector is set, none
of this happens.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module

import structlog
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from agentops.lib import tracing
from agentops.models import Watermark, WebRequest
from agentops.telemetry import spans
from agentops.telemetry.spans import ExportedSpan
from agentops.telemetry.watermark import SETTLE_SECONDS, safe_until
from agentops.trace.loading import find_run

log = structlog.stdlib.get_logger(__name__)
_NAME = "traces"
LEASE = timedelta(seconds=20)
_RETRY_PAUSE = timedelta(seconds=30)  # after a collector did not take it
MAX_AGE = timedelta(days=1)  # what is older by the time a collector takes it is passed over
_BATCH = 200
BATCHES = 20
MAX_REFUSED = 40  # that are found one by one; whatever else is refused of a batch is so as it is then

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
    """What `ship` is to be called with now; nothing where no collector is set."""
    if not tracing.exporting():
        return []
    busy = Q(lease_expires_at__gt=Now()) | Q(not_before__gt=Now())
    return [] if Watermark.objects.filter(busy, name=_NAME).exists() else [SETTLE_SECONDS]


def ship(settle_seconds: int = SETTLE_SECONDS) -> None:
    """Sends what ended since the watermark, unless another worker is at it."""
    mark = _claim()
    if mark is None:
        return
    safe = safe_until(settle_seconds)
    for _ in range(BATCHES):
        until, run_ids = _stretch(mark.through, safe)
        requests = list(WebRequest.objects.order_by("pk")[:_BATCH])
        told = [*_told(run_ids, mark.through, until), *(spans.request_span(request) for request in requests)]
        if not _sent(told):
            Watermark.objects.filter(name=_NAME, fence=mark.fence).update(
                lease_expires_at=None, not_before=Now() + _RETRY_PAUSE
            )
            return
        WebRequest.objects.filter(pk__in=[request.pk for request in requests]).delete()
        if not _move(mark, until) or (until >= safe and len(requests) < _BATCH):
            break
    Watermark.objects.filter(name=_NAME, fence=mark.fence).update(lease_expires_at=None, not_before=None)


def _claim() -> Watermark | None:
    """The watermark under a lease. What ended before anything was ever sent is history, and stays here."""
    Watermark.objects.get_or_create(name=_NAME, defaults={"through": Now()})
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now())
    if not Watermark.objects.filter(free, name=_NAME).update(fence=F("fence") + 1, lease_expires_at=Now() + LEASE):
        return None
    mark = Watermark.objects.get(name=_NAME)
    oldest = safe_until() - MAX_AGE
    if mark.through < oldest:
        if not _failing:  # else it would be said anew each time that the collector is tried
            log.warning("traces of what ended before are not sent any more", before=oldest.isoformat())
        mark.through = oldest
        WebRequest.objects.filter(finished_at__lt=oldest).delete()
    return mark


def _move(mark: Watermark, until: datetime) -> bool:
    """False where another worker has taken over meanwhile."""
    held = Watermark.objects.filter(name=_NAME, fence=mark.fence)
    mark.through = max(until, mark.through)
    return bool(held.update(through=mark.through, lease_expires_at=Now() + LEASE))


def _stretch(after: datetime, until: datetime) -> tuple[datetime, list[int]]:
    """How far the next batch goes, and the runs of which something ended on the way."""
    ended = _ended(after, until, _BATCH)
    if len(ended) == _BATCH:
        until = ended[-1][0]
        ended = _ended(after, until, 100 * _BATCH)  # what ended in that very microsecond as well
    return until, sorted({run for _, run in ended if run is not None})


def _ended(after: datetime, until: datetime, most: int) -> list[tuple[datetime, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDED_SQL, {"after": after, "until": until, "most": most})
        return list(cursor.fetchall())


def _told(run_ids: list[int], after: datetime, until: datetime) -> Iterator[ExportedSpan]:
    for run_id in run_ids:
        try:
            run = find_run(run_id)
            if run is not None:
                yield from spans.spans_between(run, after, until)
        except Exception:  # one run that cannot be told of must not keep the others from it
            log.exception("a run is missing among the traces", run=run_id)


def _sent(told: list[ExportedSpan]) -> bool:
    global _failing
    if not told:
        return True
    sent = _taken(told)
    if not sent and not _failing:
        log.warning("the collector does not take our traces; they are kept for a day, and nothing else waits for it")
    elif sent and _failing:
        log.info("the collector takes our traces again")
    _failing = not sent
    return sent


def _taken(told: list[ExportedSpan]) -> bool:
    """Whether the collector has all but those that it refuses while it takes others. A batch that is refused goes again
    in halves: what is wrong with one span, or too much at once, keeps no other from it. One that refuses everything is
    away."""
    export = import_module("agentops.telemetry.otlp").export
    parts, taken, refused = [told], 0, list[ExportedSpan]()
    while parts:
        part = parts.pop()
        answer = export(part)
        if answer == "away":
            return False
        if answer == "taken":
            taken += len(part)
        elif len(part) > 1 and len(refused) < MAX_REFUSED:
            parts += [part[len(part) // 2 :], part[: len(part) // 2]]
        else:
            refused += part
    if not taken:
        return False
    for span in refused:
        log.error("a span is missing among the traces: the collector refuses it", span=span.name, trace=span.trace_id)
    return True
