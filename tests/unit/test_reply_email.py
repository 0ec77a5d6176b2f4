"""Replies by email are marked as automatic, are threaded, and reach odd addresses."""

import email
import email.policy
from typing import Any

import pytest
from pytest_django import Settings

from approvals.providers import reply_email

KEY = "abc123:reply:2"
REPLY = {"to": "kim@example.com", "subject": "Re: My order", "body": "Hello."}
LONG = f"<{'a' * 90}@eurprd01.prod.exchangelabs.example>"


@pytest.fixture(autouse=True)
def by_email(settings: Settings) -> None:
    settings.REPLIES_BACKEND = "email"
    settings.DEFAULT_FROM_EMAIL = "The Shop <help@shop.example>"


def sent(**changes: Any) -> Any:
    """Return the email as its reader parses it from the bytes on the wire."""
    built = reply_email.build({**REPLY, **changes}, key=KEY).message(policy=email.policy.SMTP)
    return email.message_from_bytes(built.as_bytes(), policy=email.policy.default)


def test_a_reply_says_that_it_is_automatic() -> None:
    assert sent()["Auto-Submitted"] == "auto-replied"
    assert sent()["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_the_message_id_is_made_of_the_key_and_the_senders_domain() -> None:
    assert str(sent()["Message-ID"]) == "<abc123.reply.2@shop.example>"


def test_a_reply_is_threaded_under_the_customers_message() -> None:
    reply = sent(
        in_reply_to="<b@mail.example>", references=["<a@mail.example>", "<x.reply.1@shop.example>", "b@mail.example"]
    )
    assert str(reply["In-Reply-To"]) == "<b@mail.example>"
    assert str(reply["References"]) == "<a@mail.example> <x.reply.1@shop.example> <b@mail.example>"


def test_long_ids_are_not_encoded() -> None:
    raw = reply_email.build({**REPLY, "in_reply_to": LONG, "references": [LONG] * 20}, key=KEY).message().as_bytes()
    assert f"In-Reply-To: {LONG}".encode() in raw
    assert b"=?utf-8?" not in raw


@pytest.mark.parametrize("given", ["", "no id", "<a b>", "<é@x>", "\nBcc: all@example.com"])
def test_what_is_no_message_id_threads_nothing(given: str) -> None:
    reply = sent(in_reply_to=given, references=[given])
    assert (reply["In-Reply-To"], reply["References"], reply["Bcc"]) == (None, None, None)


@pytest.mark.parametrize(
    ("to", "header"),
    [("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'), ("kim@müller.example", "kim@xn--mller-kva.example")],
)
def test_odd_addresses_are_written_as_mail_servers_take_them(to: str, header: str) -> None:
    assert f"To: {header}".encode() in reply_email.build({**REPLY, "to": to}, key=KEY).message().as_bytes()


def test_replies_to_the_help_desk_have_no_message_id(settings: Settings) -> None:
    settings.REPLIES_BACKEND = "webhook"
    assert reply_email.message_id(KEY) == ""
