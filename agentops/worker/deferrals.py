"""Put off work that failed, and alert people to work that keeps failing (docs/design.md, 5.11)."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib import redact
from agentops.worker.lines import Line
from approvals import locks, ticket_status
from approvals.audit import events
from approvals.models import Deferral

log = logging.getLogger(__name__)
MOST = timedelta(hours=1)  # longest pause between two tries
HANDED_OVER_AFTER = 6  # failures in a row, the last about five minutes after the first
KEPT = timedelta(days=1)  # after an item is due again; by then another worker has done it, or it isn't due any more


def put_off(line: Line, item: int, error: Exception) -> None:
    """Skip the item for a while, longer after each failure, but never for more than an hour.

    After HANDED_OVER_AFTER failures in a row, send an alert and hand the item's ticket, if any, to a person.
    """
    reason = redact.storable(redact.text(f"{type(error).__name__}: {error}"))[:500]
    with transaction.atomic():
        if ticket_id := line.ticket_of(item):  # the ticket's lock comes first (approvals.locks)
            locks.lock_ticket(ticket_id)
        found, _ = Deferral.objects.select_for_update().get_or_create(
            line=line.name, item=item, defaults={"not_before": Now()}
        )
        failures = found.failures + 1
        pause = min(timedelta(seconds=settings.SWEEP_SECONDS) * 2 ** min(failures - 1, 20), MOST)
        written = {"failures": failures, "error": reason, "not_before": Now() + pause}
        if failures >= HANDED_OVER_AFTER and found.handed_over_at is None:
            written["handed_over_at"] = Now()
            _hand_over(line, item, ticket_id, failures, reason)
        Deferral.objects.filter(pk=found.pk).update(**written)


def forget(line: Line, item: int) -> None:
    """Forget the failures of an item that was done."""
    Deferral.objects.filter(line=line.name, item=item).delete()


def deferred() -> dict[tuple[str, int], bool]:
    """Return the items that failed last time, by line and item, and whether they are skipped now.

    Also deletes entries that came due long ago: another worker has done those items.
    """
    old = Deferral.objects.filter(not_before__lt=Now() - KEPT)
    if old.exists():
        old.delete()
    now = Deferral.objects.annotate(waits=Q(not_before__gt=Now())).values_list("line", "item", "waits")
    return {(line, item): waits for line, item, waits in now}


def _hand_over(line: Line, item: int, ticket_id: str | None, failures: int, reason: str) -> None:
    log.error("%s(%s) failed %s times, so people are alerted: %s", line.name, item, failures, reason)
    events.record_event(
        actor=events.SYSTEM,
        verb="work.kept_failing",
        object_type="work",
        object_id=f"{line.name} {item}",
        after={"line": line.name, "failures": failures, "error": reason, "ticket": ticket_id or ""},
    )
    if ticket_id:
        why = f"AgentOps failed {failures} times at this ticket's {line.name} and keeps trying: {reason}"
        ticket_status.hand_to_person(ticket_id, why)
