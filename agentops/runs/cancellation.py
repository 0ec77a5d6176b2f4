"""Cancel runs that are on hold when a person has dealt with their ticket."""

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from agentops.models import Hold, Run
from approvals import locks, states
from approvals.audit import events
from approvals.effects.kinds import KINDS
from approvals.models import Action


def lock_held_runs(ticket_id: str) -> list[Run]:
    """Lock the ticket's runs on hold, and those queued behind them, until the transaction ends.

    Lock order: before the ticket (approvals.locks).
    """
    first = Run.objects.filter(ticket=OuterRef("ticket"), hold__isnull=False, number__lt=OuterRef("number"))
    held = Q(status=Run.Status.WAITING, hold__isnull=False)
    behind = Q(status=Run.Status.QUEUED) & Exists(first)
    runs = Run.objects.filter(held | behind, ticket=ticket_id)
    return list(runs.select_for_update(of=("self",)).order_by("pk"))


def cancel_run(run: Run, *, by: str, reason: str) -> None:
    """Cancel a locked run, which would answer what a person has already dealt with."""
    Hold.objects.filter(run=run).delete()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED, reason=reason, finished_at=Now())
    record_cancelled(run, before=run.status, reason=reason, by=by)


def record_cancelled(run: Run, *, before: str, reason: str, by: str) -> None:
    """Write the AuditEvent of a run that ends without an outcome."""
    after = {"status": Run.Status.CANCELLED, "reason": reason}
    events.record_event(
        actor=by, verb="run.cancelled", object_type="run", object_id=run.pk, before={"status": before}, after=after
    )


def may_continue(run: Run) -> bool:
    """Lock a held run and return whether it may continue.

    It may not if another worker took it, or if a person has answered since the hold began: the run doesn't know that
    reply. Then it is cancelled, along with the runs that were queued behind it before the reply. Call this before
    writing the run's row.
    """
    locked = lock_held_runs(run.ticket_id)
    if not any(other.pk == run.pk and other.fence == run.fence for other in locked):
        return False
    locks.lock_ticket(run.ticket_id)  # proposing a reply takes this lock too
    since = Hold.objects.get(run=run).held_at
    by_people = Action.objects.filter(ticket=run.ticket_id, kind__in=KINDS.replies, run_id__isnull=True)
    replies = by_people.filter(created_at__gte=since)
    reply = replies.exclude(status__in=states.WITHOUT_EFFECT).order_by("pk").last()
    if reply is None:
        return True
    reason = f"A person replied while this was waiting ({reply.idempotency_key})."
    for unaware in locked:
        if unaware.created_at <= reply.created_at:
            cancel_run(unaware, by=events.SYSTEM, reason=reason)
    return False
