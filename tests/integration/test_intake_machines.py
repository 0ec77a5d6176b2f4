"""Machines that write are stored and not answered, and floods are slowed down."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.models import Run
from agentops.runs import unseen
from approvals.models import Action
from tests.completions import replies, triage
from tests.scripted import Script
from tests.signed import delivery, get, post, say, ticket_id_of
from tests.world import put_rules, run_through
from tickets.models import Message, Ticket

pytestmark = pytest.mark.usefixtures("world")
ABSENT = "I am out of the office until 5 December and will answer when I am back."
BOUNCE = "This is the mail system at host mx.example.\n\n<kim@example.com>: user unknown\n\nMessage-ID: {}\n"


def standing(ticket: str) -> tuple[str, str, int]:
    row = Ticket.objects.get(pk=ticket)
    return row.status, row.reason, Run.objects.filter(ticket=ticket).count()


@pytest.mark.parametrize(
    ("change", "kind", "status"),
    [
        ({"auto_submitted": "auto-replied"}, "auto_reply", "closed"),
        ({"subject": "Automatic reply: Re: My order"}, "auto_reply", "closed"),
        ({"auto_submitted": "auto-generated"}, "generated", "needs_person"),
        ({"customer_email": "no-reply@partner.example"}, "no_reply", "needs_person"),
        ({"customer_email": "MAILER-DAEMON@mx.example"}, "bounce", "needs_person"),
        ({"body": BOUNCE.format("<unknown@mx.example>")}, "bounce", "needs_person"),
    ],
)
def test_a_machines_ticket_is_stored_and_starts_no_run(change: dict[str, Any], kind: str, status: str) -> None:
    answer = post(delivery(f"machine {kind} {sorted(change)}", **change))
    assert (answer.status_code, answer.json()["status"]) == (201, status)
    ticket = answer.json()["ticket_id"]
    now, reason, runs = standing(ticket)
    assert (now, runs) == (status, 0)
    assert reason
    assert get(ticket).json()["messages"][0]["automatic"] == kind
    assert not unseen.forgotten().filter(pk=ticket).exists()


def answered(external_id: str, model: Script) -> str:
    ticket = ticket_id_of(delivery(external_id))
    model.will_say(triage(), replies())
    run_through(Ticket.objects.get(pk=ticket))
    return ticket


def test_an_out_of_office_reply_is_not_answered(model: Script) -> None:
    ticket = answered("absent", model)
    answers = [say(ticket, f"ooo-{number}", f"{ABSENT} ({number})") for number in range(3)]
    assert [(answer.status_code, answer.json()["run_id"]) for answer in answers] == [(201, None)] * 3
    assert standing(ticket) == ("answered", "", 1)


def test_a_person_who_is_out_of_office_and_wants_something_is_answered(model: Script) -> None:
    ticket = answered("absent and asking", model)
    assert say(ticket, body="I am out of the office, so please cancel the order.").json()["run_id"]


def test_a_bounce_on_a_ticket_goes_to_a_person(model: Script) -> None:
    ticket = answered("bounced", model)
    say(ticket, "b-1", BOUNCE.format("<x@mx.example>"))
    status, reason, runs = standing(ticket)
    assert (status, runs) == ("needs_person", 1)
    assert "could not be delivered" in reason


def test_a_bounce_gives_the_ticket_of_our_reply_to_a_person(model: Script) -> None:
    ticket = answered("lost reply", model)
    bounce = BOUNCE.format(f"<{ticket}.reply.1@shop.example>")
    posted = post(delivery("its bounce", customer_email="mailer-daemon@mx.example", body=bounce)).json()
    assert posted["status"] == "closed"
    status, reason, _ = standing(ticket)
    assert (status, posted["ticket_id"] in reason) == ("needs_person", True)


def test_after_so_many_automatic_replies_a_person_takes_over(model: Script) -> None:
    put_rules(replies_per_day=2)
    ticket = answered("loops", model)
    model.will_say(triage(), replies("Thank you for your message again."))
    say(ticket, "m-2", "Received, thank you.")
    run_through(Ticket.objects.get(pk=ticket))
    assert say(ticket, "m-3", "Received, thank you again.").json()["run_id"] is None
    status, reason, runs = standing(ticket)
    assert (status, runs) == ("needs_person", 2)
    assert "2 automatic replies" in reason


def test_a_reply_beyond_the_limit_waits_for_a_person(model: Script) -> None:
    put_rules(replies_per_day=1)
    ticket = answered("loops in a queue", model)
    put_rules(replies_per_day=2)
    say(ticket, "m-2", "Received.")
    put_rules(replies_per_day=1)
    model.will_say(triage(), replies("Thank you for your message again."))
    run_through(Ticket.objects.get(pk=ticket))
    action = Action.objects.filter(ticket=ticket, kind="reply").latest("pk")
    assert (action.status, [reason["code"] for reason in action.reasons]) == ("awaiting_approval", ["replies_per_day"])


def test_replies_of_yesterday_do_not_count(model: Script) -> None:
    put_rules(replies_per_day=1)
    ticket = answered("next day", model)
    Action.objects.filter(ticket=ticket).update(created_at=Now() - timedelta(hours=25))
    assert say(ticket).json()["run_id"]


def test_no_limit_means_no_limit(model: Script) -> None:
    put_rules(replies_per_day=0)
    ticket = answered("unlimited", model)
    assert say(ticket).json()["run_id"]


# --- floods ---------------------------------------------------------------------------------------------


def test_a_source_beyond_its_limit_is_told_when_to_try_again(settings: Settings) -> None:
    settings.INTAKE_SOURCE_PER_MINUTE = 3
    posted = [delivery(f"flood {n}", source="flood", customer_email=f"f{n}@example.com") for n in range(8)]
    answers = [post(body) for body in posted]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) in (2, 5)  # 2 if a minute ended in between
    assert {answer.json()["error"]["code"] for answer in refused} == {"rate_limited"}
    assert all(1 <= int(answer["Retry-After"]) <= 60 for answer in refused)
    assert post(delivery("elsewhere", source="calm", customer_email="calm@example.com")).status_code == 201


def test_a_customer_beyond_their_limit_waits_on_tickets_and_messages_alike(settings: Settings) -> None:
    settings.INTAKE_CUSTOMER_PER_HOUR = 2
    ticket = ticket_id_of(delivery("hasty 1", customer_email="hasty@example.com"))
    codes = [say(ticket, f"m-{number}").status_code for number in range(5)]
    assert codes.count(429) >= 1
    assert Message.objects.filter(ticket=ticket).count() <= 5
    assert post(delivery("patient", customer_email="patient@example.com")).status_code == 201


def test_without_redis_deliveries_are_accepted(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.INTAKE_CUSTOMER_PER_HOUR = 1
    posted = [delivery(f"no redis {number}", customer_email="no.redis@example.com") for number in (1, 2)]
    codes = [post(body).status_code for body in posted]
    assert codes == [201, 201]
