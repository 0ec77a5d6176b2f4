"""Reading a file of tickets, and the report about them at the end."""

import json
from typing import Any

import pytest

from agentops.management import report
from agentops.management.intake import BadTickets, Followed, Posted, read_tickets, summary

TICKET = {"external_id": "a-1", "customer_email": "mia@example.com", "subject": "Hello", "body": "Where is it?"}


def test_a_list_is_read_and_its_source_is_named() -> None:
    first, second = read_tickets(json.dumps([TICKET, TICKET | {"source": "zendesk"}]), source="file")
    assert (first.source, first.external_id, second.source) == ("file", "a-1", "zendesk")


def test_each_wrong_field_is_named_with_its_index() -> None:
    rows = [TICKET, TICKET | {"external_id": "a-2", "body": "", "colour": "red"}, 3]
    with pytest.raises(BadTickets) as raised:
        read_tickets(json.dumps(rows), source="file")
    lines = str(raised.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["ticket 1", "ticket 1", "ticket 2"]
    assert lines[0].startswith("ticket 1: body: ")
    assert lines[1].startswith("ticket 1: colour: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not JSON"), ('{"external_id": "a"}', "not a JSON list"), (json.dumps([TICKET, TICKET]), "occurs twice")],
)
def test_a_file_without_a_list_of_tickets_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadTickets, match=said):
        read_tickets(text, source="file")


def action(**changes: Any) -> dict[str, Any]:
    return {
        "action_id": 7,
        "kind": "refund",
        "status": "succeeded",
        "amount": 3650,
        "currency": "USD",
        "target": "#W1",
        "idempotency_key": "t:refund:1",
        "attempts": 2,
        "verdict": "auto_approve",
        "reasons": [],
    } | changes


def followed(**fields: Any) -> Followed:
    posted = Posted("a-1", "t", "http://localhost/tickets/t/", new=True)
    return Followed(posted, {"status": "answered", "reason": "", "runs": [], "actions": [], "messages": []} | fields)


def test_the_summary_has_the_last_run_and_the_last_reply() -> None:
    ticket = followed(
        runs=[{"status": "failed", "turns": 2}, {"status": "succeeded", "turns": 3}],
        actions=[action()],
        messages=[
            {"direction": "inbound", "body": "Where is it?"},
            {"direction": "outbound", "body": "Refunded."},
            {"direction": "inbound", "body": "Thanks."},
        ],
    )
    result = summary(ticket)
    kept = ("kind", "status", "amount", "currency", "target", "idempotency_key", "attempts", "verdict")
    assert result == {
        "external_id": "a-1",
        "ticket_id": "t",
        "status": "answered",
        "run_status": "succeeded",
        "turns": 5,
        "actions": [{name: action()[name] for name in kept}],
        "reply": "Refunded.",
    }


def test_each_line_lists_effects_and_the_table_counts_them() -> None:
    sent = action(kind="reply", amount=None, currency=None, attempts=1)
    waiting = action(kind="account_change", amount=None, currency=None, attempts=0, status="awaiting_approval")
    first = followed(actions=[action(), sent])
    second = followed(status="awaiting_approval", actions=[waiting])
    third = followed(status="needs_person", reason="The customer asks for a person.")
    assert report.line(first).split(maxsplit=2)[2] == "refund $36.50 of #W1: succeeded after 2 attempts"
    assert report.line(second).endswith("account change of #W1: awaiting approval")
    assert report.line(third).endswith("needs a person     The customer asks for a person.")
    assert report.table([first, second, third, first]).endswith("2 answered, 1 awaiting approval, 1 needs a person")
