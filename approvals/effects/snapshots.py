"""What a person is shown of the world, kept with the request, and what has changed since it was read."""

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


def note_changes(request: ApprovalRequest, world: Resolved[Any]) -> bool:
    """Keep the world as just read with the request; True where it differs from what the person was shown."""
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


def as_approved(request: ApprovalRequest, world: Resolved[Any], edited: Params | None) -> dict[str, Any]:
    """What a person knew who approved: of what they `edited`, the snapshot of its new parameters."""
    shown: dict[str, Any] = request.snapshot
    if edited is None:
        return shown
    return KINDS.of(request.action).compare(request.action, replace(world, params=edited), shown)[0]


def _follow_order(request: ApprovalRequest, world: Resolved[Any]) -> None:
    """Give the action the parameters that follow from the order as it is now, and people decide on those."""
    action = request.action
    params = world.kind.follows(world.params, world)
    if params == world.params or action.digest != payload.digest_of(action):  # what is not as it was shown stays so
        return
    frozen = payload.freeze(world.kind, params, key=action.idempotency_key, ticket=action.ticket)
    new = {**frozen, "amount": frozen["params"].get("amount")}
    for name, value in new.items():
        setattr(action, name, value)
    if Action.objects.filter(pk=action.pk, status=states.AWAITING_APPROVAL).update(**new):
        ApprovalRequest.objects.filter(pk=request.pk).update(digest=action.digest)
        told = {"amount": action.amount, "digest": action.digest}
        events.record(
            actor=events.SYSTEM, verb="action.amount_followed", object_type="action", object_id=action.pk, after=told
        )
