"""A ticket's whole case on one timeline: the conversation, its runs and actions, and how its status changed."""

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

# That the agent works on a ticket is shown by its run.
_SHOWN = [f"ticket.{status}" for status in ticket_states.ALL if status != ticket_states.WORKING]


@dataclass(frozen=True)
class Entry:
    """One thing that happened: a Message, a Run that started, an Action that was proposed, or the AuditEvent of a
    change of status."""

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
    """Of a ticket loaded with its messages."""
    its_runs = list(runs.of_ticket(ticket.pk))
    actions = list(Action.objects.filter(ticket=ticket).defer("snapshot", "request", "facts").order_by("pk"))
    entries = [
        *(Entry(message.sent_at, "message", message) for message in ticket.messages.all()),
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
