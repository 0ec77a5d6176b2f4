"""Count ended work once: all-time totals for Prometheus, hours for the dashboard.

Growing tables are never counted as a whole. The sweep adds what ended since the watermark; one worker at a time does.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from agentops.lib import buckets
from agentops.models import Tally, Watermark
from agentops.runs import tools
from agentops.telemetry.watermark import EPOCH, SETTLE_SECONDS, safe_until
from approvals import states

_NAME = "tallies"
EVERY = timedelta(seconds=5)
TALLIES_KEPT = timedelta(days=9)
_PERIOD = timedelta(hours=1)
MAX_PERIODS = 50  # per call, so that catching up with years of history doesn't keep a sweep thread busy for long

# Models invent tool names. They are counted as one, or each invention would add a series to Prometheus.
_STEPS_SQL = """
    SELECT finished_at AS ended, kind AS subject,
           CASE WHEN kind <> 'tool' OR name = ANY(%(tools)s) THEN name ELSE %(no_tool)s END AS name,
           status, error_class,
           CASE WHEN NOT waited_for_person
                THEN greatest(extract(epoch FROM finished_at - started_at)::float8, 0) END AS took,
           jsonb_array_length(failures) AS retried,
           input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd
    FROM agentops_step WHERE finished_at > %(after)s AND finished_at <= %(until)s
"""
_ATTEMPTS_SQL = """
    SELECT attempt.finished_at AS ended, 'attempt' AS subject, action.kind AS name,
           CASE WHEN attempt.outcome = 'succeeded' THEN 'succeeded' ELSE 'failed' END AS status,
           CASE WHEN attempt.outcome = 'succeeded' THEN '' ELSE attempt.outcome END AS error_class,
           greatest(extract(epoch FROM attempt.finished_at - attempt.started_at)::float8, 0) AS took,
           0 AS retried, 0 AS input_tokens, 0 AS cached_tokens, 0 AS output_tokens, 0 AS reasoning_tokens, 0 AS cost_usd
    FROM approvals_attempt attempt JOIN approvals_action action ON action.id = attempt.action_id
    WHERE attempt.finished_at > %(after)s AND attempt.finished_at <= %(until)s
"""
_RUNS_SQL = """
    SELECT finished_at AS ended, 'run' AS subject, outcome AS name, status, '' AS error_class, NULL::float8 AS took,
           0 AS retried, 0 AS input_tokens, 0 AS cached_tokens, 0 AS output_tokens, 0 AS reasoning_tokens, 0 AS cost_usd
    FROM agentops_run WHERE finished_at > %(after)s AND finished_at <= %(until)s
"""
# Each settlement counts, so an action that failed after it had succeeded counts as both. Audit events keep every
# settlement; the action's row shows only the last.
_ACTIONS_SQL = """
    SELECT event.at AS ended, CASE WHEN event.verb = 'action.duplicate_absorbed' THEN 'duplicate' ELSE 'action' END
           AS subject, action.kind AS name, coalesce(event.after->>'status', '') AS status,
           CASE WHEN event.after->>'status' = 'failed' THEN action.error_class ELSE '' END AS error_class,
           NULL::float8 AS took,
           0 AS retried, 0 AS input_tokens, 0 AS cached_tokens, 0 AS output_tokens, 0 AS reasoning_tokens, 0 AS cost_usd
    FROM approvals_auditevent event JOIN approvals_action action ON action.id = event.object_id::bigint
    WHERE event.at > %(after)s AND event.at <= %(until)s AND event.object_type = 'action'
      AND (event.verb = 'action.duplicate_absorbed'
           OR (event.after->>'status' = ANY(%(settled)s) AND event.before->>'status' IS NOT NULL))
"""
_ADD_SQL = """
    INSERT INTO agentops_tally AS kept (hour, subject, name, status, error_class, bucket, count, seconds, retried,
                                input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd)
    SELECT hours.hour, subject, name, status, error_class,
           CASE WHEN took IS NULL THEN -1 ELSE %(most)s - width_bucket(-took, %(falling)s::float8[]) END,
           count(*), coalesce(sum(took), 0), sum(retried),
           sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_usd)
    FROM ({ended}) AS ended,
         LATERAL (VALUES (date_trunc('hour', ended)), (%(epoch)s::timestamptz)) AS hours(hour)
    GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (hour, subject, name, status, error_class, bucket) DO UPDATE SET
        count = kept.count + excluded.count, seconds = kept.seconds + excluded.seconds,
        retried = kept.retried + excluded.retried, input_tokens = kept.input_tokens + excluded.input_tokens,
        cached_tokens = kept.cached_tokens + excluded.cached_tokens,
        output_tokens = kept.output_tokens + excluded.output_tokens,
        reasoning_tokens = kept.reasoning_tokens + excluded.reasoning_tokens,
        cost_usd = kept.cost_usd + excluded.cost_usd
"""
# The first thing that ended after a moment, in order to skip periods without any.
_NEXT_SQL = """
    SELECT least(
        (SELECT min(finished_at) FROM agentops_step WHERE finished_at > %(after)s),
        (SELECT min(finished_at) FROM approvals_attempt WHERE finished_at > %(after)s),
        (SELECT min(finished_at) FROM agentops_run WHERE finished_at > %(after)s),
        (SELECT min(at) FROM approvals_auditevent WHERE at > %(after)s)
    )
"""


def due() -> list[int]:
    """Return the argument for `roll_up` if counts are due, otherwise nothing."""
    fresh = Watermark.objects.filter(name=_NAME, through__gte=Now() - EVERY)
    return [] if fresh.exists() else [SETTLE_SECONDS]


def roll_up(settle_seconds: int = SETTLE_SECONDS) -> None:
    """Count what has ended since the watermark, unless another worker is doing it."""
    Watermark.objects.get_or_create(name=_NAME, defaults={"through": EPOCH})
    for _ in range(MAX_PERIODS):
        if not _count_period(settle_seconds):
            break
    Tally.objects.filter(hour__lt=Now() - TALLIES_KEPT, hour__gt=EPOCH).delete()


def _count_period(settle_seconds: int) -> bool:
    """Count at most one period and return whether there is more to count.

    Counts and watermark are committed together, so nothing is counted twice.
    """
    with transaction.atomic():
        # SKIP LOCKED: a worker that is already counting does the work, so others needn't wait for it.
        mark = Watermark.objects.select_for_update(skip_locked=True).filter(name=_NAME).first()
        if mark is None:
            return False
        safe = safe_until(settle_seconds)
        begin = _next(mark.through)
        until = safe if begin is None else min(safe, begin + _PERIOD)
        if begin is not None and begin <= until:
            _count(mark.through, until)
        if until > mark.through:
            Watermark.objects.filter(name=_NAME).update(through=until, fence=F("fence") + 1)
    return until < safe


def _next(after: datetime) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_SQL, {"after": after})
        found: datetime | None = cursor.fetchone()[0]
    return found


def _count(after: datetime, until: datetime) -> None:
    given: dict[str, Any] = {
        "after": after,
        "until": until,
        "epoch": EPOCH,
        "tools": list(tools.tool_names()),
        "no_tool": tools.UNKNOWN_TOOL,
        "settled": list(states.SETTLED),
        "most": len(buckets.BOUNDS),
        "falling": sorted(-bound for bound in buckets.BOUNDS),
    }
    with connection.cursor() as cursor:
        for ended in (_STEPS_SQL, _ATTEMPTS_SQL, _RUNS_SQL, _ACTIONS_SQL):
            cursor.execute(_ADD_SQL.format(ended=ended), given)
