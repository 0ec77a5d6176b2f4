"""Queue runs, find those that are due, and claim one under a lease and a fence (docs/design.md, 5.4)."""

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import tracing
from agentops.llm import admission
from agentops.models import Hold, Run, Step
from agentops.runs import cancellation
from agentops.runs.commit import lease, set_ticket
from approvals import states
from approvals.audit import events
from tickets.models import Message, Ticket


def queue_run(message: Message, *, actor: str = events.SYSTEM) -> Run:
    """Queue a run for what the customer wrote. Call it in the transaction that records the message, or in which `actor`
    asks for another run on it."""
    ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).get(pk=message.ticket_id)
    last = Run.objects.filter(ticket=ticket).order_by("-number").first()
    run = Run.objects.create(ticket=ticket, number=last.number + 1 if last else 1, through_message=message.pk)
    if ticket.status in (Ticket.Status.ANSWERED, Ticket.Status.CLOSED, Ticket.Status.NEEDS_PERSON):
        _open(ticket, run, actor)
    tracing.touch(ticket_id=ticket.pk, run_id=run.pk)
    return run


def due(limit: int) -> list[int]:
    """Runs that can go on: queued and due, left by a dead worker, waiting for an action that is final, or for
    what a model call needs and now finds. These, which have waited, make up to half of the first `limit`, so that a
    backlog of the others does not keep them waiting."""
    free = ready().filter(hold__isnull=True).order_by("pk").values_list("pk", flat=True)[:limit]
    released = admission.resumable(limit)
    return list(dict.fromkeys([*released[: limit // 2], *free, *released]))


def waiting_on(action_id: int) -> list[int]:
    """Runs that wait for this action."""
    waiting = Step.objects.filter(action_id=action_id, status=Step.Status.WAITING, run__status=Run.Status.WAITING)
    return list(waiting.values_list("run_id", flat=True))


def claim(run_id: int) -> Run | None:
    """The run under a new lease; its `status` is still the one that it was taken with. One that only tries a model
    again keeps its hold, and its ticket stays with people, until the model answers (recording.record)."""
    run = ready().select_related("ticket__customer", "hold").filter(pk=run_id).first()
    if run is None or (hasattr(run, "hold") and not admission.can_continue(run.hold)):
        return None
    held = hasattr(run, "hold")
    run.keeps_hold = held and admission.would_probe(run.hold)
    untouched = Run.objects.filter(pk=run_id, status=run.status, fence=run.fence)
    started = {} if run.started_at else {"started_at": Now()}
    try:
        with transaction.atomic():
            if held and run.status == Run.Status.WAITING and not cancellation.stands(run):
                return None
            if not untouched.update(
                status=Run.Status.RUNNING, fence=run.fence + 1, lease_expires_at=lease(), not_before=None, **started
            ):
                return None
            if held and not run.keeps_hold:
                run.hold.delete()
            if not run.keeps_hold:
                set_ticket(run, Ticket.Status.WORKING)
    except IntegrityError:  # the ticket's other run was quicker
        return None
    run.fence += 1
    return run


def _open(ticket: Ticket, run: Run, actor: str) -> None:
    """Give the ticket back to the agent, unless the run is queued behind one that waits for a person."""
    hold = Hold.objects.filter(run__ticket=ticket).order_by("run__number").first()
    if hold is None:
        set_ticket(run, Ticket.Status.OPEN, actor=actor)
    elif ticket.status != Ticket.Status.NEEDS_PERSON:
        set_ticket(run, Ticket.Status.NEEDS_PERSON, hold.reason, actor=actor)


def ready() -> QuerySet[Run]:
    """Runs that somebody may take up; those with a hold where what they need is there (admission)."""
    due_now = Q(status=Run.Status.QUEUED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
    undecided = Step.objects.filter(run=OuterRef("pk"), status=Step.Status.WAITING).exclude(
        action__status__in=states.SETTLED
    )
    settled = Q(status=Run.Status.WAITING) & ~Exists(undecided)
    no_lease = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=Now())
    left_behind = Q(status=Run.Status.RUNNING) & no_lease
    # One run of a ticket is at work at a time, in the order of their numbers.
    earlier = Q(status=Run.Status.QUEUED) | Q(hold__isnull=False)
    before = Q(status=Run.Status.RUNNING) | (earlier & Q(number__lt=OuterRef("number")))
    busy = Run.objects.filter(before, ticket=OuterRef("ticket")).exclude(pk=OuterRef("pk"))
    return Run.objects.filter(left_behind | ((due_now | settled) & ~Exists(busy)))
