"""Open and close findings: differences between the provider's records and ours. Each difference has one open row, which
a person closes, or a comparison that no longer sees it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from agentops.lib.money import Money
from approvals import states
from approvals.audit import events
from approvals.models import Action, Finding
from approvals.providers.receipt import Receipt

log = logging.getLogger(__name__)


def classify(action: Action | None, receipt: Receipt) -> Finding.Kind | None:
    """Return how a refund at the provider differs from the action that made it, or None if they agree."""
    moved = receipt.status != "failed"
    if action is None:
        return Finding.Kind.THEIRS_ALONE if moved else None
    if action.status == states.SUCCEEDED and not moved:
        return Finding.Kind.FAILED_AFTERWARDS
    if not moved:
        return None
    if action.status not in (states.SUCCEEDED, *states.OPEN):
        return Finding.Kind.THEIRS_ALONE
    if _of_another_payment(action, receipt.data):
        return Finding.Kind.THEIRS_ALONE
    # This applies to an open action too: a refund of another amount can never settle it.
    return None if action.money == _money(receipt.data) else Finding.Kind.AMOUNTS_DIFFER


def open_finding(
    kind: Finding.Kind,
    reference: str,
    happened_at: datetime,
    *,
    ours: Action | None = None,
    theirs: Receipt | None = None,
    action: Action | None = None,
) -> bool:
    """Record a difference and return whether it is new. `action` is the action concerned, if that is not `ours`. A
    finding that a person closed is not opened again unless the amounts have changed."""
    same = Finding.objects.filter(kind=kind, reference=reference)
    sides = {"ours": _ours(ours), "theirs": theirs.data if theirs else {}}
    seen = same.filter(closed_by__isnull=False).order_by("-pk").first()
    if seen and (_money(seen.ours), _money(seen.theirs)) == (_money(sides["ours"]), _money(sides["theirs"])):
        return False
    given = {"action": action or ours, "happened_at": happened_at, **sides}
    with transaction.atomic():
        finding, new = same.get_or_create(kind=kind, reference=reference, closed_at=None, defaults=given)
        if new:
            events.record_event(
                actor=events.SYSTEM,
                verb="finding.opened",
                object_type="finding",
                object_id=finding.pk,
                after={"kind": kind, "reference": reference},
            )
    if new:
        log.error("reconciliation finding: %s", finding)
    return new


def close_finding(*, finding_id: int, by: User, note: str) -> None:
    """Close a finding on a person's word. Raises Refused without a note, or if it is closed already."""
    note = note.strip()[:500]
    if not note:
        raise Refused("note_missing", "Enter an explanation.")
    with transaction.atomic():
        if not _close(finding_id, actor=by.get_username(), closed_by=by, note=note):
            raise Refused("already_closed", "This finding was already closed.")


def close_unseen(finding_id: int) -> int:
    """Close a finding that the comparison no longer saw. Returns 1, or 0 if it was closed already."""
    with transaction.atomic():
        return _close(finding_id, actor=events.SYSTEM, note="No longer seen in the next comparison.")


def _close(finding_id: int, *, actor: str, note: str, closed_by: User | None = None) -> int:
    opened = Finding.objects.filter(pk=finding_id, closed_at__isnull=True)
    closed = opened.update(closed_at=Now(), closed_by=closed_by, note=note)
    if closed:
        events.record_event(
            actor=actor, verb="finding.closed", object_type="finding", object_id=finding_id, after={"note": note}
        )
    return closed


def _of_another_payment(action: Action, theirs: Mapping[str, Any]) -> bool:
    """Return whether their record names a different order or payment than our action. It may name a charge as well as
    its payment."""
    payments = {theirs[name] for name in ("payment_id", "charge") if theirs.get(name)}
    other_order = theirs.get("order_id", "") not in ("", action.params["order_id"])
    return other_order or bool(payments and action.params["payment_id"] not in payments)


def _money(side: Mapping[str, Any]) -> Money | None:
    return Money.of(side.get("amount"), side.get("currency"))


def _ours(action: Action | None) -> dict[str, Any]:
    if action is None:
        return {}
    return {
        "key": action.idempotency_key,
        "status": action.status,
        "amount": action.amount,
        "currency": action.currency,
        "provider_reference": action.provider_reference,
    }
