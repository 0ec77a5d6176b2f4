"""The full history of one action in order, from the agent's proposal to the reply to the customer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Prefetch

from approvals import states
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, AuditEvent, Decision
from approvals.web.queries import events
from approvals.web.queries.difference import FieldDifference, differences

MomentKind = Literal[
    "proposed", "judged", "asked", "claimed", "decided", "expired", "withdrawn", "held", "attempt", "settled", "reply"
]


@dataclass(frozen=True)
class Moment:
    """A point in the history. `subject` is the database row that it comes from."""

    at: datetime
    kind: MomentKind
    subject: Any
    changes: tuple[FieldDifference, ...] = ()


@dataclass(frozen=True)
class Life:
    moments: list[Moment]
    events: list[AuditEvent]


def load_action(action_id: int) -> Action | None:
    requests = ApprovalRequest.objects.select_related("decision__by", "claimed_by").order_by("pk")
    return (
        Action.objects.select_related("ticket__customer", "policy_version")
        .prefetch_related("attempts", Prefetch("requests", queryset=requests))
        .filter(pk=action_id)
        .first()
    )


def life_of(action: Action) -> Life:
    """Return the history of an action loaded by `load_action`."""
    action_events = list(events.events_of("action", action.pk))
    request_events = list(events.events_of("request", *(request.pk for request in action.requests.all())))
    moments = [
        Moment(action.created_at, "proposed", action),
        Moment(action.created_at, "judged", action),
        *(moment for request in action.requests.all() for moment in _asked(request, action_events)),
        *(Moment(event.at, "claimed", event) for event in request_events),
        *(Moment(event.at, "held", event) for event in action_events if event.verb == "action.customer_wrote"),
        *(Moment(attempt.started_at, "attempt", attempt) for attempt in action.attempts.all()),
        *_settled(action),
    ]
    order = sorted(moments, key=lambda moment: moment.at)  # stable, so moments at the same time stay in the order above
    return Life(order, sorted([*action_events, *request_events], key=lambda event: event.pk))


def _asked(request: ApprovalRequest, audit_events: list[AuditEvent]) -> Iterator[Moment]:
    yield Moment(request.created_at, "asked", request)
    decision: Decision | None = getattr(request, "decision", None)
    if decision is not None:
        yield Moment(decision.decided_at, "decided", decision, tuple(_edits(decision, audit_events)))
    elif request.closed_at is not None:
        withdrawn = next((event for event in audit_events if event.verb == "action.withdrawn"), None)
        yield Moment(request.closed_at, "withdrawn" if withdrawn else "expired", withdrawn or request)


def _edits(decision: Decision, audit_events: list[AuditEvent]) -> list[FieldDifference]:
    """Return what the person changed, from the audit event that keeps the proposed parameters."""
    for event in audit_events:
        if event.verb == "action.edited" and event.after.get("params") == decision.edited:
            return differences(event.after.get("proposed", {}), decision.edited or {})
    return []


def _settled(action: Action) -> Iterator[Moment]:
    if action.settled_at is None or action.status not in (states.SUCCEEDED, states.FAILED):
        return
    yield Moment(action.settled_at, "settled", action)
    if action.kind in KINDS.replies:
        return
    replies = Action.objects.filter(ticket_id=action.ticket_id, run_id=action.run_id, kind__in=KINDS.replies)
    for reply in replies.exclude(run_id=None).filter(pk__gt=action.pk).order_by("pk"):
        yield Moment(reply.settled_at or reply.created_at, "reply", reply)
