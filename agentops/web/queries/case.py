"""A ticket's whole case: the conversation, the runs on it and their actions, on one time line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from agentops.models import Run
from agentops.web.queries import runs
from approvals import states
from approvals.models import Action, ApprovalRequest
from tickets.models import Ticket
from tickets.queries import IN_PROGRESS


@dataclass(frozen=True)
class Entry:
    """One thing that happened: a Message, a Run that began or an Action that was proposed."""

    at: datetime
    kind: Literal["message", "run", "action"]
    subject: Any


@dataclass(frozen=True)
class Case:
    entries: list[Entry]
    runs: list[Run]
    waiting: list[ApprovalRequest]
    unresolved: list[Action]
    moving: bool


def of(ticket: Ticket) -> Case:
    """Of a ticket loaded with its messages."""
    its_runs = list(runs.of_ticket(ticket.pk))
    actions = list(Action.objects.filter(ticket=ticket).defer("snapshot", "request", "facts").order_by("pk"))
    entries = [
        *(Entry(message.sent_at, "message", message) for message in ticket.messages.all()),
        *(Entry(run.started_at or run.created_at, "run", run) for run in its_runs),
        *(Entry(action.created_at, "action", action) for action in actions),
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
