"""Write audit events: who did what to which object. `approvals.web.queries.events` reads them."""

from typing import Any

from django.conf import settings

from approvals.models import Action, AuditEvent, Notification

AGENT = "agent"
SYSTEM = "system"
type Values = dict[str, Any] | None


def record_event(
    *, actor: str, verb: str, object_type: str, object_id: object, before: Values = None, after: Values = None
) -> None:
    """Write an audit event, and queue an e-mail if its verb is one of Notification.VERBS. Call it in the transaction of
    the change that it describes."""
    about = {"object_type": object_type, "object_id": str(object_id), "before": before or {}, "after": after or {}}
    event = AuditEvent.objects.create(actor=actor, verb=verb, **about)
    if verb in Notification.VERBS and settings.ALERT_EMAILS:
        Notification.objects.create(event=event)


def record_action_event(
    action: Action, verb: str, *, actor: str = SYSTEM, before: Values = None, after: Values = None
) -> None:
    """Write an event about an action. `after` always names its key."""
    after = {"key": action.idempotency_key, **(after or {})}
    record_event(actor=actor, verb=verb, object_type="action", object_id=action.pk, before=before, after=after)
