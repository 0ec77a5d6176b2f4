"""What a person is shown of the world, kept with the request, and what has changed since it was read."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals import states
from approvals.audit import events
from approvals.effects import facts, payload, reservations, resolution
from approvals.effects.resolution import Resolved
from approvals.models import Action, ApprovalRequest


def note_changes(request: ApprovalRequest, world: Resolved) -> bool:
    """Keeps the world as just read with the request; True where it differs from what the person was shown."""
    if request.action.kind == "reply":
        if not _declares(request.action):
            return False
        snapshot, found = reply_now(request.action, world, known=request.snapshot)
    else:
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


def reply_now(action: Action, world: Resolved, *, known: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the agent's reply says without ground by now, as people are shown it, and the changes since the snapshot
    that is `known`: an effect that it tells of may have come undone. Nothing of words that are the shop's own, or a
    person's."""
    if not _declares(action):
        return {}, []
    now = facts.ungrounded(world, action.ticket_id)
    new = [sentence for sentence in now if sentence not in known.get("ungrounded", [])]
    changed = {"field": "verified claims", "before": "had happened", "after": " ".join(new)}
    return {"ungrounded": now}, [changed] if new else []


def as_approved(request: ApprovalRequest, world: Resolved, edited: dict[str, Any] | None) -> dict[str, Any]:
    """What a person knew who approved: of a reply that they `edited`, what its new words say without ground."""
    if edited is None or not _declares(request.action):
        shown: dict[str, Any] = request.snapshot
        return shown
    return {"ungrounded": facts.ungrounded(replace(world, params=edited), request.action.ticket_id)}


def left(world: Resolved, action: Action) -> int:
    """Minor units that may still be refunded by this action: of its payment, and of the whole order."""
    assert world.reading is not None
    payment_id = action.params.get("payment_id")
    return min(
        reservations.left(world.reading, without=action.pk),
        reservations.left(world.reading, without=action.pk, payment_id=payment_id),
    )


def _declares(action: Action) -> bool:
    """Whether it is a reply in the agent's words, which has to name what it rests on."""
    return action.kind == "reply" and action.run_id is not None and not action.facts.get("fixed")


def _follow_order(request: ApprovalRequest, world: Resolved) -> None:
    """A cancellation returns what is left of the order: its amount follows, and a person decides on the new one."""
    action = request.action
    if action.kind != "cancel_order" or world.reading is None:
        return
    amount = world.reading.order.captured - world.reading.order.refunded
    if amount == action.amount or action.digest != payload.digest_of(action):  # what is not as it was shown stays so
        return
    action.params, action.amount = {**action.params, "amount": amount}, amount
    action.digest = payload.digest_of(action)
    new = {"params": action.params, "amount": amount, "digest": action.digest}
    if Action.objects.filter(pk=action.pk, status=states.AWAITING_APPROVAL).update(**new):
        ApprovalRequest.objects.filter(pk=request.pk).update(digest=action.digest)
        events.record(actor=events.SYSTEM, verb="action.amount_followed", object_type="action", object_id=action.pk,
                     after={"amount": amount, "digest": action.digest})  # fmt: skip
