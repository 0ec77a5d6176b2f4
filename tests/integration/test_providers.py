"""Calls over a real network: what is sent to each provider, and how answers are classified."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from agentops.lib import http
from agentops.lib.errors import EffectUnknown, ProviderError, ReplayedFailure, Terminal, Transient
from approvals.providers import orders, payments, replies
from approvals.providers.payments import listing
from tests.scripted import CUT, Say, Script, scripted
from tests.services import REPLIES_SECRET

ORDER = {
    "order_id": "#W1",
    "customer_id": "c1",
    "customer_email": "kim@example.com",
    "status": "delivered",
    "currency": "USD",
    "total": 100,
    "placed_at": "2026-01-01T00:00:00Z",
    "items": [{"item_id": "1", "name": "Mug", "price": 100, "quantity": 1, "colour": "red"}],
    "payments": [{"payment_id": "p1", "method": "card", "captured": 100, "refunded": 30}],
    "tracking_numbers": [],
    "a_field_of_tomorrow": True,
}
CANCELLED = {**ORDER, "status": "cancelled"}
CUSTOMER = {
    "customer_id": "c1",
    "email": "kim@example.com",
    "name": "Kim Roe",
    "address": {"address1": "1 Mill Lane", "city": "York"},
}
REFUND = {
    "refund_id": "re_1",
    "payment_id": "p1",
    "order_id": "#W1",
    "amount": 100,
    "currency": "USD",
    "reference": "t:refund:1",
    "status": "succeeded",
    "created_at": "2026-01-01T00:00:00Z",
}
ASKED = json.dumps({name: REFUND[name] for name in ("payment_id", "order_id", "amount", "currency", "reference")})

ANOTHERS = {**REFUND, "reference": "other"}
COPIED = {**REFUND, "refund_id": "re_9", "amount": 7}
FAILED = {**REFUND, "refund_id": "re_0", "status": "failed"}


@pytest.fixture
def server(settings: Settings) -> Iterator[Script]:
    with scripted() as script:
        settings.ORDERS_URL = settings.PAYMENTS_URL = script.url
        settings.REPLIES_URL = f"{script.url}/replies"
        settings.PROVIDER_TIMEOUT_SECONDS = 5.0
        yield script


# --- one call -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("say", "kind", "code"),
    [
        (CUT, EffectUnknown, "connection_lost"),
        (Say({"half": True}, length=1_000), EffectUnknown, "connection_lost"),
        (Say(b"not JSON"), EffectUnknown, "unreadable_answer"),
        (Say(b"\x00\xff{"), EffectUnknown, "unreadable_answer"),
        (Say({}, 500, {"Idempotent-Replayed": "true"}), ReplayedFailure, "http_500"),
        (Say({}, 307, {"Location": "/elsewhere"}), EffectUnknown, "http_307"),
        (Say({"error": {"code": "no", "message": "No."}}, 422), Terminal, "no"),
    ],
)
def test_each_answer_over_the_network_is_classified(
    server: Script, say: Say, kind: type[ProviderError], code: str
) -> None:
    server.will_say(say)
    with http.client(server.url, timeout=5.0) as client, pytest.raises(ProviderError) as caught:
        http.call(client, "POST", "/", content=b"{}")
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(server.asked) == 1, "nothing is retried automatically"


def test_an_unreachable_server_never_received_anything() -> None:
    with http.client("http://127.0.0.1:1", timeout=5.0) as client, pytest.raises(Transient) as caught:
        http.call(client, "POST", "/", content=b"{}")
    assert type(caught.value) is Transient
    with http.client("http://no-such-host.invalid", timeout=5.0) as client, pytest.raises(Transient) as caught:
        http.call(client, "POST", "/", content=b"{}")
    assert type(caught.value) is Transient


def test_a_late_answer_leaves_the_effect_unknown(server: Script) -> None:
    server.will_say(Say({}, length=10_000_000, headers={"Connection": "keep-alive"}))
    with http.client(server.url, timeout=0.2) as client, pytest.raises(EffectUnknown):
        http.call(client, "POST", "/", content=b"{}")


def test_an_empty_success_is_a_success(server: Script) -> None:
    server.will_say(Say(b"", 204))
    with http.client(server.url) as client:
        assert http.call(client, "POST", "/", content=b"{}").data is None


def test_a_replayed_success_is_marked_as_replayed(server: Script) -> None:
    server.will_say(Say({"ok": 1}, 201, {"Idempotent-Replayed": "true"}))
    with http.client(server.url, token="secret") as client:
        answer = http.call(client, "POST", "/", content=b"{}")
    assert (answer.status, answer.data, answer.replayed) == (201, {"ok": 1}, True)
    assert server.asked[0].headers["Authorization"] == "Bearer secret"


# --- orders ---------------------------------------------------------------------------------------------


def test_an_order_is_read_and_unknown_fields_are_ignored(server: Script) -> None:
    server.will_say(Say(ORDER))
    order = orders.get_order("#W1")
    assert order is not None
    assert (order.captured, order.refunded) == (100, 30)
    assert server.asked[0].path == "/orders/%23W1"


@pytest.mark.parametrize(
    ("order_id", "path"), [("a/b", "/orders/a%2Fb"), ("x?y=z", "/orders/x%3Fy%3Dz"), ("%23", "/orders/%2523")]
)
def test_an_order_id_cannot_escape_its_path_segment(server: Script, order_id: str, path: str) -> None:
    server.will_say(Say({"error": {"code": "not_found", "message": "None."}}, 404))
    assert orders.get_order(order_id) is None
    assert server.asked[0].path == path


@pytest.mark.parametrize(
    "say",
    [CUT, Say({}, 500), Say({}, 503), Say({}), Say([]), Say(None), Say(b"<html>"), Say({**ORDER, "total": "many"}),
     Say({**ORDER, "payments": [{"payment_id": "p1", "method": "card", "captured": -1, "refunded": 0}]})],
)  # fmt: skip  # a table
def test_a_failed_read_has_no_effect_and_may_be_repeated(server: Script, say: Say) -> None:
    server.will_say(say)
    with pytest.raises(Transient) as caught:
        orders.get_order("#W1")
    assert type(caught.value) is Transient


@pytest.mark.parametrize("say", [CUT, Say({}), Say([]), Say({"orders": {}}), Say({"orders": [{"order_id": "#W1"}]})])
def test_a_failed_search_has_no_effect_and_may_be_repeated(server: Script, say: Say) -> None:
    server.will_say(say)
    with pytest.raises(Transient) as caught:
        orders.find_orders(customer_email="kim@example.com")
    assert type(caught.value) is Transient


@pytest.mark.parametrize("field", ["placed_at", "delivered_at"])
def test_times_without_a_zone_are_refused(server: Script, field: str) -> None:
    server.will_say(Say({**ORDER, field: "2026-11-25T10:00:00"}))
    with pytest.raises(Transient, match=rf"{field}: .*with a time zone .*, for example 2026-11-25T10:00:00Z"):
        orders.get_order("#W1")


def test_search_terms_are_escaped(server: Script) -> None:
    server.will_say(Say({"orders": [ORDER]}))
    [found] = orders.find_orders(customer_email="kim+a&b@example.com")
    assert found.order_id == "#W1"
    assert server.asked[0].path == "/orders?customer_email=kim%2Ba%26b%40example.com"


def test_a_write_carries_its_key_and_exact_bytes(server: Script) -> None:
    server.will_say(Say(CANCELLED), Say({**CUSTOMER, "name": "Zoë"}))
    orders.cancel_order("#W1", body='{"reason":  "x"}', key="t:cancel_order:1")
    orders.change_customer("c1", body='{"name": "Zoë"}', key="t:account_change:1")
    first, second = server.asked
    assert (first.method, first.path, first.body) == ("POST", "/orders/%23W1/cancel", b'{"reason":  "x"}')
    assert (second.method, second.path, second.body) == ("PATCH", "/customers/c1", '{"name": "Zoë"}'.encode())
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == ["t:cancel_order:1", "t:account_change:1"]


# What a shop, or a proxy before it, may answer to a write: neither a refusal nor what was requested.
NO_PROOF = [
    Say(None), Say(b"", 204), Say([]), Say({}), Say("done"), Say({"error": {"code": "no", "message": "No."}}),
    Say(b"", 302, {"Location": "/login"}), Say({"status": "cancelled"}),
]  # fmt: skip  # a table


@pytest.mark.parametrize("say", [*NO_PROOF, Say(ORDER), Say({**CANCELLED, "order_id": "#W2"}), Say(CUSTOMER)])
def test_a_cancellation_is_proven_by_the_cancelled_order(server: Script, say: Say) -> None:
    server.will_say(say)
    with pytest.raises(EffectUnknown):
        orders.cancel_order("#W1", body="{}", key="t:cancel_order:1")


WANTED = json.dumps({"email": "Kim@example.com", "name": "Kim Roe", "address": {"city": "York"}})


@pytest.mark.parametrize(
    "say",
    [*NO_PROOF, *(Say({**CUSTOMER, **other}) for other in ({"customer_id": "c2"}, {"email": "kim.doe@example.com"},
     {"name": "Kim Doe"}, {"address": {"city": "Leeds"}}, {"address": {}}))],
)  # fmt: skip  # a table
def test_an_account_change_is_proven_by_the_changed_account(server: Script, say: Say) -> None:
    server.will_say(say)
    with pytest.raises(EffectUnknown):
        orders.change_customer("c1", body=WANTED, key="t:account_change:1")


def test_a_proving_answer_is_stored_as_received(server: Script) -> None:
    server.will_say(Say(CANCELLED), Say(CUSTOMER, 200, {"Idempotent-Replayed": "true"}))
    receipt = orders.cancel_order("#W1", body="{}", key="t:cancel_order:1")
    assert (receipt.reference, receipt.data, receipt.http_status) == ("#W1", CANCELLED, 200)
    receipt = orders.change_customer("c1", body=WANTED, key="t:account_change:1")
    assert (receipt.reference, receipt.data, receipt.replayed) == ("c1", CUSTOMER, True)


# --- payments -------------------------------------------------------------------------------------------


def test_a_refund_is_sent_under_its_key(server: Script) -> None:
    server.will_say(Say(REFUND, 201))
    receipt = payments.send_refund(body=ASKED, key="t:refund:1")
    assert (receipt.reference, receipt.status, receipt.http_status) == ("re_1", "succeeded", 201)
    assert server.asked[0].headers["Idempotency-Key"] == "t:refund:1"
    assert server.asked[0].body == ASKED.encode()


# What a shop's test server, a proxy or a mistake may answer: none of it says anything about the requested refund.
ODD = {
    "status": "canceled",
    "amount": 1,
    "currency": "JPY",
    "payment_id": "p2",
    "order_id": "#W2",
    "refund_id": "r" * 5_000,
}


@pytest.mark.parametrize(
    "body",
    [None, {}, [], {**REFUND, "amount": "all"}, {**REFUND, "amount": -5}, {**REFUND, "reference": "t:refund:2"}]
    + [{**REFUND, name: value} for name, value in ODD.items()],
)
def test_an_answer_without_our_refund_proves_nothing(server: Script, body: Any) -> None:
    server.will_say(Say(body, 201))
    with pytest.raises(EffectUnknown):
        payments.send_refund(body=ASKED, key="t:refund:1")


@pytest.mark.parametrize(
    ("rows", "found"),
    [([REFUND], "re_1"), ([], None), ([FAILED], "re_0"), ([FAILED, REFUND], "re_1"), ([REFUND, FAILED], "re_1"),
     ([COPIED, REFUND], "re_1"), ([COPIED, FAILED, REFUND], "re_1")],
)  # fmt: skip  # a table
def test_a_refund_is_found_by_its_reference_alone(server: Script, rows: list[Any], found: str | None) -> None:
    """A refund that did not fail comes before one that did, however new, and a matching one before another."""
    server.will_say(Say({"refunds": rows, "next_cursor": None}))
    receipt = payments.find_refund(body=ASKED)
    assert (receipt.reference if receipt else None) == found
    assert server.asked[0].path == "/refunds?reference=t%3Arefund%3A1"


def test_of_several_refunds_the_providers_named_one_is_ours(server: Script) -> None:
    twice = {**REFUND, "refund_id": "re_2"}
    server.will_say(*[Say({"refunds": [twice, REFUND, FAILED], "next_cursor": None})] * 2)
    for known in ("re_1", "re_0"):
        receipt = payments.find_refund(body=ASKED, known=known)
        assert receipt is not None
        assert receipt.reference == known


@pytest.mark.parametrize("rows", [[ANOTHERS], [REFUND, ANOTHERS]])
def test_a_look_up_of_another_reference_proves_nothing(server: Script, rows: list[Any]) -> None:
    server.will_say(Say({"refunds": rows, "next_cursor": None}))
    with pytest.raises(Transient, match="another reference"):
        payments.find_refund(body=ASKED)


def test_a_look_up_reads_to_the_last_page(server: Script) -> None:
    server.will_say(Say({"refunds": [FAILED], "next_cursor": "a+b"}), Say({"refunds": [REFUND], "next_cursor": None}))
    receipt = payments.find_refund(body=ASKED)
    assert receipt is not None
    assert receipt.reference == "re_1"
    asked = "/refunds?reference=t%3Arefund%3A1"
    assert [each.path for each in server.asked] == [asked, f"{asked}&cursor=a%2Bb"]


def test_all_refunds_since_a_time_are_read_page_by_page(server: Script) -> None:
    server.will_say(Say({"refunds": [REFUND], "next_cursor": "2"}), Say({"refunds": [FAILED], "next_cursor": None}))
    receipts = listing.refunds_since(datetime(2026, 1, 1, tzinfo=UTC))
    assert [receipt.reference for receipt in receipts] == ["re_1", "re_0"]
    asked = "/refunds?created_after=2026-01-01T00%3A00%3A00%2B00%3A00"
    assert [each.path for each in server.asked] == [asked, f"{asked}&cursor=2"]


@pytest.mark.parametrize("cursors", [("1", "1"), ("1", "2", "1")])
def test_a_repeated_cursor_is_an_error_not_an_end(server: Script, cursors: tuple[str, ...]) -> None:
    server.will_say(*(Say({"refunds": [REFUND], "next_cursor": cursor}) for cursor in cursors))
    with pytest.raises(EffectUnknown, match="same page twice"):
        list(listing.refunds_since(datetime(2026, 1, 1, tzinfo=UTC)))


# --- replies --------------------------------------------------------------------------------------------

REPLY = json.dumps({"to": "kim@example.com", "subject": "Re: Hello", "body": "Grüße"}, ensure_ascii=False)


def test_a_reply_is_signed_according_to_the_standard(server: Script) -> None:
    server.will_say(Say({}))
    receipt = replies.send_reply(body=REPLY, key="t:reply:1")
    assert (receipt.reference, receipt.replayed) == ("t:reply:1", False)
    [asked] = server.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert (headers["webhook-id"], asked.body) == ("t:reply:1", REPLY.encode())
    signed = f"t:reply:1.{headers['webhook-timestamp']}.{REPLY}".encode()
    secret = base64.b64decode(REPLIES_SECRET.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


def test_a_duplicate_delivery_counts_as_delivered(server: Script) -> None:
    server.will_say(Say({"error": {"code": "delivered_before", "message": "Before."}}, 409))
    assert replies.send_reply(body=REPLY, key="t:reply:1").replayed is True


@pytest.mark.parametrize(
    ("say", "kind"),
    [(CUT, EffectUnknown), (Say({}, 500), EffectUnknown), (Say({}, 503), Transient), (Say({}, 429), Transient),
     (Say({}, 400), Terminal), (Say({}, 410), Terminal)],
)  # fmt: skip  # a table
def test_an_undelivered_reply_is_classified(server: Script, say: Say, kind: type[ProviderError]) -> None:
    server.will_say(say)
    with pytest.raises(ProviderError) as caught:
        replies.send_reply(body=REPLY, key="t:reply:1")
    assert type(caught.value) is kind


def test_a_reply_may_be_sent_by_mail(settings: Settings) -> None:
    settings.REPLIES_BACKEND = "email"
    settings.DEFAULT_FROM_EMAIL = "support@shop.example"
    replies.send_reply(body=REPLY, key="t1:reply:1")
    [message] = mail.outbox
    assert (message.to, message.subject, message.body) == (["kim@example.com"], "Re: Hello", "Grüße")
    assert message.extra_headers["Message-ID"] == "<t1.reply.1@shop.example>"
