"""Expire approval requests that nobody decided in time."""

from django.db import transaction
from django.db.models.functions import Now

from approvals import locks, states, ticket_status, transitions
from approvals.audit import events
from approvals.models import ApprovalRequest, Deferral

LINE = "expiry"  # of the sweep


def due(limit: int) -> list[int]:
    """Return the ids of open requests that have expired, the longest overdue first."""
    over = ApprovalRequest.objects.filter(closed_at__isnull=True, expires_at__lte=Now()).exclude(Deferral.holds(LINE))
    return list(over.order_by("expires_at").values_list("pk", flat=True)[:limit])


def expire(request_id: int) -> bool:
    """Close an overdue request; its action expires. Returns False if another worker or a person closed it first."""
    with transaction.atomic():
        locks.lock_ticket(ApprovalRequest.objects.values_list("action__ticket", flat=True).get(pk=request_id))
        open_one = ApprovalRequest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("action")
        request = open_one.filter(pk=request_id, closed_at__isnull=True, expires_at__lte=Now()).first()
        if request is None:
            return False
        ApprovalRequest.objects.filter(pk=request.pk).update(closed_at=Now())
        transitions.move(request.action, states.EXPIRED, actor=events.SYSTEM, verb="action.expired")
        if request.action.run_id is None:  # written by a person, so no run will notice
            why = f"{request.action.idempotency_key}, which a person wrote, expired before it was approved."
            ticket_status.hand_to_person(request.action.ticket_id, why, keep=True)
    return True
