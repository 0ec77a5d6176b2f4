"""One outcome, one letter: which run answers the customer when several of a ticket have waited for the same action, and
what a reply must wait for (docs/design.md, 5.10)."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from agentops.lib import redact
from agentops.models import Run, Step
from agentops.runs import cancellation, steps, tools, turn
from agentops.runs.commit import commit_step, set_ticket
from approvals import states
from approvals.audit import events
from approvals.models import Action
from tickets.models import Ticket

UNDECIDED = (states.PROPOSED, states.AWAITING_APPROVAL, states.APPROVED, states.EXECUTING, states.UNRESOLVED)


def undecided_action(run: Run) -> Action | None:
    """Return the oldest action of the ticket whose outcome is open, if any. Acknowledgements don't count: they say
    nothing about an outcome."""
    open_ones = Action.objects.filter(ticket=run.ticket_id, status__in=UNDECIDED).order_by("pk")
    return next((action for action in open_ones if not action.facts.get("fixed")), None)


def awaited_by(step: Step) -> Action | None:
    """Return the action whose outcome this reply waited for; None if it has its own action or has not waited."""
    action = step.action
    own = action is not None and action.kind == "reply" and action.run_id == step.run.pk
    return None if own else action


def refuse_reply(step: Step) -> None:
    """End the step of a reply that was written before an outcome was known, and tell the model the outcome."""
    awaited = step.action
    assert awaited is not None
    step.action = None  # a step refers to the action that it proposed, and this one proposed none
    told = "Not sent: an action on this ticket was undecided. Its outcome is known now: write the reply again."
    steps.end_not_done(step, told)
    outcome = tools.action_result(awaited, tools.decision_on(awaited), again=False)
    step.output = {**(step.output or {}), "outcome": redact.data(outcome)}


def successor(run: Run, done: list[Step]) -> Run | None:
    """Return the newer run that answers the customer in this one's place, or None.

    A newer run takes over if it has answered, which it does once every outcome is known, or if the customer wrote while
    an action that this run waited for was open: it has read everything that this one has, and more. It doesn't if it
    ended with a person, unless it withdrew the action.
    """
    if not _has_just_waited(run, done):
        return None
    settled = Action.objects.filter(ticket=run.ticket_id, settled_at__gte=OuterRef("created_at"))
    withdrawn = Action.objects.filter(ticket=run.ticket_id, run_id=run.pk, status=states.WITHDRAWN)
    takes_over = Exists(settled) & (Q(finished_at__isnull=True) | Exists(withdrawn))
    newer = Run.objects.filter(ticket=run.ticket_id, number__gt=run.number).exclude(status=Run.Status.CANCELLED)
    return newer.filter(Q(outcome=Run.Outcome.ANSWERED) | takes_over).order_by("-number").first()


def leave_to(run: Run, finished: Step | None, newer: Run) -> None:
    """End the run without an answer of its own, because a newer run of the ticket answers for both."""
    reason = f"Run {newer.number} answers the customer, who has written since."
    with transaction.atomic():
        commit_step(
            run, finished, None, status=Run.Status.CANCELLED, reason=reason, finished_at=Now(), lease_expires_at=None
        )
        cancellation.record_cancelled(run, before=Run.Status.RUNNING, reason=reason, by=events.AGENT)
        if others_wait(run):
            set_ticket(run, Ticket.Status.AWAITING_APPROVAL)
        elif newer.outcome == Run.Outcome.ANSWERED:
            set_ticket(run, Ticket.Status.ANSWERED)


def _has_just_waited(run: Run, done: list[Step]) -> bool:
    """Return whether the model's last answer led to an action, or to a reply that waited for one."""
    last = max((step.index for step in done if step.kind == turn.LLM), default=0)
    calls = [step for step in done if step.index > last]
    return any(step.action_id is not None or step.error_code == turn.NOT_DONE for step in calls)


def others_wait(run: Run) -> bool:
    """Return whether another run of the ticket is on hold or waits for an action, or an action's outcome is open."""
    unsettled = Step.objects.filter(run=OuterRef("pk"), status=Step.Status.WAITING).exclude(
        action__status__in=states.SETTLED
    )
    waiting = Run.objects.filter(Exists(unsettled) | Q(hold__isnull=False), status=Run.Status.WAITING)
    return waiting.filter(ticket=run.ticket_id).exclude(pk=run.pk).exists() or undecided_action(run) is not None
