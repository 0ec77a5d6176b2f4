"""Every word that comes in is kept, in the order in which it was written, and one customer stays one customer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agentops.models import Run
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import ApprovalRequest
from tests.completions import replies, triage, uses
from tests.scripted import Script
from tests.signed import delivery, get, post, say, signature, ticket_id_of
from tests.world import World, at_once, propose, run_through
from tickets.models import Customer, Message, Ticket

pytestmark = pytest.mark.usefixtures("world")
PHOTO = {"name": "mug.jpg", "content_type": "image/jpeg", "size": 120_000, "url": "https://desk.example/mug.jpg"}


def said(ticket: str) -> list[str]:
    return [message["body"] for message in get(ticket).json()["messages"]]


def sent_to_model(model: Script) -> list[str]:
    """Return the customer's words in the newest request to the model."""
    messages = model.asked[-1].data["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


# --- other words under a known id -----------------------------------------------------------------------


def test_other_words_under_a_tickets_id_become_a_message() -> None:
    first = post(delivery("follow-up", body="Refund the laptop."))
    update = delivery("follow-up", body="Update: do NOT refund.")
    second, third = post(update), post(update)
    assert [answer.status_code for answer in (first, second, third)] == [201, 201, 200]
    ticket = first.json()["ticket_id"]
    assert said(ticket) == ["Refund the laptop.", "Update: do NOT refund."]
    assert Run.objects.filter(ticket=ticket).count() == 2


def test_other_words_under_a_messages_id_become_a_message() -> None:
    ticket = ticket_id_of(delivery("same message id"))
    answers = [say(ticket, "m-2", body) for body in ("Refund it.", "Don't.", "Don't.", "Refund it.")]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200]
    assert said(ticket) == ["It is broken.", "Refund it.", "Don't."]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"subject": "STOP"}, "[Subject: STOP]\n\nIt is broken."),
        ({"attachments": [PHOTO]}, "It is broken."),
        ({"message_id": "<another@mail.example>"}, "It is broken."),
        ({"body": " It is broken. "}, " It is broken. "),
        ({"body": "<p>Stop</p>"}, "Stop"),
    ],
)
def test_any_difference_in_the_words_is_kept(change: dict[str, Any], kept: str) -> None:
    external_id = f"differs {json.dumps(change)}"[:120]
    post(delivery(external_id))
    again = post(delivery(external_id, **change))
    assert again.status_code == 201
    assert said(again.json()["ticket_id"]) == ["It is broken.", kept]


@pytest.mark.parametrize(
    "change",
    [
        {"customer_name": "Kim Roe"},
        {"customer_email": "KIM@example.com"},
        {"tags": ["vip"]},
        {"received_at": "2026-11-25T10:00:00Z"},
    ],
)
def test_what_is_not_words_is_the_same_delivery(change: dict[str, Any]) -> None:
    external_id = f"same {json.dumps(change)}"[:120]
    post(delivery(external_id))
    assert post(delivery(external_id, **change)).status_code == 200


def test_words_repeated_after_others_are_new_if_received_later() -> None:
    times = {"a": "2026-11-25T10:00:00Z", "b": "2026-11-25T10:05:00Z", "c": "2026-11-25T10:10:00Z"}
    posted = [("Refund it.", "a"), ("Don't.", "b"), ("Refund it.", "c"), ("Refund it.", "a"), ("Refund it.", "c")]
    answers = [post(delivery("back and forth", body=body, received_at=times[at])) for body, at in posted]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 200, 200]
    assert said(answers[0].json()["ticket_id"]) == ["Refund it.", "Don't.", "Refund it."]


def test_concurrent_copies_of_other_words_are_one_message() -> None:
    ticket = ticket_id_of(delivery("follow-up at once"))
    answers = at_once(*[lambda: post(delivery("follow-up at once", body="Stop."))] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert said(ticket) == ["It is broken.", "Stop."]


def test_words_of_release_0_1_are_recognised_without_a_digest() -> None:
    ticket = ticket_id_of(delivery("old"))
    Message.objects.filter(ticket=ticket).update(digest="")
    assert post(delivery("old")).status_code == 200
    assert post(delivery("old", body="Stop.")).status_code == 201


def test_words_from_another_address_go_to_a_person() -> None:
    first = post(delivery("two people"))
    other = delivery("two people", customer_email="sam@example.com", body="Refund it to me.")
    second, third = post(other), post(other)
    assert (second.status_code, third.status_code) == (201, 200)
    ticket = Ticket.objects.get(pk=first.json()["ticket_id"])
    assert (second.json()["status"], ticket.status) == ("needs_person", "needs_person")
    assert "sam@example.com" in ticket.reason
    assert Run.objects.filter(ticket=ticket).count() == 1
    assert ticket.messages.get(sender="sam@example.com").body == "Refund it to me."


# --- order ----------------------------------------------------------------------------------------------


def test_the_conversation_is_in_the_order_of_receipt(model: Script) -> None:
    ticket = ticket_id_of(delivery("order", body="Hello.", received_at="2026-11-25T10:00:00Z"))
    say(ticket, "m-2", "Never mind, I keep it.", received_at="2026-11-25T10:10:00Z")
    say(ticket, "m-3", "Please refund the mug.", received_at="2026-11-25T10:05:00Z")
    words = ["Hello.", "Please refund the mug.", "Never mind, I keep it."]
    assert said(ticket) == words
    model.will_say(triage(), replies())
    Run.objects.filter(ticket=ticket, number__lt=3).update(status="cancelled")
    run_through(Ticket.objects.get(pk=ticket))
    first, *rest = sent_to_model(model)
    assert [first.rpartition("\n\n")[2], *rest] == words


def test_a_message_that_arrives_late_during_a_run_keeps_its_place(model: Script) -> None:
    ticket = ticket_id_of(delivery("late", body="Hello.", received_at="2026-11-25T10:00:00Z"))
    model.will_say(triage(), replies("What can I do?"))
    run_through(Ticket.objects.get(pk=ticket))
    say(ticket, "m-2", "Never mind, I keep it.", received_at="2026-11-25T10:10:00Z")
    model.will_say(triage(), replies("You keep it."))
    run_through(Ticket.objects.get(pk=ticket))
    say(ticket, "m-3", "Please refund the mug.", received_at="2026-11-25T10:05:00Z")
    model.will_say(triage(), replies("You keep it, as you wrote last."))
    run_through(Ticket.objects.get(pk=ticket))
    assert sent_to_model(model)[1:] == ["Please refund the mug.", "Never mind, I keep it."]
    assert model.asked[-1].data["messages"][-1]["content"] == "Never mind, I keep it."


def test_a_time_after_the_arrival_counts_as_the_arrival() -> None:
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ticket = ticket_id_of(delivery("clock", body="First.", received_at=ahead))
    say(ticket, "m-2", "Second.")
    assert said(ticket) == ["First.", "Second."]


# --- form -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"customer_email": "a..b@docomo.ne.jp"},
        {"customer_email": '"kim doe"@example.com'},
        {"customer_email": "kim@例子.广告"},
        {"subject": "Broken \ud83d"},
        {"subject": "x" * 1000},
        {"body": "я" * 20_000},
        {"body": "x" * 25_000},
        {"body": "y" * 900_000},
        {"body": "", "attachments": [PHOTO]},
        {"body": '<img src="cid:1">', "body_format": "html"},
    ],
)
def test_nothing_that_a_person_wrote_is_refused(change: dict[str, Any]) -> None:
    raw = json.dumps(delivery(f"form {change}"[:120].replace("\ud83d", "?"), **change)).encode()
    assert post(raw).status_code == 201


def test_attachments_are_told_to_the_model(model: Script) -> None:
    ticket = ticket_id_of(delivery("photo", body="", attachments=[PHOTO]))
    model.will_say(triage(), replies())
    run_through(Ticket.objects.get(pk=ticket))
    [told] = sent_to_model(model)
    assert told.endswith("[The message has no text.]\n[Attached, not readable here: mug.jpg (image/jpeg)]")


def test_quoted_history_is_marked_for_the_model(model: Script) -> None:
    body = "Please don't.\n\nOn Mon, 30 Nov 2026 at 10:12, Shop <help@shop.example> wrote:\n> Shall we refund it?\n"
    ticket = ticket_id_of(delivery("quote", body=body))
    model.will_say(triage(), replies())
    run_through(Ticket.objects.get(pk=ticket))
    [told] = sent_to_model(model)
    new, _, quoted = told.partition("[Quoted from earlier messages:]")
    assert new.rstrip().endswith("Please don't.")
    assert "> Shall we refund it?\n[End of the quote]" in quoted


# --- who wrote ------------------------------------------------------------------------------------------


def test_a_name_is_filled_in_when_it_comes() -> None:
    address = "nameless@example.com"
    for external_id, name, kept in [
        ("n1", "", ""),
        ("n2", "Kim Doe", "Kim Doe"),
        ("n3", "K", "Kim Doe"),
        ("n4", "", "Kim Doe"),
    ]:
        post(delivery(external_id, customer_email=address, customer_name=name))
        assert Customer.objects.get(email=address).name == kept


def test_both_spellings_of_a_domain_are_one_customer() -> None:
    for external_id, address in [("u1", "kim@müller.example"), ("u2", "Kim@xn--mller-kva.example")]:
        post(delivery(external_id, customer_email=address))
    assert Customer.objects.filter(email__startswith="kim@m").count() == 1


@pytest.mark.parametrize("from_new", [True, False], ids=["from the new address", "from the old address"])
def test_a_changed_address_still_finds_the_orders(world: World, model: Script, lead: User, from_new: bool) -> None:
    order = world.order()
    old, new = order["customer_email"], f"moved.{order['customer_email']}"
    ticket = Ticket.objects.get(pk=ticket_id_of(delivery(f"moves {old}", customer_email=old)))
    action = propose(ticket, "change_account", {"email": new, "reason": "They moved."})
    request = ApprovalRequest.objects.get(action=action)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    execution.execute(action.pk)
    address = new if from_new else old
    later = Ticket.objects.get(pk=ticket_id_of(delivery(f"after {address}", customer_email=address)))
    model.will_say(triage(), uses("find_orders", {"customer_email": address}), uses("get_customer"), replies())
    run_through(later)
    sent = model.asked[-1].data["messages"]
    orders, customer = (json.loads(message["content"]) for message in sent if message["role"] == "tool")
    assert [row["order_id"] for row in orders["orders"]] == [order["order_id"]]
    assert customer["email"] == new


# --- one signature, one request -------------------------------------------------------------------------


def test_a_signature_is_good_for_one_ticket() -> None:
    one, other = ticket_id_of(delivery("mine")), ticket_id_of(delivery("another's"))
    raw = json.dumps({"ticket_id": one, "external_id": "m-2", "body": "Refund it."}).encode()
    moved = post(raw, f"/api/tickets/{other}/messages")
    assert (moved.status_code, list(moved.json()["error"]["details"])) == (400, ["ticket_id"])
    read = Client().get(f"/api/tickets/{other}", headers=signature(b"", key=f"{one}.1"))
    assert (read.status_code, read.json()["error"]["code"]) == (401, "bad_signature")


def test_a_request_that_is_used_again_is_refused() -> None:
    ticket = ticket_id_of(delivery("replayed"))
    raw = json.dumps(delivery("replayed")).encode()
    headers = signature(raw, key="once")
    assert [post(raw, headers=headers).status_code for _ in range(2)] == [200, 200]
    other = json.dumps(delivery("replayed", body="Other words.")).encode()
    refused = post(other, headers=signature(other, key="once"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "replayed")
    read = signature(b"", key=f"{ticket}.once")
    assert [Client().get(f"/api/tickets/{ticket}", headers=read).status_code for _ in range(2)] == [200, 401]
