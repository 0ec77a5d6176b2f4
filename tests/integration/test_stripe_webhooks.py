"""Stripe's webhooks: signed, processed once, in any order; states only move forward."""

import itertools
import json
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import stripe
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from approvals import states
from approvals.audit import notifications
from approvals.effects import execution, lookup, reservations, resolution
from approvals.models import Action, AuditEvent, Finding, Notification, ProviderEvent
from approvals.reconciliation.webhooks import TOLERANCE_SECONDS
from tests.scripted import CUT, Say, Script
from tests.world import World, at_once, propose_refund
from tickets.models import Ticket

SECRET = "whsec_b25seS1mb3ItdGhlc2UtdGVzdHM"
numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def secret(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = SECRET


def event(action: Action, status: str, *, kind: str = "refund.updated", **changes: Any) -> dict[str, Any]:
    refund = {
        "id": f"re_{action.pk}",
        "object": "refund",
        "amount": action.amount,
        "currency": action.currency.lower(),
        "created": 1_767_225_600,
        "metadata": {"reference": action.idempotency_key, "order_id": action.order_id},
        "status": status,
        **({"failure_reason": "expired_or_canceled_card"} if status == "failed" else {}),
        **changes,
    }
    return {
        "id": f"evt_{next(numbers)}",
        "object": "event",
        "type": kind,
        "created": 1_767_225_700,
        "data": {"object": refund},
    }


def deliver(sent_event: Any, *, at: int | None = None, secret: str = SECRET, **headers: str) -> HttpResponse:
    body = sent_event if isinstance(sent_event, str) else json.dumps(sent_event)
    signature = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    given = {"Stripe-Signature": signature, **headers}
    client = Client(enforce_csrf_checks=True)
    return client.post("/webhooks/stripe", body, content_type="application/json", headers=given)


def outcome(answer: HttpResponse) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)["outcome"]


def code(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["error"]["code"]


def sent(world: World, payments: Script, status: str = "pending") -> Action:
    """Return a refund that the provider accepted and whose status it reported."""
    action = propose_refund(world.order(), 2_000)
    body = {**json.loads(action.request), "refund_id": f"re_{action.pk}", "status": status}
    payments.will_say(Say(body, 201))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    return Action.objects.get(pk=action.pk)


def verbs(action: Action) -> list[str]:
    return list(AuditEvent.objects.filter(object_type="action", object_id=action.pk).values_list("verb", flat=True))


# --- the signature --------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [-TOLERANCE_SECONDS - 5, TOLERANCE_SECONDS + 5])
def test_a_signature_of_another_time_is_refused(world: World, payments: Script, late: int) -> None:
    action = sent(world, payments)
    assert code(deliver(event(action, "succeeded"), at=int(time.time()) + late)) == (401, "bad_signature")
    assert Action.objects.get(pk=action.pk).result == action.result


@pytest.mark.parametrize("late", [-TOLERANCE_SECONDS + 60, TOLERANCE_SECONDS - 60])
def test_small_clock_differences_are_accepted(world: World, payments: Script, late: int) -> None:
    action = sent(world, payments)
    assert outcome(deliver(event(action, "succeeded"), at=int(time.time()) + late)) == "applied"


@pytest.mark.parametrize("signature", ["", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=1,v1=Ü", "t=,v1="])
def test_an_unsigned_event_is_refused(world: World, signature: str) -> None:
    sent_event = event(propose_refund(world.order(), 2_000), "succeeded")
    assert code(deliver(sent_event, **{"Stripe-Signature": signature})) == (401, "bad_signature")
    assert not ProviderEvent.objects.filter(event_id=sent_event["id"]).exists()


def test_a_signature_with_another_secret_or_body_is_refused(world: World, settings: Settings) -> None:
    sent_event = event(propose_refund(world.order(), 2_000), "succeeded")
    assert code(deliver(sent_event, secret="whsec_another")) == (401, "bad_signature")
    signature = stripe.WebhookSignature.generate_signature_header(json.dumps(sent_event), SECRET)
    body = json.dumps(sent_event, indent=1)  # the same event in different bytes
    assert code(deliver(body, **{"Stripe-Signature": signature})) == (401, "bad_signature")
    settings.STRIPE_WEBHOOK_SECRET = ""
    assert code(deliver(sent_event)) == (401, "no_secret")


@pytest.mark.parametrize(
    "body",
    ["", "[]", "5", "{", json.dumps({"type": "refund.updated"}),
     json.dumps({"id": "evt_x", "type": "refund.updated", "created": 1, "data": {"object": {"object": "charge"}}}),
     json.dumps({"id": "evt_x", "type": "refund.updated", "created": 10**30, "data": {"object": {
         "id": "re_x", "object": "refund", "amount": 1, "currency": "usd", "created": 1, "status": "failed",
         "metadata": {"reference": "1:refund:1"}}}}),
     *(json.dumps({"id": "evt_x", "type": "refund.updated", "created": 1, "data": {"object": {
         "id": "re_x", "object": "refund", "amount": 1, "currency": "usd", "created": 1, "status": "failed",
         "metadata": {"reference": "1:refund:1"}, **odd}}, **about})
       for odd, about in (({"metadata": {"reference": "1:refund\x00"}}, {}), ({"id": "re_\x00"}, {}),
                          ({"metadata": {"reference": "1:refund\ud800"}}, {}), ({"failure_reason": "\x00"}, {}),
                          ({}, {"id": "evt_\x00"})))],
)  # fmt: skip  # a table
def test_a_signed_body_that_is_not_an_event_is_refused(world: World, body: str) -> None:
    assert code(deliver(body)) == (400, "invalid_event")


@pytest.mark.parametrize(("reference", "answered"), [("", 200), ("ours:refund:1", 400)])
def test_an_unreadable_event_is_refused_only_if_possibly_ours(
    world: World, payments: Script, reference: str, answered: int
) -> None:
    sent_event = event(sent(world, payments), "a-status-of-next-year")
    sent_event["data"]["object"]["metadata"] = {"reference": reference} if reference else {}
    assert deliver(sent_event).status_code == answered


def test_only_post_is_accepted(world: World) -> None:
    assert Client().get("/webhooks/stripe").status_code == 405


def test_other_event_types_are_ignored(world: World, payments: Script) -> None:
    sent_event = event(sent(world, payments), "failed", kind="charge.refunded")
    assert outcome(deliver(sent_event)) is None
    assert not ProviderEvent.objects.filter(event_id=sent_event["id"]).exists()


# --- consequences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["refund.updated", "charge.refund.updated"])
def test_an_event_completes_a_refund_in_progress(world: World, payments: Script, kind: str) -> None:
    action = sent(world, payments)
    assert outcome(deliver(event(action, "succeeded", kind=kind))) == "applied"
    action.refresh_from_db()
    assert action.result is not None
    assert (action.status, action.result["status"]) == (states.SUCCEEDED, "succeeded")
    assert verbs(action)[0] == "action.arrived"
    assert ProviderEvent.objects.get(action=action).outcome == "applied"


@pytest.mark.parametrize(
    ("before", "status"), [("pending", "failed"), ("succeeded", "failed"), ("pending", "canceled")]
)
def test_a_late_failure_goes_to_a_person(world: World, payments: Script, before: str, status: str) -> None:
    action = sent(world, payments, before)
    assert outcome(deliver(event(action, status, kind="refund.failed"))) == "applied"
    action.refresh_from_db()
    assert (action.status, action.error_code) == (states.FAILED, "provider_failed")
    assert action.result is not None
    assert action.result["status"] == "failed"
    assert verbs(action)[0] == "action.failed_afterwards"
    ticket = Ticket.objects.get(pk=action.ticket_id)
    assert ticket.status == Ticket.Status.NEEDS_PERSON
    assert action.idempotency_key in ticket.reason
    assert ("expired_or_canceled_card" if status == "failed" else "canceled") in ticket.reason
    finding = Finding.objects.get(action=action)
    assert (finding.kind, finding.ours["status"], finding.closed_at) == ("failed_afterwards", "succeeded", None)
    assert (finding.theirs["amount"], finding.theirs["provider_status"]) == (action.amount, status)


def test_a_late_failure_frees_the_reserved_money(world: World, payments: Script) -> None:
    action = sent(world, payments, "succeeded")
    ticket = Ticket.objects.select_related("customer").get(pk=action.ticket_id)

    def left() -> int:
        return reservations.funds_left(resolution.read_order(ticket, action.order_id)).whole

    assert left() == 8_000
    deliver(event(action, "failed"))
    assert left() == 10_000


def test_a_repeated_event_counts_once(world: World, payments: Script) -> None:
    action = sent(world, payments)
    sent_event = event(action, "succeeded")
    assert [outcome(deliver(sent_event)), outcome(deliver(sent_event))] == ["applied", None]
    assert verbs(action).count("action.arrived") == 1


def test_concurrent_deliveries_count_once(world: World, payments: Script) -> None:
    action = sent(world, payments, "succeeded")
    sent_event = event(action, "failed")
    answers = at_once(*[lambda: deliver(sent_event)] * 6)
    assert sorted(str(outcome(answer)) for answer in answers) == ["None"] * 5 + ["applied"]
    assert verbs(action).count("action.failed_afterwards") == 1
    assert Finding.objects.filter(action=action).count() == 1


def test_two_concurrent_events_about_one_failure_count_once(world: World, payments: Script) -> None:
    """Stripe sends `refund.failed` and `charge.refund.updated` at the same time."""
    action = sent(world, payments, "succeeded")
    sent_event = [event(action, "failed", kind=kind) for kind in ("refund.failed", "charge.refund.updated")] * 3
    answers = at_once(
        *[partial(deliver, {**one, "id": f"{one['id']}_{place}"}) for place, one in enumerate(sent_event)]
    )
    assert sorted(outcome(answer) for answer in answers) == ["applied"] + ["nothing_new"] * 5


def test_a_completed_refund_completes_once(world: World, payments: Script) -> None:
    action = sent(world, payments)
    both = [event(action, "succeeded", kind=kind) for kind in ("refund.updated", "charge.refund.updated")]
    assert [outcome(deliver(one)) for one in both] == ["applied", "nothing_new"]
    assert verbs(action).count("action.arrived") == 1


def test_events_out_of_order_never_move_a_state_back(world: World, payments: Script) -> None:
    action = sent(world, payments)
    assert outcome(deliver(event(action, "failed"))) == "applied"
    for late in ("succeeded", "pending", "requires_action"):
        assert outcome(deliver(event(action, late))) == "nothing_new"
    assert Action.objects.get(pk=action.pk).status == states.FAILED

    other = sent(world, payments)
    assert outcome(deliver(event(other, "succeeded"))) == "applied"
    assert outcome(deliver(event(other, "pending"))) == "nothing_new"
    other.refresh_from_db()
    assert other.result is not None
    assert other.result["status"] == "succeeded"


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_an_event_before_our_own_answer_is_redelivered(world: World, payments: Script, status: str) -> None:
    action = propose_refund(world.order(), 2_000)
    assert execution._claim(action.pk) is not None
    sent_event = event(action, status)
    assert code(deliver(sent_event)) == (425, "too_early")
    assert not ProviderEvent.objects.filter(event_id=sent_event["id"]).exists()
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    body = {**json.loads(action.request), "refund_id": f"re_{action.pk}", "status": "pending"}
    payments.will_say(Say(body, 201))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert outcome(deliver(sent_event)) == "applied"


def test_an_event_about_an_unknown_outcome_triggers_a_look_up(
    world: World, payments: Script, settings: Settings
) -> None:
    action = propose_refund(world.order(), 2_000)
    settings.PAYMENTS_IDEMPOTENT = False
    settings.RETRY_BASE_SECONDS = 0.0
    none = Say({"refunds": [], "next_cursor": None})
    payments.will_say(none, CUT, none, none)
    execution.execute(action.pk)
    assert execution.execute(action.pk).status == states.UNRESOLVED
    lookup.settle_by_lookup(action.pk)
    assert action.pk not in lookup.due(1000)
    assert outcome(deliver(event(action, "succeeded"))) == "applied"
    assert action.pk in lookup.due(1000)


def test_an_event_about_another_refund_is_stored_and_ignored(world: World, payments: Script) -> None:
    action = sent(world, payments)
    sent_event = event(action, "failed", metadata={})
    assert outcome(deliver(sent_event)) == "not_ours"
    assert ProviderEvent.objects.get(event_id=sent_event["id"]).action is None
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED


def test_money_that_moves_after_we_gave_up_is_reported(
    world: World, payments: Script, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.ALERT_EMAILS = ["oncall@shop.example"]
    action = propose_refund(world.order(), 2_000)
    payments.will_say(Say({"error": {"code": "not_refundable", "message": "No."}}, 422))
    assert execution.execute(action.pk).status == states.FAILED
    assert outcome(deliver(event(action, "failed"))) == "nothing_new"
    assert outcome(deliver(event(action, "succeeded"))) == "contradicted"
    assert outcome(deliver(event(action, "succeeded", kind="charge.refund.updated"))) == "nothing_new"
    assert verbs(action).count("action.contradicted") == 1
    assert f"re_{action.pk}" in Ticket.objects.get(pk=action.ticket_id).reason
    assert action.idempotency_key in caplog.text
    letter = notifications.build_email(Notification.objects.get(event__object_id=str(action.pk)).event)
    assert letter.subject == "AgentOps: A provider reports an action we recorded as not done"
    assert f"re_{action.pk}" in letter.body
    assert f"/actions/{action.pk}/" in letter.body


def test_a_second_refund_under_our_reference_is_reported(world: World, payments: Script) -> None:
    action = sent(world, payments, "succeeded")
    assert outcome(deliver(event(action, "succeeded", id="re_another"))) == "contradicted"
    assert outcome(deliver(event(action, "failed", id="re_another"))) == "nothing_new"
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED
