"""The signed intake API (docs/contracts/intake.yaml): who may post what, and each delivery counts once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from agentops.models import Run
from agentops.wsgi import application
from approvals.models import Action
from tests.completions import claims_a_refund_of, triage, uses
from tests.scripted import Script
from tests.signed import URL, delivery, get, post, say, signature, ticket_id_of
from tests.world import World, at_once, refund_arguments, run_through
from tickets.models import Customer, Message, Ticket

pytestmark = pytest.mark.usefixtures("world")


# --- each delivery once ---------------------------------------------------------------------------------


def test_a_delivery_creates_a_ticket_a_message_and_a_run(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://desk.example"
    answer = post(delivery("new", received_at="2026-01-02T03:04:05+02:00"))
    assert answer.status_code == 201
    ticket = Ticket.objects.get(source="zendesk", external_id="new")
    url = f"https://desk.example/tickets/{ticket.pk}/"
    assert answer.json() == {"ticket_id": ticket.pk, "status": "open", "url": url}
    assert ticket.customer.email == "kim@example.com"
    [message] = ticket.messages.all()
    assert (message.direction, message.body) == ("inbound", "It is broken.")
    assert message.sent_at == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert Run.objects.get(ticket=ticket).status == "queued"


def test_a_repeated_delivery_returns_its_ticket_and_starts_nothing() -> None:
    first, second = post(delivery("twice")), post(delivery("twice"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    ticket = Ticket.objects.get(external_id="twice")
    assert (ticket.messages.count(), Run.objects.filter(ticket=ticket).count()) == (1, 1)


def test_concurrent_copies_of_a_delivery_are_one_ticket() -> None:
    answers = at_once(*[lambda: post(delivery("at once", customer_email="at.once@example.com"))] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    ticket = Ticket.objects.get(external_id="at once")
    assert (ticket.messages.count(), Run.objects.filter(ticket=ticket).count()) == (1, 1)


def test_concurrent_tickets_of_a_new_customer_create_one_customer() -> None:
    works = [lambda n=n: post(delivery(f"crowd {n}", customer_email="CROWD@example.com")) for n in range(8)]
    assert [answer.status_code for answer in at_once(*works)] == [201] * 8
    assert Customer.objects.filter(email__iexact="crowd@example.com").count() == 1


def test_the_same_number_from_another_help_desk_is_another_ticket() -> None:
    post(delivery("shared"))
    assert post(delivery("shared", source="freshdesk")).status_code == 201


def ticket_id(external_id: str) -> str:
    return str(post(delivery(external_id)).json()["ticket_id"])


def test_a_further_message_starts_another_run() -> None:
    ticket = ticket_id("talks")
    first, second = say(ticket), say(ticket)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    run = Run.objects.get(ticket=ticket, number=2)
    assert first.json() == {"message_id": run.through_message, "run_id": run.pk}


def test_concurrent_copies_of_a_message_are_one_message() -> None:
    ticket = ticket_id("talks at once")
    answers = at_once(*[lambda: say(ticket)] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert Run.objects.filter(ticket=ticket).count() == 2


def test_concurrent_messages_start_as_many_runs_in_order() -> None:
    ticket = ticket_id("talks much")
    works = [lambda n=n: say(ticket, f"m-{n}", "More.") for n in range(6)]
    assert [answer.status_code for answer in at_once(*works)] == [201] * 6
    runs = Run.objects.filter(ticket=ticket).order_by("number")
    assert [run.number for run in runs] == [1, 2, 3, 4, 5, 6, 7]
    assert [run.through_message for run in runs] == sorted(run.through_message for run in runs)


# --- access ---------------------------------------------------------------------------------------------

BODY = json.dumps(delivery("unsigned")).encode()
OTHER = "whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA=="


def spoilt(**headers: str) -> Callable[[], dict[str, str]]:
    return lambda: {**signature(BODY), **headers}


@pytest.mark.parametrize(
    "headers",
    [
        dict,
        lambda: signature(BODY, secret=OTHER),
        lambda: signature(b"{}"),
        lambda: signature(BODY, at=datetime.now(UTC) - timedelta(minutes=6)),
        lambda: signature(BODY, at=datetime.now(UTC) + timedelta(minutes=6)),
        spoilt(**{"webhook-signature": ""}),
        spoilt(**{"webhook-signature": "v1,AAAA"}),
        spoilt(**{"webhook-signature": "v2,AAAA v1"}),
        spoilt(**{"webhook-signature": "ünder"}),
        spoilt(**{"webhook-timestamp": "soon"}),
        spoilt(**{"webhook-timestamp": "9" * 400}),
        spoilt(**{"webhook-timestamp": "inf"}),
        spoilt(**{"webhook-id": "another"}),
    ],
)
@pytest.mark.parametrize("path", ["", "/unknown/messages"])
def test_without_a_valid_signature_nothing_is_revealed(headers: Callable[[], dict[str, str]], path: str) -> None:
    answer = post(BODY, URL + path, headers())
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "bad_signature"
    assert not Ticket.objects.filter(external_id="unsigned").exists()


def test_a_ticket_is_not_shown_without_a_signature() -> None:
    assert Client().get(f"{URL}/{ticket_id('hidden')}").status_code == 401


def test_a_body_that_is_not_text_is_refused() -> None:
    assert post(b"\xff\xfe", headers=signature(BODY)).status_code == 401


def test_without_a_secret_nothing_is_accepted(settings: Settings) -> None:
    settings.INTAKE_SIGNING_SECRET = ""
    assert post(delivery("no secret"), headers=signature(BODY)).status_code == 401


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "x"])
def test_an_invalid_secret_accepts_nothing(settings: Settings, secret: str) -> None:
    settings.INTAKE_SIGNING_SECRET = secret
    assert post(delivery("bad secret"), headers=signature(BODY)).status_code == 401


# --- accepted content -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": None}, "source"),
        ({"source": ""}, "source"),
        ({"source": "x" * 41}, "source"),
        ({"source": 5}, "source"),
        ({"external_id": "x" * 121}, "external_id"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"source": "a\x00b"}, "source"),
        ({"customer_email": "kim"}, "customer_email"),
        ({"customer_email": "kim@example.com\nBcc: all@example.com"}, "customer_email"),
        ({"customer_email": "kim@home@example.com"}, "customer_email"),
        ({"customer_email": "@example.com"}, "customer_email"),
        ({"customer_email": "kim@"}, "customer_email"),
        ({"customer_email": f"{'x' * 60}@{'x' * 60}.{'x' * 60}.{'x' * 60}.example.com"}, "customer_email"),
        ({"customer_name": "x" * 201}, "customer_name"),
        ({"subject": "x" * 1001}, "subject"),
        ({"subject": ["x"]}, "subject"),
        ({"body": ""}, "body"),
        ({"body": " \n\t"}, "body"),
        ({"body": None}, "body"),
        ({"external_id": "a\ud83d"}, "external_id"),
        ({"body_format": "markdown"}, "body_format"),
        ({"auto_submitted": "yes"}, "auto_submitted"),
        ({"message_id": "x" * 999}, "message_id"),
        ({"tags": ["x" * 61]}, "tags.0"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"attachments": [{}]}, "attachments.0.name"),
        ({"attachments": [{"name": "a", "content_type": "b", "size": -1}]}, "attachments.0.size"),
        ({"attachments": [{"name": "a", "content_type": "b", "size": 1, "url": "no address"}]}, "attachments.0.url"),
        ({"attachments": [{"name": "a", "content_type": "b", "size": 1}] * 21}, "attachments"),
        ({"received_at": "yesterday"}, "received_at"),
        ({"received_at": "2026-01-01T00:00:00"}, "received_at"),
        ({"received_at": "0001-01-01T00:00:00+02:00"}, "received_at"),
        ({"received_at": "9999-12-31T23:59:59-02:00"}, "received_at"),
        ({"priority": "high"}, "priority"),
        ({"message": "x"}, "message"),
        ({"code": "x"}, "code"),
        ({"status": "open"}, "status"),
        ({"details": {}}, "details"),
    ],
)
def test_a_value_outside_the_contract_names_its_field(change: dict[str, Any], field: str) -> None:
    answer = post(delivery("wrong", **change))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], next(iter(error["details"]))) == ("invalid_request", field)
    assert not Ticket.objects.filter(external_id="wrong").exists()


@pytest.mark.parametrize("missing", ["source", "external_id", "customer_email", "subject", "body"])
def test_a_missing_field_is_named(missing: str) -> None:
    answer = post({name: value for name, value in delivery("missing").items() if name != missing})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [missing])


@pytest.mark.parametrize("raw", [b" ", b"{", b"null", b"[]", b'"text"', b"[" * 50_000, b'{"size": NaN}'])
def test_a_body_that_is_not_a_json_object_is_refused(raw: bytes) -> None:
    assert post(raw).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"external_id": "m-2"}, {"external_id": "m-2", "body": "\n"}, {"external_id": "", "body": "x"}]
)
def test_a_malformed_message_is_refused(body: dict[str, Any]) -> None:
    ticket = ticket_id("shapes")
    assert post({"ticket_id": ticket, **body}, f"{URL}/{ticket}/messages").status_code == 400


def test_a_request_over_one_mib_is_refused() -> None:
    assert post(b" " * (1024 * 1024 + 1)).status_code == 413
    assert post(json.dumps(delivery("large")).encode().ljust(1024 * 1024)).status_code == 201


def test_a_nonexistent_ticket_is_not_found() -> None:
    for answer in (get("nothing"), say("nothing")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_ticket_id_containing_a_nul_is_not_found() -> None:
    headers = signature(b"", key="\x00.1")
    posted = {"ticket_id": "\x00", "external_id": "m", "body": "x"}
    for answer in (Client().get(f"{URL}/%00", headers=headers), post(posted, f"{URL}/%00/messages")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def in_chunks(path: str, body: bytes, *, ends: bool = True) -> tuple[int, dict[str, Any]]:
    """Return the application's answer to a body without a length, on a server that `ends` its input or does not."""
    environ = Client()._base_environ(
        PATH_INFO=path,
        REQUEST_METHOD="POST",
        CONTENT_TYPE="application/json",
        HTTP_TRANSFER_ENCODING="chunked",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signature(body).items()},
    )
    statuses: list[str] = []
    environ |= {"wsgi.input": BytesIO(body), "wsgi.input_terminated": ends}
    answer = b"".join(application(environ, lambda status, headers: statuses.append(status)))
    return int(statuses[0].split()[0]), json.loads(answer) if answer.startswith(b"{") else {}


def test_a_chunked_body_is_read_like_any_other() -> None:
    status, answer = in_chunks(URL, json.dumps(delivery("chunks")).encode())
    assert (status, Ticket.objects.get(external_id="chunks").pk) == (201, answer["ticket_id"])
    assert in_chunks(URL, b" " * (1024 * 1024 + 1))[0] == 413


def test_a_server_without_an_input_end_asks_for_the_length() -> None:
    for path in ("", "/any/messages"):
        status, answer = in_chunks(URL + path, b"{}", ends=False)
        assert (status, answer["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59+02:00"])
def test_any_valid_date_and_time_is_accepted(moment: str) -> None:
    assert post(delivery(f"at {moment}", received_at=moment)).status_code == 201
    sent_at = Message.objects.get(external_id=f"at {moment}").sent_at
    assert sent_at == datetime.fromisoformat(moment)


def test_each_address_accepts_only_its_method() -> None:
    assert Client().get(URL, headers=signature(b"")).status_code == 405
    assert post(b"{}", f"{URL}/{ticket_id('methods')}").status_code == 405


def test_the_longest_values_are_accepted() -> None:
    longest = delivery("x" * 120, source="x" * 40, customer_name="x" * 200, subject="x" * 1000, body="x" * 100_000)
    assert post(longest).status_code == 201


def test_characters_that_postgresql_cannot_store_are_removed() -> None:
    ticket = Ticket.objects.get(
        pk=ticket_id_of(
            delivery("nul", customer_email="nul@example.com", customer_name="e\x00f", subject="a\x00b", body="c\x00d")
        )
    )
    assert (ticket.subject, ticket.messages.get().body) == ("a\ufffdb", "c\ufffdd")
    assert ticket.customer.name == "e\ufffdf"


def test_card_numbers_and_secrets_never_reach_the_database() -> None:
    number, secret = "4111 1111 1111 1111", "sk_live_abcdefghijklmnop1234"
    said = f"My card is {number}. My key is {secret}."
    ticket = ticket_id_of(delivery("card", subject=said, body=said))
    say(ticket, body=said)
    stored = json.dumps(
        [list(Ticket.objects.filter(pk=ticket).values()), list(Message.objects.filter(ticket=ticket).values())],
        default=str,
    )
    assert number not in stored
    assert secret not in stored
    assert stored.count("ends 1111") == 3


# --- a ticket's status ----------------------------------------------------------------------------------


def test_a_ticket_lists_its_runs_actions_and_messages(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_id_of(delivery("tells", customer_email=order["customer_email"]))
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run = run_through(Ticket.objects.get(pk=ticket))
    shown = get(ticket).json()
    assert (shown["ticket_id"], shown["source"], shown["external_id"], shown["status"]) == (
        ticket,
        "zendesk",
        "tells",
        "answered",
    )
    assert [(row["run_id"], row["status"], row["turns"]) for row in shown["runs"]] == [(run.pk, "succeeded", 2)]
    action = Action.objects.get(ticket=ticket, kind="refund")
    assert shown["actions"][0] == {
        "action_id": action.pk,
        "kind": "refund",
        "status": "succeeded",
        "amount": 2_000,
        "currency": "USD",
        "target": order["order_id"],
        "idempotency_key": f"{ticket}:refund:1",
        "attempts": 1,
        "verdict": "auto_approve",
        "reasons": [],
    }
    assert [row["direction"] for row in shown["messages"]] == ["inbound", "outbound"]
