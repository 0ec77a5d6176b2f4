"""Deliveries are read as the contract says: nothing that a person wrote is refused for its form."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tickets.incoming import MAX_BODY, NewTicket, one_line, parse

GIVEN: dict[str, Any] = {
    "source": "zendesk",
    "external_id": "1",
    "customer_email": "kim@example.com",
    "subject": "My order",
    "body": "It is broken.",
}
PHOTO = {"name": "mug.jpg", "content_type": "image/jpeg", "size": 120_000}


def ticket(**changes: Any) -> NewTicket:
    return parse(NewTicket, json.dumps({**GIVEN, **changes}))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Broken \ud83d", "Broken \ufffd"),
        ("\udc00\ud83d\ude00 ok", "\ufffd😀 ok"),
        ("a\x00b", "a\ufffdb"),
        ("one\r\ntwo", "one\ntwo"),
        ("я" * 20_000, "я" * 20_000),
        ("x" * MAX_BODY, "x" * MAX_BODY),
        ("<div>Hi <b>Kim</b></div>", "Hi Kim"),
    ],
)
def test_bodies_come_in_as_text(body: str, text: str) -> None:
    assert ticket(body=body).text() == text


def test_a_body_is_cut_and_marked() -> None:
    text = ticket(body="x" * 250_000).text()
    assert len(text) == MAX_BODY
    assert text.endswith("xx\n\n[Cut here: the message has 250,000 characters.]")


def test_a_body_that_says_it_is_text_is_not_read_as_html() -> None:
    assert ticket(body="<p>Hi</p>", body_format="text").text() == "<p>Hi</p>"
    assert ticket(body="<b>Hi</b> &amp; bye", body_format="html").text() == "Hi & bye"


def test_an_empty_body_needs_attachments() -> None:
    assert ticket(body=" ", attachments=[PHOTO]).text() == " "
    with pytest.raises(ValidationError, match="unless there are attachments"):
        ticket(body=" ", attachments=[])


def test_half_an_emoji_in_an_id_is_refused() -> None:
    for field in ("external_id", "source"):
        with pytest.raises(ValidationError, match=field):
            ticket(**{field: "a\ud83d"})


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-11-25T10:00:00Z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25t10:00:00z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25 10:00:00+02:00", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25T10:00:00.123456789Z", datetime(2026, 11, 25, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-25T10:00Z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_with_a_zone_are_kept_in_utc(given: str | None, moment: datetime | None) -> None:
    assert ticket(received_at=given).received_at == moment


@pytest.mark.parametrize(
    "given",
    ["2026-11-25T10:00:00", "2026-11-25", "yesterday", "", "10:00Z", "1764064800", 1764064800, "2026-13-01T00:00:00Z",
     "2026-11-25T10:00:00 Europe/Berlin", "25.11.2026 10:00", True],
)  # fmt: skip
def test_other_times_are_refused_with_what_is_valid(given: Any) -> None:
    with pytest.raises(ValidationError, match=r"with a time zone .*, for example 2026-11-25T10:00:00Z"):
        ticket(received_at=given)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"body": "a", "body": "b"}', "'body' occurs twice"),
        ('{"attachments": [{"size": 1, "size": 2}]}', "'size' occurs twice"),
        ('{"size": Infinity}', "Infinity is not JSON"),
        ("[" * 50_000, "nested too deeply"),
        ("{", "Expecting property name"),
    ],
)
def test_what_is_not_json_is_named(raw: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(NewTicket, raw)


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse(NewTicket, b"\xef\xbb\xbf" + json.dumps(GIVEN).encode()).body == "It is broken."


def test_a_long_line_is_cut_and_marked() -> None:
    assert one_line("a\n b", 300) == "a b"
    assert one_line("x" * 400, 300) == "x" * 299 + "…"


def test_the_address_of_an_attachment_is_checked() -> None:
    [file] = ticket(attachments=[{**PHOTO, "url": "https://desk.example/a b.jpg"}]).attachments
    assert file.stored()["url"] == "https://desk.example/a%20b.jpg"
    with pytest.raises(ValidationError, match=r"attachments\.0\.url"):
        ticket(attachments=[{**PHOTO, "url": "no address"}])
