"""Writing the audit's events: who did what to which object. Reading them is `queries`."""

from typing import Any

from django.conf import settings

from approvals.models import AuditEvent, Notification

AGENT = "agent"
SYSTEM = "system"
# What people are told of by e-mail, wherever they are: money or trust is at risk until somebody looks.
TOLD_BY_EMAIL = (
    "finding.opened",
    "comparison.missing",
    "provider.paused",
    "action.contradicted",
    "action.key_mismatch",
    "effects.stopped",
    "dial.lowered",
    "breaker.opened",
)


def record(
    *,
    actor: str,
    verb: str,
    object_type: str,
    object_id: object,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Call it in the transaction of the change that it tells of."""
    event = AuditEvent.objects.create(
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        before=before or {},
        after=after or {},
    )
    if verb in TOLD_BY_EMAIL and settings.ALERT_EMAILS:
        Notification.objects.create(event=event)
