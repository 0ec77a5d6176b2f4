"""Keep the order or customer as shown to people with the request, and what has changed since."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals import states
from approvals.audit import events
from approvals.effects import payload
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import Params, Resolved
from approvals.models import Action, ApprovalRequest


def store_changes(request: ApprovalRequest, world: Resolved[Any]) -> bool:
    """Store the order or customer as just read with the request. Returns whether it differs from what was shown."""
    kind = KINDS.of(request.action)
    if not kind.reads_again(request.action):
        return False
    snapshot, found = kind.compare(request.action, world, request.snapshot)
    kept = {row["field"]: row for row in request.changes}
    for row in found:
        row["before"] = kept.get(row["field"], row)["before"]
        kept[row["field"]] = row
    request.snapshot, request.changes = snapshot, list(kept.values())
    open_one = ApprovalRequest.objects.filter(pk=request.pk, closed_at__isnull=True)
    with transaction.atomic():
        open_one.update(snapshot=snapshot, changes=request.changes, read_at=Now())
        if found and request.closed_at is None:
            _follow_order(request, world)
    return bool(found)


def snapshot_as_approved(request: ApprovalRequest, world: Resolved[Any], edited: Params | None) -> dict[str, Any]:
    """Return the snapshot that the approval was based on. For `edited` parameters, it is computed again for them."""
    shown: dict[str, Any] = request.snapshot
    if edited is None:
        return shown
    return KINDS.of(request.action).compare(request.action, replace(world, params=edited), shown)[0]


def _follow_order(request: ApprovalRequest, world: Resolved[Any]) -> None:
    """Update parameters that follow from the order, such as a cancellation's amount, so that people decide on them."""
    action = request.action
    params = world.kind.follows(world.params, world)
    if params == world.params or action.digest != payload.action_digest(action):  # a mismatch must stay visible
        return
    frozen = payload.freeze(world.kind, params, key=action.idempotency_key, ticket=action.ticket)
    new = {**frozen, "amount": frozen["params"].get("amount")}
    for name, value in new.items():
        setattr(action, name, value)
    if Action.objects.filter(pk=action.pk, status=states.AWAITING_APPROVAL).update(**new):
        ApprovalRequest.objects.filter(pk=request.pk).update(digest=action.digest)
        told = {"amount": action.amount, "digest": action.digest}
        events.record_event(
            actor=events.SYSTEM, verb="action.amount_followed", object_type="action", object_id=action.pk, after=told
        )
