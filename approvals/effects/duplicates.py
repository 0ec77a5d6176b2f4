"""Recognise a request that repeats an action of its ticket, before anything is read for it (docs/design.md, 5.1)."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from approvals.audit import events
from approvals.effects.kinds.base import Arguments, Kind
from approvals.models import Action


def find_earlier(kind: Kind[Any, Any], given: Arguments, *, ticket_id: str) -> Action | None:
    """Return the ticket's action with identical arguments, if any. It is the answer even if the order would no longer
    allow a new one. A caller that returns it must call `absorb_duplicate`."""
    existing = Action.objects.filter(ticket=ticket_id, kind=kind.name).order_by("sequence")
    return find_identical(kind, given, existing)


def find_identical(kind: Kind[Any, Any], given: Arguments, existing: Iterable[Action]) -> Action | None:
    """Return the first of these actions whose parameters match all arguments that the model gave."""
    if kind.once_a_run or getattr(given, "further", False):
        return None
    asked = given.model_dump(mode="json", exclude={"reason", "further"}, exclude_none=True)
    made = (row for row in existing if all(_same(name, value, row.params.get(name)) for name, value in asked.items()))
    return next(made, None)


def absorb_duplicate(twin: Action) -> Action:
    """Count a duplicate request that was answered with this action. Call it in the transaction of that request."""
    Action.objects.filter(pk=twin.pk).update(duplicates_absorbed=F("duplicates_absorbed") + 1)
    events.record_action_event(twin, "action.duplicate_absorbed", actor=events.AGENT, after={"kind": twin.kind})
    return twin


def _same(name: str, asked: Any, made: Any) -> bool:
    if name == "order_id":
        return str(asked).lstrip("#") == str(made).lstrip("#")
    return bool(asked == made)
