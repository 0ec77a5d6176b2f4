"""Urgent events are sent by e-mail, and retried until the mail server accepts them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db.models.functions import Now
from pytest_django import Settings

from approvals.audit import events, notifications
from approvals.effects import pauses, stops
from approvals.models import Notification
from approvals.policy import lowering, versions
from approvals.policy.dial import Dial, Lowering
from approvals.policy.rules import Rules
from tests.integration.history_rows import an_action, asked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def addressed(settings: Settings) -> None:
    settings.ALERT_EMAILS = ["oncall@shop.example"]
    settings.PUBLIC_URL = "https://agentops.shop.example"


def finding_opened() -> Notification:
    events.record_event(
        actor=events.SYSTEM,
        verb="finding.opened",
        object_type="finding",
        object_id=7,
        after={"kind": "theirs_alone", "reference": "re_1"},
    )
    return Notification.objects.get()


def test_a_finding_is_notified_once() -> None:
    notice = finding_opened()
    assert notifications.due(10) == [notice.pk]
    assert notifications.send_notification(notice.pk)
    assert not notifications.send_notification(notice.pk)
    assert notifications.due(10) == []
    [letter] = mail.outbox
    assert letter.to == ["oncall@shop.example"]
    assert letter.subject == "AgentOps: Refunds don't match the provider's records"
    assert "Reference: re_1" in letter.body
    assert "https://agentops.shop.example/findings/" in letter.body


def test_refused_credentials_are_notified() -> None:
    pauses.pause_provider("payments", "no such key")
    pauses.pause_provider("payments", "no such key")
    assert notifications.send_notification(Notification.objects.get().pk)
    assert "no such key" in mail.outbox[0].body


def test_a_stop_is_notified_with_its_reason() -> None:
    by = User.objects.create(username="the-admin")
    stops.stop_kind(kind=stops.ALL, reason="The gateway pays twice.", by=by)
    assert notifications.send_notification(Notification.objects.get().pk)
    [letter] = mail.outbox
    assert letter.subject == "AgentOps: Actions are stopped"
    assert "Kind: all\nReason: The gateway pays twice." in letter.body
    assert letter.body.endswith("https://agentops.shop.example/policy/stop/\n")


def test_an_automatic_lowering_is_notified_in_words() -> None:
    watched = Lowering(rejected_percent=25, at_least=4, step=30, floor=20)
    versions.save_policy(rules=Rules(autonomy=Dial(percent=1)), by=None, note="before")
    versions.save_policy(rules=Rules(autonomy=Dial(percent=100), lowering=watched), by=None, note="test")
    for verdict in ("approve", "approve", "approve", "reject"):
        asked(an_action(run_id=1, status="approved"), verdict, after=timedelta())
    [version] = lowering.due()
    assert lowering.lower_dial(version)
    assert notifications.send_notification(Notification.objects.get().pk)
    [letter] = mail.outbox
    assert letter.subject == "AgentOps: Autonomy dial lowered automatically"
    assert "Percent: 70\n" in letter.body
    assert "Why: 1 of 4 decisions were rejections (25%, limit 25%)\n" in letter.body
    assert "{" not in letter.body, "no raw figures in the mail"
    assert letter.body.endswith("https://agentops.shop.example/policy/autonomy/\n")


def test_other_events_send_no_alert() -> None:
    events.record_event(actor="lead", verb="ticket.closed", object_type="ticket", object_id="T1")
    assert not Notification.objects.exists()


def test_without_recipients_no_notification_is_stored(settings: Settings) -> None:
    settings.ALERT_EMAILS = []
    events.record_event(actor=events.SYSTEM, verb="finding.opened", object_type="finding", object_id=7)
    assert not Notification.objects.exists()


def test_every_notified_event_has_a_text_and_a_page() -> None:
    assert set(notifications.SUBJECTS) >= set(Notification.VERBS)


def test_an_unavailable_mail_server_is_retried_later(settings: Settings) -> None:
    nowhere = {"host": "127.0.0.1", "port": 1, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nowhere}}
    notice = finding_opened()
    assert not notifications.send_notification(notice.pk)
    notice.refresh_from_db()
    assert (notice.sent_at, notice.attempts) == (None, 1)
    assert "ConnectionRefusedError" in notice.error
    assert notifications.due(10) == []
    Notification.objects.update(not_before=Now())
    assert notifications.due(10) == [notice.pk]
