"""Ending a run that waits for a budget or a price where a person has dealt with its ticket."""

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from agentops.models import Hold, Run
from approvals import locks, states
from approvals.audit import events
from approvals.models import Action


def lock(ticket_id: str) -> list[Run]:
    """The ticket's runs that have a hold and those queued behind one, locked until the transaction ends. Before the
    ticket (approvals.locks)."""
    first = Run.objects.filter(ticket=OuterRef("ticket"), hold__isnull=False, number__lt=OuterRef("number"))
    held = Q(status=Run.Status.WAITING, hold__isnull=False)
    behind = Q(status=Run.Status.QUEUED) & Exists(first)
    runs = Run.objects.filter(held | behind, ticket=ticket_id)
    return list(runs.select_for_update(of=("self",)).order_by("pk"))


def cancel(run: Run, *, by: str, reason: str) -> None:
    """The run would answer what a person has dealt with. It is locked."""
    Hold.objects.filter(run=run).delete()
    said = {"status": Run.Status.CANCELLED, "reason": reason}
    Run.objects.filter(pk=run.pk).update(**said, finished_at=Now())
    events.record(actor=by, verb="run.cancelled", object_type="run", object_id=run.pk,
                 before={"status": run.status}, after=said)  # fmt: skip


def stands(run: Run) -> bool:
    """Whether the held run may still be taken up; what it needs is locked. It may not where another worker took it, nor
    where a person has answered since its hold began: it knows nothing of that reply and is cancelled, and with it what
    was queued behind it until then. Call it before the run's row is written."""
    locked = lock(run.ticket_id)
    if not any(other.pk == run.pk and other.fence == run.fence for other in locked):
        return False
    locks.ticket(run.ticket_id)  # whoever proposes a reply holds it
    replies = Action.objects.filter(
        ticket=run.ticket_id, kind="reply", run_id__isnull=True, created_at__gte=Hold.objects.get(run=run).held_at
    )
    reply = replies.exclude(status__in=states.WITHOUT_EFFECT).order_by("pk").last()
    if reply is None:
        return True
    reason = f"A person replied while this was waiting ({reply.idempotency_key})."
    for unaware in locked:
        if unaware.created_at <= reply.created_at:
            cancel(unaware, by=events.SYSTEM, reason=reason)
    return False
