"""E-mail alerts to ALERT_EMAILS about events that can't wait until someone opens a page.

The sweep sends each one until the mail server accepts it. If the server's answer is lost, the alert is sent again: two
copies are better than none.
"""

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.db.models.functions import Now

from agentops.lib import calls, redact
from approvals.models import AuditEvent, Deferral, Notification

log = logging.getLogger(__name__)
LINE = "alerts"  # of the sweep
# The lease of the worker that is sending, and the pause between tries.
RETRY_AFTER = timedelta(minutes=2)
SUBJECTS = {
    "finding.opened": "Refunds don't match the provider's records",
    "comparison.missing": "No reconciliation for hours",
    "provider.paused": "A provider rejects our credentials",
    # Its finding sends the alert now. Alerts queued by an older release may still be waiting for the mail server.
    "action.failed_afterwards": "A successful refund failed later",
    "action.contradicted": "A provider reports an action we recorded as not done",
    "action.key_mismatch": "Idempotency key reused with a different request",
    "effects.stopped": "Actions are stopped",
    "dial.lowered": "Autonomy dial lowered automatically",
    "work.kept_failing": "Background work keeps failing",
    "breaker.opened": "A model keeps failing and is skipped",
}
PAGES = {
    "finding": "/findings/",
    "comparison": "/findings/",
    "provider": "/queue/",
    "action": "/actions/{}/",
    "stop": "/policy/stop/",
    "policy": "/policy/autonomy/",
    "work": "/needs-a-person/",
    "breaker": "/policy/models/",
}


def due(limit: int) -> list[int]:
    """Return the ids of alerts to send now, the longest due first."""
    waiting = Notification.objects.filter(sent_at__isnull=True, not_before__lte=Now()).exclude(Deferral.holds(LINE))
    return list(waiting.order_by("not_before").values_list("pk", flat=True)[:limit])


def send_notification(notification_id: int) -> bool:
    """Send the alert if it is due and no other worker is sending it. Returns whether it was sent."""
    due_now = Notification.objects.filter(pk=notification_id, sent_at__isnull=True, not_before__lte=Now())
    # The update takes the lease: of several workers, only the one whose WHERE still matches sends the alert.
    if not due_now.update(not_before=Now() + RETRY_AFTER, attempts=F("attempts") + 1):
        return False
    notification = Notification.objects.select_related("event").get(pk=notification_id)
    try:
        email = build_email(notification.event)
        with calls.under_way(RETRY_AFTER.total_seconds()):
            email.send()
    except (smtplib.SMTPException, OSError) as error:
        reason = redact.text(f"{type(error).__name__}: {error}")[:300]
        log.warning("%s was not sent and will be retried: %s", notification, reason)
        Notification.objects.filter(pk=notification_id).update(error=reason)
        return False
    Notification.objects.filter(pk=notification_id).update(sent_at=Now(), error="")
    return True


def build_email(event: AuditEvent) -> EmailMessage:
    # Nested values are for programs; the fields beside them say the same in words.
    details = "\n".join(
        f"{_words(name)}: {value}" for name, value in event.after.items() if not isinstance(value, (dict, list))
    )
    page = settings.PUBLIC_URL + PAGES[event.object_type].format(event.object_id)
    return EmailMessage(
        subject=f"AgentOps: {SUBJECTS[event.verb]}",
        body=f"{_words(event.object_type)} {event.object_id}, {event.at:%Y-%m-%d %H:%M:%S} UTC\n{details}\n\n{page}\n",
        to=settings.ALERT_EMAILS,
    )


def _words(name: str) -> str:
    """provider_reference -> Provider reference."""
    return name.replace("_", " ").capitalize()
