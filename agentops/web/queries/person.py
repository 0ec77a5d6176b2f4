"""Tickets that need a person, with the step that failed, described for the person who takes over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from agentops.models import Run, Step
from agentops.runs import turn
from agentops.runs.tools import HAND_OVER
from approvals import kinds, states
from approvals.effects.kinds import KINDS
from approvals.models import Action, Attempt
from tickets import queries
from tickets.models import Ticket

_HEAVY = ("raw_response", "reasoning", "failures")
STOPPED = "The agent is on hold after this step. It continues automatically when it can, or a person replies instead."
NOT_RUN = ("rejected", "blocked", "expired", "withdrawn")


@dataclass(frozen=True)
class Broken:
    """Where work on a ticket ended. `did` says what the step was doing, `went` how it ended.

    `action` is the step's action, or one without a step, such as a person's reply.
    """

    run: Run | None
    step: Step | None
    action: Action | None
    did: str
    went: str

    @property
    def name(self) -> str:
        return self.step.name if self.step else self.action.kind if self.action else ""

    @property
    def code(self) -> str:
        return (self.step.error_code if self.step else "") or (self.action.error_code if self.action else "")

    @property
    def error_class(self) -> str:
        found = self.step.error_class if self.step else ""
        return self.action.error_class if self.action and found in ("", "action") else found

    @property
    def message(self) -> str:

        message = self.action.error_message if self.action else ""
        return message or (self.step.error_message if self.step else "")

    @property
    def attempt(self) -> Attempt | None:
        """The last attempt at the action."""
        return Attempt.objects.filter(action=self.action).order_by("-number").first() if self.action else None

    @property
    def arguments(self) -> Any:
        if self.name == HAND_OVER:  # its only argument is the ticket's reason, which the page shows anyway
            return None
        return self.step.input.get("arguments") if self.step else self.action.params if self.action else None


@dataclass(frozen=True)
class TicketRow:
    ticket: Ticket
    broken: Broken


def waiting_page(after: str) -> tuple[list[TicketRow], str]:
    """Return a page of rows and `after` of the next page, a ticket's id (empty on the last page)."""
    tickets = queries.tickets_with_person()
    cursor = tickets.filter(pk=after[:14].replace("\x00", "")).first() if after else None
    found = list((tickets.filter(_following(cursor)) if cursor else tickets)[: queries.PAGE + 1])
    shown = found[: queries.PAGE]
    broken = _broken(shown)
    more = shown[-1].pk if len(found) > queries.PAGE else ""
    return [TicketRow(ticket, broken[ticket.pk]) for ticket in shown], more


def find_waiting(ticket_id: str) -> Ticket | None:
    """Return the ticket, even if it no longer needs a person."""
    # PostgreSQL refuses NUL in a text, and the id comes from the address.
    tickets = Ticket.objects.select_related("customer", "claimed_by")
    return None if "\x00" in ticket_id else tickets.filter(pk=ticket_id).first()


def next_after(ticket: Ticket) -> Ticket | None:
    """Return the ticket to open once this one is done: the next one, or else the first."""
    rest = queries.tickets_with_person().exclude(pk=ticket.pk)
    return (rest.filter(_following(ticket)).first() if ticket.person_since else None) or rest.first()


def broken(ticket: Ticket) -> Broken:
    """Return where work on the ticket ended, with the whole step."""
    found = _broken([ticket])[ticket.pk]
    step = Step.objects.select_related("action", "run").get(pk=found.step.pk) if found.step else None
    return Broken(found.run, step, found.action, found.did, found.went)


def _following(ticket: Ticket) -> Q:
    """Return the filter for the tickets after this one, in the order of `tickets_with_person`."""
    waited_less = Q(person_since__gt=ticket.person_since) | Q(person_since=ticket.person_since, pk__gt=ticket.pk)
    alike = Q(kept_by_person=ticket.kept_by_person) & waited_less
    return alike | Q(kept_by_person=False) if ticket.kept_by_person else alike


def _broken(tickets: Sequence[Ticket]) -> dict[str, Broken]:
    """Return where work ended, by ticket id, in a fixed number of queries."""
    ids = [ticket.pk for ticket in tickets]
    runs = _newest(Run.objects.filter(ticket__in=ids))
    steps: dict[int, list[Step]] = {}
    wanted = (
        Step.objects.filter(run__in=[run.pk for run in runs.values()]).defer(*_HEAVY).select_related("action", "run")
    )
    for step in wanted.order_by("run_id", "index"):
        steps.setdefault(step.run_id, []).append(step)
    # On a ticket that a person keeps, the effect that failed matters more than the run's last step.
    kept = [ticket.pk for ticket in tickets if ticket.kept_by_person]
    undone = Action.objects.filter(ticket__in=kept, status=states.FAILED)

    undone_by_ticket = {action.ticket_id: action for action in undone.order_by("settled_at")}
    return {
        ticket.pk: _broken_for(ticket, runs.get(ticket.pk), steps, undone_by_ticket.get(ticket.pk))
        for ticket in tickets
    }


def _newest(runs: QuerySet[Run]) -> dict[str, Run]:
    """Return by ticket id the newest run that wasn't answered, otherwise the newest run."""
    found: dict[str, Run] = {}
    for run in runs.order_by("ticket_id", "number"):
        kept = found.get(run.ticket_id)
        if kept is None or run.outcome != Run.Outcome.ANSWERED or kept.outcome == Run.Outcome.ANSWERED:
            found[run.ticket_id] = run
    return found


def _broken_for(ticket: Ticket, run: Run | None, steps: dict[int, list[Step]], undone: Action | None) -> Broken:
    if undone:
        step = Step.objects.filter(action=undone).select_related("run").order_by("-pk").first()
        return Broken(step.run if step else run, step, undone, _activity(step, undone), _ending(step, undone, ticket))
    step = _last_step(steps.get(run.pk, [])) if run else None
    action = step.action if step else None
    return Broken(run, step, action, _activity(step, action), _ending(step, action, ticket))


def _last_step(steps: Sequence[Step]) -> Step | None:
    """Return the step that ended the run: the last one that failed, waits or handed over.

    If the model continued after it, that step was not the end.
    """
    steps = [step for step in steps if step.error_code != turn.NOT_DONE]
    for step in list(reversed(steps))[:2]:
        if step.status in (Step.Status.FAILED, Step.Status.WAITING, Step.Status.STARTED) or step.name == HAND_OVER:
            return step
        if step.kind == Step.Kind.LLM:
            break
    return steps[-1] if steps else None


def _activity(step: Step | None, action: Action | None) -> str:
    """Describe what the step was doing, as in "asking the model what to do next"."""
    if action and action.run_id is None:
        return "sending a person's reply to the customer"
    if step is None:
        return f"sending the {kinds.noun(action.kind)}" if action else ""
    if step.kind == Step.Kind.TRIAGE:
        return "triaging the ticket"
    if step.kind == Step.Kind.LLM:
        return "asking the model what to do next"
    if step.name == HAND_OVER:
        return "handing the ticket to a person"
    kind = KINDS.by_tool(step.name)
    if kind:
        return f"sending the {kinds.noun(kind.name)}"
    return "reading from the shop" if step.name.startswith(("get_", "find_")) else "calling an unknown tool"


def _ending(step: Step | None, action: Action | None, ticket: Ticket) -> str:
    """Describe how the step ended, in a sentence or two."""
    if action and action.status == states.FAILED and ticket.kept_by_person:
        return (
            "We recorded this as done, or expected it to be, but it didn't go through. The customer may believe it did."
        )
    if step and step.run.status == Run.Status.WAITING and step.finished_at and step.status != Step.Status.WAITING:
        return STOPPED  # the step itself may have succeeded; it is the next call that can't be made
    if action and action.status == states.UNRESOLVED:
        next_step = (
            "We keep checking with the provider" if KINDS.of(action).can_be_looked_up else "Only a person can find out"
        )
        return f"We don't know yet if this went through. {next_step}. It won't be sent again automatically."
    if action and action.status in NOT_RUN:
        return f"It was {action.status}, so nothing was sent."
    if action and action.status == states.FAILED:
        return "The provider rejected this permanently. Nothing was done."
    if step is None:
        return "No agent step is recorded for this."
    if step.name == HAND_OVER and step.status == Step.Status.DONE:
        return "The agent handed this ticket to a person. Nothing failed."
    if step.status == Step.Status.FAILED:
        return _failure_text(step)
    if step.run.status == Run.Status.WAITING:
        return STOPPED
    if step.kind == Step.Kind.LLM:
        return "The model's response couldn't be used."
    return "The agent stopped here without answering."


def _failure_text(step: Step) -> str:
    match step.error_code, step.error_class:
        case "worker_lost", _:
            return "The worker process kept crashing on this step, so we gave up."
        case _, "internal":
            return "A bug in AgentOps. Retrying may not help. Engineers can see the details in the trace."
        case _, "transient" | "effect_unknown" | "replayed_failure":
            times = f"{step.attempts} attempts" if step.attempts > 1 else "1 attempt"
            return f"No usable response after {times}. It may work now."
        case _, "unauthorized":
            return "The provider rejected our credentials. An admin has to fix them."
        case _, "refused":
            return "The model's request was invalid, and it didn't correct it."
    return "The provider rejected this permanently. Retrying will most likely fail too."
