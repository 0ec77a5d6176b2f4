"""A ticket's timeline: messages, runs, actions and changes of status."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from agentops.models import Run
from agentops.web.queries import runs
from approvals import states
from approvals.models import Action, ApprovalRequest
from approvals.web.queries import events
from tickets import states as ticket_states
from tickets.models import Ticket
from tickets.queries import IN_PROGRESS

# Without "working": the run's entry shows that already.
_SHOWN = [f"ticket.{status}" for status in ticket_states.ALL if status != ticket_states.WORKING]


@dataclass(frozen=True)
class Entry:
    """An entry of the timeline. `subject` is a Message, a Run, an Action, or the AuditEvent of a change of status."""

    at: datetime
    kind: Literal["message", "run", "action", "status"]
    subject: Any


@dataclass(frozen=True)
class Case:
    entries: list[Entry]
    runs: list[Run]
    waiting: list[ApprovalRequest]
    unresolved: list[Action]
    moving: bool


def case_of(ticket: Ticket) -> Case:
    """Return the case of a ticket that is loaded with its messages."""
    its_runs = list(runs.of_ticket(ticket.pk))
    # Large columns that the timeline doesn't show.
    actions = list(Action.objects.filter(ticket=ticket).defer("snapshot", "request", "facts").order_by("pk"))
    entries = [
        *(Entry(message.place, "message", message) for message in ticket.messages.all()),
        *(Entry(run.started_at or run.created_at, "run", run) for run in its_runs),
        *(Entry(action.created_at, "action", action) for action in actions),
        *(Entry(event.at, "status", event) for event in events.events_of("ticket", ticket.pk).filter(verb__in=_SHOWN)),
    ]
    waiting = [action.pk for action in actions if action.status == states.AWAITING_APPROVAL]
    requests = ApprovalRequest.objects.filter(action__in=waiting, closed_at__isnull=True)
    return Case(
        entries=sorted(entries, key=lambda entry: entry.at),
        runs=its_runs,
        waiting=list(requests.select_related("action", "claimed_by").defer("snapshot", "action__snapshot")),
        unresolved=[action for action in actions if action.status == states.UNRESOLVED],
        moving=ticket.status in IN_PROGRESS or any(run.finished_at is None for run in its_runs),
    )
