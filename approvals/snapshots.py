"""What a person is shown of the world, kept with the request, and what has changed since it was read."""

from django.db import transaction
from django.db.models.functions import Now

from approvals import audit, frozen, reservations, resolution, states
from approvals.models import Action, ApprovalRequest
from approvals.resolution import Resolved


def note_changes(request: ApprovalRequest, world: Resolved) -> bool:
    """Keeps the world as just read with the request; True where it differs from what the person was shown."""
    if request.action.kind == "reply":
        return False
    snapshot = resolution.snapshot(world, without=request.action_id)
    found = resolution.changes(request.snapshot, snapshot)
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


def left(world: Resolved, action: Action) -> int:
    """Minor units that may still be refunded by this action: of its payment, and of the whole order."""
    assert world.reading is not None
    payment_id = action.params.get("payment_id")
    return min(
        reservations.left(world.reading, without=action.pk),
        reservations.left(world.reading, without=action.pk, payment_id=payment_id),
    )


def _follow_order(request: ApprovalRequest, world: Resolved) -> None:
    """A cancellation returns what is left of the order: its amount follows, and a person decides on the new one."""
    action = request.action
    if action.kind != "cancel_order" or world.reading is None:
        return
    amount = world.reading.order.captured - world.reading.order.refunded
    if amount == action.amount or action.digest != frozen.digest_of(action):  # what is not as it was shown stays so
        return
    action.params, action.amount = {**action.params, "amount": amount}, amount
    action.digest = frozen.digest_of(action)
    new = {"params": action.params, "amount": amount, "digest": action.digest}
    if Action.objects.filter(pk=action.pk, status=states.AWAITING_APPROVAL).update(**new):
        ApprovalRequest.objects.filter(pk=request.pk).update(digest=action.digest)
        audit.record(actor=audit.SYSTEM, verb="action.amount_followed", object_type="action", object_id=action.pk,
                     after={"amount": amount, "digest": action.digest})  # fmt: skip
