"""The Stripe adapter: what it sends, and what each answer means (docs/design.md, 8)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_django import Settings

from agentops.lib.errors import (
    EffectUnknown,
    IdempotencyMismatch,
    ProviderError,
    ReplayedFailure,
    Terminal,
    Transient,
    Unauthorized,
)
from approvals.providers import payments
from approvals.providers.payments import listing
from approvals.providers.payments.stripe_refund import to_ours, to_stripe
from tests.scripted import CUT, Say, Script, scripted

KEY = "t1:refund:1"
WANTED = {
    "order_id": "#W1",
    "payment_id": "pi_1",
    "amount": 2_000,
    "currency": "USD",
    "reason": "It is broken.",
    "reference": KEY,
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 2_000,
    "currency": "usd",
    "created": 1_767_225_600,
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "metadata": {"reference": KEY, "order_id": "#W1"},
    "status": "succeeded",
}


@pytest.fixture
def stripe(settings: Settings) -> Iterator[Script]:
    with scripted() as script:
        settings.PAYMENTS_BACKEND = "stripe"
        settings.STRIPE_API_KEY = "sk_test_0123456789"
        settings.STRIPE_API_BASE = script.url
        yield script


def send(**changes: Any) -> Any:
    return payments.send_refund(body=json.dumps({**WANTED, **changes}), key=KEY)


def failing(status: int, type: str = "api_error", code: str | None = None, **headers: str) -> Say:
    error = {"type": type, "message": "So it is.", **({"code": code} if code else {})}
    return Say({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def page(*rows: Any, more: bool = False) -> Say:
    return Say({"object": "list", "url": "/v1/refunds", "has_more": more, "data": list(rows)})


# --- what is sent ---------------------------------------------------------------------------------------


def test_a_refund_carries_our_key_and_reference(stripe: Script) -> None:
    stripe.will_say(Say(REFUND, 200, {"Request-Id": "req_1"}))
    receipt = send()
    [asked] = stripe.asked
    assert (asked.method, asked.path) == ("POST", "/v1/refunds")
    assert asked.headers["Idempotency-Key"] == KEY
    assert asked.headers["Authorization"] == "Bearer sk_test_0123456789"
    assert "X-Stripe-Client-Telemetry" not in asked.headers
    assert parse_qs(asked.body.decode()) == {
        "payment_intent": ["pi_1"],
        "amount": ["2000"],
        "metadata[reference]": [KEY],
        "metadata[order_id]": ["#W1"],
    }
    assert (receipt.reference, receipt.status, receipt.http_status, receipt.replayed) == (
        "re_1",
        "succeeded",
        200,
        False,
    )
    assert receipt.data == {
        "refund_id": "re_1",
        "payment_id": "pi_1",
        "order_id": "#W1",
        "amount": 2_000,
        "currency": "USD",
        "reference": KEY,
        "status": "succeeded",
        "provider_status": "succeeded",
        "charge": "ch_1",
        "created_at": "2026-01-01T00:00:00+00:00",
    }


def test_every_attempt_sends_the_same_bytes_over_one_pool(stripe: Script) -> None:
    stripe.will_say(failing(500), Say(REFUND, 200, {"Idempotent-Replayed": "true"}))
    with pytest.raises(EffectUnknown):
        send()
    assert send().replayed
    first, second = stripe.asked
    assert (first.body, first.headers["Idempotency-Key"]) == (second.body, second.headers["Idempotency-Key"])


def test_a_charge_is_sent_as_a_charge(stripe: Script) -> None:
    stripe.will_say(Say(REFUND))
    send(payment_id="ch_1")
    assert parse_qs(stripe.asked[0].body.decode())["charge"] == ["ch_1"]


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_each_stripe_status_is_translated(stripe: Script, status: str, ours: str) -> None:
    stripe.will_say(Say({**REFUND, "status": status}))
    receipt = send()
    assert (receipt.status, receipt.data["status"], receipt.data["provider_status"]) == (ours, ours, status)


# --- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("say", "kind", "code"),
    [
        (failing(400, "invalid_request_error", "charge_already_refunded"), Terminal, "charge_already_refunded"),
        (failing(400, "invalid_request_error"), Terminal, "invalid_request_error"),
        (failing(402, "card_error", "insufficient_funds"), Terminal, "insufficient_funds"),
        (failing(403, "invalid_request_error"), Terminal, "invalid_request_error"),
        (failing(404, "invalid_request_error", "resource_missing"), Terminal, "resource_missing"),
        (failing(401, "invalid_request_error"), Unauthorized, "invalid_request_error"),
        (failing(400, "idempotency_error"), IdempotencyMismatch, "idempotency_error"),
        (failing(409, "idempotency_error", "idempotency_key_in_use"), Transient, "idempotency_key_in_use"),
        (failing(409, "invalid_request_error", "lock_timeout", Stripe_Should_Retry="false"), Terminal, "lock_timeout"),
        (failing(429, "rate_limit_error"), Transient, "rate_limit_error"),
        (failing(400, "invalid_request_error", "rate_limit"), Transient, "rate_limit"),
        (failing(400, "invalid_request_error", "lock_timeout", Stripe_Should_Retry="true"), Transient, "lock_timeout"),
        (failing(503), Transient, "api_error"),
        (failing(424), EffectUnknown, "api_error"),
        (failing(500), EffectUnknown, "api_error"),
        (failing(502), EffectUnknown, "api_error"),
        (failing(504, Stripe_Should_Retry="true"), EffectUnknown, "api_error"),
        (failing(500, Stripe_Should_Retry="false"), ReplayedFailure, "api_error"),
        (failing(500, Idempotent_Replayed="true"), ReplayedFailure, "api_error"),
        (Say(b"<html>", 502), EffectUnknown, "http_502"),
        (Say({"message": "no error in it"}, 500), EffectUnknown, "http_500"),
        (CUT, EffectUnknown, "connection_lost"),
    ],
)
def test_each_stripe_answer_is_classified(stripe: Script, say: Say, kind: type[ProviderError], code: str) -> None:
    stripe.will_say(say)
    with pytest.raises(ProviderError) as caught:
        send()
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(stripe.asked) == 1, "the client must not retry on its own"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        "done",
        b"OK",
        b"",
        {**REFUND, "status": "odd"},
        {**REFUND, "id": ""},
        {**REFUND, "metadata": {"reference": "another"}},
        {**REFUND, "metadata": None},
    ],
)
def test_a_malformed_stripe_success_proves_nothing(stripe: Script, body: Any) -> None:
    stripe.will_say(Say(body))
    with pytest.raises(EffectUnknown):
        send()


def test_stripes_retry_after_is_obeyed(stripe: Script) -> None:
    stripe.will_say(failing(429, "rate_limit_error", Retry_After="7"))
    with pytest.raises(Transient) as caught:
        send()
    assert caught.value.retry_after == 7.0


def test_a_request_that_was_never_sent_has_no_effect(stripe: Script, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"
    with pytest.raises(Transient) as caught:
        send()
    assert (type(caught.value), caught.value.code) == (Transient, "unreachable")


# --- look-ups -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [{"metadata": None}, {"metadata": {}, "status": None}, {"metadata": {}, "amount": "x"}])
def test_an_unreadable_other_refund_does_not_hide_ours(stripe: Script, odd: dict[str, Any]) -> None:
    stripe.will_say(page({**REFUND, "id": "re_7", **odd}, REFUND))
    found = payments.find_refund(body=json.dumps(WANTED))
    assert found is not None
    assert found.reference == "re_1"


def test_our_refund_is_found_on_any_page(stripe: Script) -> None:
    others = [{**REFUND, "id": f"re_{number}", "metadata": {}} for number in (7, 8)]
    stripe.will_say(page(*others, more=True), page(REFUND))
    receipt = payments.find_refund(body=json.dumps(WANTED))
    assert receipt is not None
    assert receipt.reference == "re_1"
    assert parse_qs(stripe.asked[0].path.partition("?")[2]) == {"payment_intent": ["pi_1"], "limit": ["100"]}
    assert parse_qs(stripe.asked[1].path.partition("?")[2])["starting_after"] == ["re_8"]


def test_a_refund_that_did_not_fail_comes_first(stripe: Script) -> None:
    stripe.will_say(page({**REFUND, "id": "re_0", "status": "failed"}, REFUND))
    receipt = payments.find_refund(body=json.dumps(WANTED))
    assert receipt is not None
    assert receipt.reference == "re_1"


def test_a_payment_without_refunds_returns_none(stripe: Script) -> None:
    stripe.will_say(page({**REFUND, "metadata": {"reference": "another"}}))
    assert payments.find_refund(body=json.dumps({**WANTED, "payment_id": "ch_1"})) is None


@pytest.mark.parametrize(
    "say", [CUT, Say({}), Say([]), Say(None), Say(b"OK"), page({"id": "re_1"}), page(None), page(5), failing(500)]
)
def test_a_failed_look_up_has_no_effect(stripe: Script, say: Say) -> None:
    stripe.will_say(say)
    with pytest.raises(Transient) as caught:
        payments.find_refund(body=json.dumps(WANTED))
    assert type(caught.value) is Transient


def test_all_stripe_refunds_since_a_time_are_read(stripe: Script) -> None:
    stripe.will_say(page(REFUND))
    [receipt] = listing.refunds_since(datetime(2026, 1, 1, tzinfo=UTC))
    assert receipt.reference == "re_1"
    assert parse_qs(stripe.asked[0].path.partition("?")[2]) == {"created[gte]": ["1767225600"], "limit": ["100"]}


def test_repeating_pages_are_an_error(stripe: Script) -> None:
    stripe.will_say(*[page(REFUND, more=True)] * 2)
    with pytest.raises(EffectUnknown, match="same page twice"):
        list(listing.refunds_since(datetime(2026, 1, 1, tzinfo=UTC)))
    assert len(stripe.asked) == 2


# --- money ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "theirs"),
    [
        (2_000, "USD", 2_000),
        (8_400, "JPY", 8_400),
        (12_500, "KWD", 12_500),
        (500, "HUF", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (8_400, "RSD", 8_400),
    ],
)
def test_amounts_convert_to_stripes_units_and_back(amount: int, currency: str, theirs: int) -> None:
    assert to_stripe(amount, currency) == theirs
    assert to_ours(theirs, currency) == amount


def test_an_amount_that_stripe_cannot_represent_is_never_sent(stripe: Script) -> None:
    with pytest.raises(Terminal) as caught:
        send(amount=5_124, currency="KWD")
    assert caught.value.code == "amount_not_possible"
    assert stripe.asked == []
