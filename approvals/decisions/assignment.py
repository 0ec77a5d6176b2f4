"""Assign an approval request to the lead who is working on it. An assignment informs colleagues; it locks nothing."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from approvals.audit import events
from approvals.decisions.decide import AlreadyDecided, load_request
from approvals.models import ApprovalRequest


def assign(*, request_id: int, by: User) -> None:
    """Show colleagues that `by` is working on the request. Takes it over from anyone else."""
    _set_assignee(request_id, by, by)


def unassign(*, request_id: int, by: User) -> None:
    """Remove the assignment from its holder, who need not be the caller. Raises AlreadyDecided."""
    _set_assignee(request_id, by, None)


def _set_assignee(request_id: int, by: User, assignee: User | None) -> None:
    still_open = ApprovalRequest.objects.filter(pk=request_id, closed_at__isnull=True)
    with transaction.atomic():
        if not still_open.update(claimed_by=assignee, claimed_at=Now() if assignee else None):
            raise AlreadyDecided(load_request(request_id))
        verb = "request.claimed" if assignee else "request.released"
        events.record_event(actor=by.get_username(), verb=verb, object_type="request", object_id=request_id)
