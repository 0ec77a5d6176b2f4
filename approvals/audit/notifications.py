"""E-mails to the people in charge about what cannot wait until somebody opens a page: sent by the sweep, until the
mail server has taken them. One whose answer was lost is sent again: told twice is better than not at all."""

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.db.models.functions import Now

from agentops.lib import redact
from approvals.models import AuditEvent, Notification

log = logging.getLogger(__name__)
# While one worker is at it, and between tries.
AGAIN = timedelta(minutes=2)
SUBJECTS = {
    "finding.opened": "Refunds don't match the provider's records",
    "comparison.missing": "No reconciliation for hours",
    "provider.paused": "A provider rejects our credentials",
    # Told by its finding now; some may have been waiting for the mail server.
    "action.failed_afterwards": "A successful refund failed later",
    "action.contradicted": "A provider reports an action we recorded as not done",
    "action.key_mismatch": "Idempotency key reused with a different request",
    "effects.stopped": "Actions are stopped",
    "dial.lowered": "Autonomy dial lowered automatically",
    "breaker.opened": "A model keeps failing and is skipped",
}
PAGES = {
    "finding": "/findings/",
    "comparison": "/findings/",
    "provider": "/queue/",
    "action": "/actions/{}/",
    "stop": "/policy/stop/",
    "policy": "/policy/autonomy/",
    "breaker": "/policy/models/",
}


def due(limit: int) -> list[int]:
    waiting = Notification.objects.filter(sent_at__isnull=True, not_before__lte=Now())
    return list(waiting.order_by("not_before").values_list("pk", flat=True)[:limit])


def send_notification(notification_id: int) -> bool:
    """Sends it, if it is due and nobody else is at it; whether it was sent."""
    mine = Notification.objects.filter(pk=notification_id, sent_at__isnull=True, not_before__lte=Now())
    if not mine.update(not_before=Now() + AGAIN, attempts=F("attempts") + 1):
        return False
    taken = Notification.objects.select_related("event").get(pk=notification_id)
    try:
        build_email(taken.event).send()
    except (smtplib.SMTPException, OSError) as error:
        told = redact.text(f"{type(error).__name__}: {error}")[:300]
        log.warning("%s was not sent and will be tried again: %s", taken, told)
        Notification.objects.filter(pk=notification_id).update(error=told)
        return False
    Notification.objects.filter(pk=notification_id).update(sent_at=Now(), error="")
    return True


def build_email(event: AuditEvent) -> EmailMessage:
    # Lists of figures are for programs; what they come to is said in words beside them.
    told = "\n".join(f"{name}: {value}" for name, value in event.after.items() if not isinstance(value, (dict, list)))
    page = settings.PUBLIC_URL + PAGES[event.object_type].format(event.object_id)
    return EmailMessage(
        subject=f"AgentOps: {SUBJECTS[event.verb]}",
        body=f"{event.object_type} {event.object_id}, {event.at:%Y-%m-%d %H:%M:%S} UTC\n{told}\n\n{page}\n",
        to=settings.ALERT_EMAILS,
    )
