"""Write an action's status: a guarded UPDATE whose row count is checked, with its AuditEvent in the same transaction
(docs/design.md, 4). No other code writes it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from agentops.lib import tracing
from approvals import signals, states
from approvals.audit import events
from approvals.models import Action, ApprovalRequest


class Lost(Exception):
    """The action changed after the caller read it: another worker or person moved it first."""


def move(
    action: Action,
    to: str,
    *,
    verb: str,
    actor: str = events.SYSTEM,
    holding: int | None = None,
    details: events.Values = None,
    **fields: Any,
) -> None:
    """Move `action` from the status it was read with to `to`, and write `fields` in the same UPDATE.

    `holding` is the fence of the attempt that writes, so that it cannot overwrite a newer attempt. `details` are added
    to the audit event's `after`. A final status also sends `action_settled` on commit. Raises Lost if the row no longer
    matches, ValueError if states.MOVES does not allow the move.
    """
    before = action.status
    if not states.may_move(before, to):
        raise ValueError(f"an action cannot move from {before} to {to}")
    tracing.touch(ticket_id=action.ticket_id, run_id=action.run_id, action=action.idempotency_key)
    guard = {"pk": action.pk, "status": before} | ({} if holding is None else {"fence": holding})
    if to in states.SETTLED:
        fields["settled_at"] = Now()
    with transaction.atomic(savepoint=False):
        if Action.objects.filter(**guard).update(status=to, **fields) != 1:
            raise Lost(f"{action.idempotency_key} is no longer {before}")
        after = {"status": to, **(details or {})}
        events.record_action_event(action, verb, actor=actor, before={"status": before}, after=after)
        if to in states.SETTLED:
            transaction.on_commit(lambda: _announce(action.pk), robust=True)
    action.status = to


def request_approval(
    action: Action, *, hours: int, snapshot: dict[str, Any], changes: Sequence[dict[str, Any]] = ()
) -> ApprovalRequest:
    """Open an approval request that expires after `hours`. Call it in the transaction that moves the action."""
    shown = {"snapshot": snapshot, "changes": list(changes), "expires_at": Now() + timedelta(hours=hours)}
    return ApprovalRequest.objects.create(action=action, digest=action.digest, **shown)


def _announce(action_id: int) -> None:
    signals.action_settled.send(sender=Action, action_id=action_id)
