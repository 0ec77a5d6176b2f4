"""Record a refund that failed after the provider had reported success: a finding, and a ticket for a person."""

from datetime import datetime

from django.db import transaction

from agentops.lib import redact
from agentops.lib.errors import Terminal
from approvals import locks, states, ticket_status
from approvals.effects import settlement
from approvals.models import Action, Finding
from approvals.providers.receipt import Receipt
from approvals.reconciliation import findings


def record_late_failure(action: Action, theirs: Receipt, *, why: str, happened_at: datetime) -> bool:
    """Record a late failure, whether an event or a comparison reported it: move the action to `failed`, open a finding
    and hand the ticket to a person. Returns whether the finding is new. Raises Lost."""
    error = Terminal("provider_failed", why)
    with transaction.atomic():
        # The ticket is moved last, but its lock comes first in the order of approvals.locks.
        locks.lock_ticket(action.ticket_id)
        new = findings.open_finding(
            Finding.Kind.FAILED_AFTERWARDS, action.idempotency_key, happened_at, ours=action, theirs=theirs
        )
        details = {"message": redact.text(error.message)[:300]}
        result = {**(action.result or {}), "status": "failed"}
        settlement.close(action, states.FAILED, "action.failed_afterwards", details, error=error, result=result)
        reason = f"{action.idempotency_key} succeeded at first and failed later: {redact.text(error.message)}"
        # `keep`: the customer was told that the money is on its way, so the agent must not answer over this.
        ticket_status.hand_to_person(action.ticket_id, reason, keep=True)
    return new
