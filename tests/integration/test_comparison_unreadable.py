"""Unreadable rows and a provider that is briefly unavailable do not prevent the comparison of other refunds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from approvals import states
from approvals.models import Action, AuditEvent, Comparison, Finding, Notification
from approvals.models.books import LOOK_BACK
from approvals.providers.payments import listing
from approvals.providers.receipt import UNREADABLE
from approvals.reconciliation import comparison, findings
from tests.integration.books import on_its_way, page, succeeded, theirs
from tests.integration.history_rows import signed_in
from tests.screen import markup
from tests.scripted import CUT, Say, Script, scripted
from tests.world import World

AWAY = Say({"error": {"code": "unavailable", "message": "In a moment."}}, 503)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def since(world: World, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[datetime]:
    """The period of this test in both records, up to its very end."""
    settings.RETRY_BASE_SECONDS = 0.0
    monkeypatch.setattr(comparison, "RECENT", timedelta(0))
    Finding.objects.filter(closed_at__isnull=True).update(closed_at=Now())
    yield timezone.now()
    Finding.objects.filter(closed_at__isnull=True).update(closed_at=Now())
    Action.objects.filter(status=states.SUCCEEDED, result__status="pending").update(result={"status": "succeeded"})


def kinds(made: Comparison) -> dict[str, str]:
    """Return the kinds of open findings by reference, after a complete comparison."""
    assert made.error == ""
    return dict(Finding.objects.filter(closed_at__isnull=True).values_list("reference", "kind"))


def odd(refund_id: Any = "re_odd", **changes: Any) -> dict[str, Any]:
    """Return a row without an amount."""
    made = {"payment_id": "p", "order_id": "o", "currency": "USD", "reference": "", "status": "succeeded"}
    return {**made, "refund_id": refund_id, **changes}


def alone(refund_id: str, since: datetime) -> dict[str, Any]:
    return odd(refund_id, amount=900, created_at=(since + timedelta(milliseconds=1)).isoformat())


# --- unreadable rows ------------------------------------------------------------------------------------


def test_an_unreadable_refund_is_a_finding_and_others_are_compared(
    world: World, payments: Script, since: datetime
) -> None:
    payments.will_say(page(odd(), alone("re_theirs", since)))
    assert kinds(comparison.compare_records(since=since)) == {"re_odd": "unreadable", "re_theirs": "theirs_alone"}
    finding = Finding.objects.get(reference="re_odd", closed_at=None)
    assert "amount" in finding.theirs["why"]
    assert AuditEvent.objects.filter(verb="finding.opened", object_id=str(finding.pk)).count() == 1
    shown = markup(signed_in().get(reverse("findings")))
    assert "Unreadable" in shown
    assert "can't be compared with ours: " in shown
    assert "Unknown" in shown


@pytest.mark.parametrize("nameless", [odd(None), odd(7), odd("x" * 300), ["no", "object"], "text", None])
def test_an_unreadable_row_without_an_id_is_found_once(
    world: World, payments: Script, since: datetime, nameless: Any
) -> None:
    payments.will_say(*[page(nameless)] * 2)
    first = kinds(comparison.compare_records(since=since))
    assert list(first.values()) == ["unreadable"]
    assert kinds(comparison.compare_records(since=since)) == first


def test_it_is_closed_once_the_row_is_readable(world: World, payments: Script, since: datetime) -> None:
    payments.will_say(page(odd()), page(alone("re_odd", since)))
    comparison.compare_records(since=since)
    made = comparison.compare_records(since=since)
    assert (made.closed, kinds(made)) == (1, {"re_odd": "theirs_alone"})


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_the_database_cannot_store_is_rejected(
    world: World, payments: Script, since: datetime, moment: str
) -> None:
    payments.will_say(page(odd("re_odd", amount=900, created_at=moment)))
    assert kinds(comparison.compare_records(since=since)) == {"re_odd": "unreadable"}
    assert signed_in().get(reverse("findings")).status_code == 200


def test_a_time_without_a_timezone_is_utc(world: World, payments: Script, since: datetime) -> None:
    moment = (since + timedelta(milliseconds=1)).astimezone(UTC)
    payments.will_say(page(odd("re_theirs", amount=900, created_at=moment.replace(tzinfo=None).isoformat())))
    assert kinds(comparison.compare_records(since=since)) == {"re_theirs": "theirs_alone"}
    assert Finding.objects.get(reference="re_theirs", closed_at=None).happened_at == moment


def test_unreadable_rows_keep_other_findings_open(world: World, payments: Script, since: datetime) -> None:
    payments.will_say(page(alone("re_theirs", since)), page(odd()), page())
    comparison.compare_records(since=since)
    assert kinds(comparison.compare_records(since=since)) == {"re_odd": "unreadable", "re_theirs": "theirs_alone"}
    assert kinds(comparison.compare_records(since=since)) == {"re_odd": "unreadable"}, (
        "missing at the provider, it is a finding"
    )


def test_closing_the_unreadable_finding_lets_others_close_automatically(
    world: World, payments: Script, since: datetime, lead: User
) -> None:
    payments.will_say(page(alone("re_theirs", since), odd()), page(odd()))
    comparison.compare_records(since=since)
    unread = Finding.objects.get(reference="re_odd", closed_at=None)
    findings.close_finding(finding_id=unread.pk, by=lead, note="Theirs, from a test.")
    assert kinds(comparison.compare_records(since=since)) == {}


def test_an_unreadable_page_fails_the_comparison(world: World, payments: Script, since: datetime) -> None:
    payments.will_say(page(*(odd(f"re_{number}") for number in range(21))))
    assert comparison.compare_records(since=since).error == "More than 20 refunds are unreadable."


def test_an_unreadable_look_up_does_not_block_the_others(world: World, payments: Script, since: datetime) -> None:
    unread, alright = (on_its_way(payments, world.order(), days=days) for days in (9, 5))
    garbled = theirs(unread, "pending") | {"amount": "much"}
    payments.will_say(page(), *[page(garbled)] * 5, page(theirs(alright)))
    assert kinds(comparison.compare_records(since=since)) == {unread.idempotency_key: "unreadable"}
    finding = Finding.objects.get(action=unread, closed_at=None)
    assert finding.ours["amount"] == unread.amount
    assert "amount" in finding.theirs["why"]
    alright.refresh_from_db()
    assert (alright.result or {})["status"] == "succeeded"
    payments.will_say(page(theirs(unread)))
    assert kinds(comparison.compare_records(since=since)) == {}, "it is on the page"


def test_a_refused_look_up_does_not_block_the_others(world: World, payments: Script, since: datetime) -> None:
    refused, alright = (on_its_way(payments, world.order(), days=days) for days in (9, 5))
    missing = Say({"error": {"code": "resource_missing", "message": "No such payment."}}, 404)
    payments.will_say(page(), missing, page(theirs(alright)))
    assert kinds(comparison.compare_records(since=since)) == {refused.idempotency_key: "unreadable"}
    assert "No such payment." in Finding.objects.get(action=refused, closed_at=None).theirs["why"]
    alright.refresh_from_db()
    assert (alright.result or {})["status"] == "succeeded"


@pytest.mark.parametrize(
    ("changes", "kind"), [({"amount": 1_500}, "amounts_differ"), ({"payment_id": "another"}, "unreadable")]
)
def test_a_look_up_that_returns_another_refund_settles_nothing(
    world: World, payments: Script, since: datetime, changes: dict[str, Any], kind: str
) -> None:
    action = on_its_way(payments, world.order(), days=9)
    payments.will_say(page(), *[page(theirs(action, **changes))] * 5)
    assert kinds(comparison.compare_records(since=since)) == {action.idempotency_key: kind}
    finding = Finding.objects.get(action=action, closed_at=None)
    differs = finding.theirs if kind == "amounts_differ" else {"amount": "payment_id" in finding.theirs["why"]}
    assert differs["amount"] == changes.get("amount", True)


def test_an_unreadable_stripe_refund_does_not_affect_others(live_database: str) -> None:
    good = {
        "id": "re_1",
        "object": "refund",
        "amount": 500,
        "currency": "usd",
        "status": "succeeded",
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "created": 1_767_225_600,
        "metadata": {"reference": "t1:refund:1", "order_id": "#W1"},
    }
    rows = [{**good, "id": "re_0", "amount": None}, good]
    stripe = {"PAYMENTS_BACKEND": "stripe", "STRIPE_API_KEY": "sk_test_123", "RETRY_BASE_SECONDS": 0.0}
    listed = Say({"object": "list", "data": rows, "has_more": False, "url": "/v1/refunds"})
    with scripted(AWAY, listed) as server, override_settings(STRIPE_API_BASE=server.url, **stripe):
        found = list(listing.refunds_since(datetime(2026, 1, 1, tzinfo=UTC)))
    assert [(each.reference, each.status) for each in found] == [("re_0", UNREADABLE), ("re_1", "succeeded")]


# --- an unavailable provider ----------------------------------------------------------------------------


def test_a_briefly_unavailable_provider_is_asked_again(world: World, payments: Script, since: datetime) -> None:
    action = succeeded(world.order())
    asked = {**action.params, "reference": action.idempotency_key}
    first = page(alone("re_theirs", since), cursor="2")
    payments.will_say(AWAY, CUT, first, AWAY, page(), AWAY, page({**asked, "refund_id": "re_x", "status": "pending"}))
    assert kinds(comparison.compare_records(since=since)) == {"re_theirs": "theirs_alone"}
    assert [request.path.endswith("cursor=2") for request in payments.asked[:5]] == [False, False, False, True, True]


@pytest.mark.parametrize(
    "answer",
    [Say({"error": {"code": "forbidden", "message": "No."}}, 403), Say(AWAY.body, 503, {"Retry-After": "61"})],
)
def test_terminal_failures_and_long_waits_are_not_retried(
    world: World, payments: Script, since: datetime, answer: Say
) -> None:
    payments.will_say(answer)
    assert comparison.compare_records(since=since).error in ("No.", "In a moment.")


def test_people_are_notified_once_after_hours_without_comparison(
    world: World, since: datetime, settings: Settings
) -> None:
    Comparison.objects.all().delete()
    Notification.objects.all().delete()
    settings.ALERT_EMAILS, settings.PAYMENTS_URL = ["oncall@shop.example"], NOWHERE
    notified, shown, last = [], [], 0
    for _ in range(5):
        comparison.compare_records(since=timezone.now() - 2 * LOOK_BACK)  # made by a person, which does not count here
        made = comparison.run_periodic_comparison(last)
        assert made is not None
        last = made.pk
        notified.append(Notification.objects.filter(event__verb="comparison.missing").count())
        shown.append("No comparison for hours" in markup(signed_in().get("/")))
    assert notified == [0, 0, 0, 1, 1]
    assert shown == [False, False, False, True, True]
    event = AuditEvent.objects.get(verb="comparison.missing")
    assert "Couldn't connect" in event.after["why"]
