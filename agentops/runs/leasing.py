"""Queue runs, find those that are due, and lease one with a fence (docs/design.md, 5.4)."""

from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import tracing
from agentops.llm import resuming
from agentops.models import Hold, Run, Step
from agentops.runs import cancellation
from agentops.runs.commit import lease_expiry, set_ticket
from approvals import states
from approvals.audit import events
from approvals.models import Action, Deferral, Wakeup
from tickets.models import Message, Ticket

LINE = "runs"  # of the sweep
MOST_WOKEN = 1_000  # actions, at once
# Nothing here waits for a lock, since the sweep's round does it: a run that is locked is woken by a later one.
_WAKE = """
    WITH settled AS (
        SELECT action_id FROM approvals_wakeup ORDER BY action_id LIMIT %s FOR UPDATE SKIP LOCKED),
    waiting AS (
        SELECT run.id, settled.action_id
          FROM settled JOIN agentops_step AS step USING (action_id) JOIN agentops_run AS run ON run.id = step.run_id
         WHERE step.status = 'waiting' AND run.status = 'waiting'),
    free AS (
        SELECT id FROM agentops_run WHERE id IN (SELECT id FROM waiting) FOR NO KEY UPDATE SKIP LOCKED),
    woken AS (
        UPDATE agentops_run SET not_before = statement_timestamp() WHERE id IN (SELECT id FROM free))
    DELETE FROM approvals_wakeup WHERE action_id IN (SELECT action_id FROM settled)
       AND action_id NOT IN (SELECT action_id FROM waiting WHERE id NOT IN (SELECT id FROM free))
"""


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
    """Return the ids of runs that can continue.

    These are queued and due, left by a dead worker, waiting for an action that has settled, or on hold for something
    that is now available. Up to half of the first `limit` are runs from hold, so a backlog of others can't keep them
    waiting. Each of the queries reads an index of its own, so none costs more for runs that wait or have ended.
    """
    wake_waiting()
    found = Run.objects.filter(hold__isnull=True).exclude(Deferral.holds(LINE))
    queries = (
        found.filter(_left_behind()).order_by("pk"),
        found.filter(~Exists(_busy()), status=Run.Status.QUEUED, not_before__isnull=True).order_by("pk"),
        found.filter(~Exists(_busy()), status=Run.Status.QUEUED, not_before__lte=Now()).order_by("not_before"),
        found.filter(~Exists(_busy()), status=Run.Status.WAITING, not_before__lte=Now()).order_by("not_before"),
    )
    free = sorted(number for query in queries for number in query.values_list("pk", flat=True)[:limit])[:limit]
    released = resuming.resumable(limit)
    return list(dict.fromkeys([*released[: limit // 2], *free, *released]))


def oldest_queued() -> datetime | None:
    """Return since when the queued run is due that has been due the longest, or None."""
    free = Run.objects.filter(~Exists(_busy()), hold__isnull=True, status=Run.Status.QUEUED)
    never_tried = free.filter(not_before__isnull=True).order_by("pk").values_list("created_at", flat=True)
    again = free.filter(not_before__lte=Now()).order_by("not_before").values_list("not_before", flat=True)
    return min((moment for query in (never_tried, again) for moment in query[:1] if moment), default=None)


def wake_waiting() -> None:
    """Mark the runs as due that wait for actions which have settled."""
    if Wakeup.objects.exists():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WAKE, [MOST_WOKEN])


def wake_if_settled(run: Run, action_id: int) -> None:
    """Mark a run as due whose action has settled just before the run waits for it. Call it in the transaction in which
    it starts to wait: whatever settles the action afterwards finds the run waiting."""
    status = Action.objects.select_for_update(no_key=True).values_list("status", flat=True).get(pk=action_id)
    if status in states.SETTLED:
        Run.objects.filter(pk=run.pk).update(not_before=Now())


def waiting_on(action_id: int) -> list[int]:
    """Return the ids of runs that wait for this action."""
    waiting = Step.objects.filter(action_id=action_id, status=Step.Status.WAITING, run__status=Run.Status.WAITING)
    return list(waiting.values_list("run_id", flat=True))


def lease_run(run_id: int) -> Run | None:
    """Lease a run, or return None if it isn't ready or another worker has it.

    The returned run still has its previous `status`. A run that only probes a failing model keeps its hold, and its
    ticket stays with people, until the model answers (commit.commit_step).
    """
    run = ready().select_related("ticket__customer", "hold").filter(pk=run_id).first()
    if run is None or (hasattr(run, "hold") and not resuming.can_continue(run.hold)):
        return None
    held = hasattr(run, "hold")
    run.keeps_hold = held and resuming.would_probe(run.hold)
    unchanged = Run.objects.filter(pk=run_id, status=run.status, fence=run.fence)
    started = {} if run.started_at else {"started_at": Now()}
    try:
        with transaction.atomic():
            if held and run.status == Run.Status.WAITING and not cancellation.may_continue(run):
                return None
            if not unchanged.update(
                status=Run.Status.RUNNING,
                fence=run.fence + 1,
                lease_expires_at=lease_expiry(),
                not_before=None,
                **started,
            ):
                return None
            if held and not run.keeps_hold:
                run.hold.delete()
            if not run.keeps_hold:
                set_ticket(run, Ticket.Status.WORKING)
    except IntegrityError:  # another run of the ticket was leased first
        return None
    run.fence += 1
    return run


def renew_lease(run: Run) -> None:
    """Extend the lease while it is valid, unless the row is locked: the renewal of others must not wait."""
    held = Run.objects.filter(pk=run.pk, fence=run.fence, status=Run.Status.RUNNING, lease_expires_at__gt=Now())
    with transaction.atomic():
        free = held.select_for_update(skip_locked=True, no_key=True).values("pk")
        Run.objects.filter(pk__in=free).update(lease_expires_at=lease_expiry())


def _open(ticket: Ticket, run: Run, actor: str) -> None:
    """Give the ticket back to the agent, unless the run is queued behind one that waits for a person."""
    hold = Hold.objects.filter(run__ticket=ticket).order_by("run__number").first()
    if hold is None:
        set_ticket(run, Ticket.Status.OPEN, actor=actor)
    elif ticket.status != Ticket.Status.NEEDS_PERSON:
        set_ticket(run, Ticket.Status.NEEDS_PERSON, hold.reason, actor=actor)


def ready() -> QuerySet[Run]:
    """Return runs that a worker may lease. Those on hold also need resuming.can_continue."""
    due_now = Q(status=Run.Status.QUEUED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
    undecided = Step.objects.filter(run=OuterRef("pk"), status=Step.Status.WAITING).exclude(
        action__status__in=states.SETTLED
    )
    settled = Q(status=Run.Status.WAITING) & ~Exists(undecided)
    return Run.objects.filter(_left_behind() | ((due_now | settled) & ~Exists(_busy())))


def _left_behind() -> Q:
    no_lease = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=Now())
    return Q(status=Run.Status.RUNNING) & no_lease


def _busy() -> QuerySet[Run]:
    """Only one run of a ticket is active at a time, in the order of their numbers."""
    earlier = Q(status=Run.Status.QUEUED) | Q(hold__isnull=False)
    before = Q(status=Run.Status.RUNNING) | (earlier & Q(number__lt=OuterRef("number")))
    return Run.objects.filter(before, ticket=OuterRef("ticket")).exclude(pk=OuterRef("pk"))
