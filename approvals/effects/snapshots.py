"""Compare an action's order or customer, as people saw it, with what the shop says now (docs/design.md, 5.8)."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError, Refused, ReplayedFailure, Terminal
from approvals.effects import acknowledgements, last_word
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import Resolved
from approvals.models import Action, ApprovalRequest
from approvals.providers import orders


class ChangedSinceApproved(Exception):
    """The order or customer has changed since the approval."""

    def __init__(self, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
        super().__init__("changed since it was approved")
        self.snapshot, self.changes = snapshot, changes


def store_changes(request: ApprovalRequest, world: Resolved[Any]) -> bool:
    """Store the order or customer as just read with the request. Returns whether it differs from what was shown."""
    snapshot, found = world.kind.compare(request.action, world, request.snapshot)
    kept = {row["field"]: row for row in request.changes}
    for row in found:  # the oldest value that people saw is the one to show
        kept[row["field"]] = {**row, "before": kept.get(row["field"], row)["before"]}
    request.snapshot, request.changes = snapshot, list(kept.values())
    open_one = ApprovalRequest.objects.filter(pk=request.pk, closed_at__isnull=True)
    with transaction.atomic():
        open_one.update(snapshot=snapshot, changes=request.changes, read_at=Now())
        if found and request.closed_at is None:
            world.kind.follow(request, world)
    return bool(found)


def require_unchanged(action: Action, *, again: bool) -> None:
    """Read the order or customer again before a sending.

    Raises ChangedSinceApproved, or ProviderError. With `again`, an earlier request may still arrive: the action then
    doesn't return to the queue where something changed or the customer wrote, but its outcome is unknown
    (ReplayedFailure).
    """
    if again and last_word.overtaken(action):
        raise ReplayedFailure("customer_wrote", "Not sent again: the customer has written since the approval.")
    try:
        snapshot, changes = _changes(action)
    except ProviderError as error:
        error.provider = orders.NAME  # the shop failed, not the provider that the effect is sent to
        raise
    if changes and again:
        fields = ", ".join(str(row["field"]) for row in changes)
        raise ReplayedFailure("changed", f"Not sent again: changed since the approval ({fields}).")
    if changes:
        raise ChangedSinceApproved(snapshot, changes)


def _changes(action: Action) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the snapshot as it is now, and what has changed in a way that matters: [{field, before, after}]."""
    if acknowledgements.outdated(action):
        raise Terminal("answered_meanwhile", "The ticket was answered or picked up again in the meantime.")
    kind = KINDS.of(action)
    try:
        now = kind.read_again(action).with_left(without=action.pk)
    except Refused as gone:
        return {}, [{"field": "exists", "before": True, "after": gone.message}]
    snapshot, changes = kind.compare(action, now, action.snapshot)
    # The rest of the order's money changes with every other refund. It only matters if it no longer covers this action.
    if now.left and (action.amount or 0) > now.left.whole:
        changes.append({"field": "left for this action", "before": action.amount, "after": snapshot["refundable"]})
    known = kind.may_differ(action, snapshot)
    return snapshot, changes if any(row["field"] not in known for row in changes) else []
