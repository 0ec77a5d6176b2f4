"""Write audit events: who did what to which object. `approvals.web.queries.events` reads them."""

from typing import Any

from django.conf import settings

from approvals.models import AuditEvent, Notification

AGENT = "agent"
SYSTEM = "system"
# These events are sent by e-mail at once, because money or trust is at risk until a person looks.
EMAILED_VERBS = (
    "finding.opened",
    "comparison.missing",
    "provider.paused",
    "action.contradicted",
    "action.key_mismatch",
    "effects.stopped",
    "dial.lowered",
    "breaker.opened",
    "work.kept_failing",
)


def record_event(
    *,
    actor: str,
    verb: str,
    object_type: str,
    object_id: object,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an audit event, and queue an e-mail if its verb is one of EMAILED_VERBS. Call it in the transaction of the
    change that it describes."""
    event = AuditEvent.objects.create(
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        before=before or {},
        after=after or {},
    )
    if verb in EMAILED_VERBS and settings.ALERT_EMAILS:
        Notification.objects.create(event=event)
