"""The history of actions, its exports, and the page of one action."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals import kinds
from approvals.models import Action
from approvals.web.queries import history
from approvals.web.views import export
from tests.integration.history_rows import a_run, a_ticket, an_action, an_attempt, an_event, asked, link, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


def found(**query: str) -> set[int]:
    filters = history.ActionFilters.of(query)
    return {action.pk for action in history.paginate(history.find_actions(filters), filters.after)[0]}


# --- filters --------------------------------------------------------------------------------------------


def test_each_filter_narrows_the_history(db: None) -> None:
    plain = an_action()
    reply = an_action(kind="reply")
    yen = an_action(amount=9_000, currency="JPY")
    failed = an_action(status="failed")
    decided = an_action(verdict="require_approval")
    asked(decided, "approve", by="ines")
    twice = an_action(duplicates_absorbed=2)
    lost = an_action()
    an_attempt(lost, "effect_unknown")
    everything = {action.pk for action in (plain, reply, yen, failed, decided, twice, lost)}
    assert found() == everything
    assert found(kind="reply") == {reply.pk}
    assert found(status="failed") == {failed.pk}
    assert found(currency="jpy") == {yen.pk}
    assert found(by="ines") == {decided.pk}
    assert found(duplicates="1") == {twice.pk}
    assert found(failure="effect_unknown") == {lost.pk}
    assert found(kind="refund", status="failed", currency="USD") == {failed.pk}


@pytest.mark.parametrize("by", ["key", "ticket", "order", "order without its sign", "e-mail"])
def test_an_action_is_found_by_the_identifiers_that_people_copy(db: None, by: str) -> None:
    wanted, _other = an_action(order_id="#W77"), an_action(order_id="#W78")
    words = {
        "key": wanted.idempotency_key,
        "ticket": wanted.ticket_id.upper(),
        "order": "#W77",
        "order without its sign": "w77",
        "e-mail": wanted.ticket.customer.email,
    }
    assert found(q=words[by]) == {wanted.pk}


def test_amount_filters_are_in_major_units(db: None) -> None:
    small, large = an_action(amount=4_999), an_action(amount=5_000)
    yen = an_action(amount=50, currency="JPY")
    assert found(currency="USD", amount_from="50.00") == {large.pk}
    assert found(currency="USD", amount_to="49.99") == {small.pk}
    assert found(currency="JPY", amount_from="50") == {yen.pk}


def test_invalid_filters_are_reported_and_find_nothing(maya: Client) -> None:
    an_action()
    unreadable: list[dict[str, str]] = [
        {"amount_from": "5"},
        {"amount_from": "x", "currency": "USD"},
        {"amount_from": "2,50", "currency": "USD"},
        {"since": "yesterday"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
    ]
    for query in unreadable:
        page = markup(maya.get(reverse("actions"), query))
        assert 'role="alert"' in page
        assert found(**query) == set()


def test_days_refer_to_proposal_or_settlement(db: None) -> None:
    day = datetime(2026, 3, 1, 12, tzinfo=UTC)
    early = an_action(created_at=day, settled_at=day + timedelta(days=5))
    late = an_action(created_at=day + timedelta(days=2), settled_at=day + timedelta(days=2))
    assert found(since="2026-03-01", until="2026-03-01") == {early.pk}
    assert found(since="2026-03-02", until="2026-03-04") == {late.pk}
    assert found(dates="settled", since="2026-03-06") == {early.pk}


# --- pages and exports ----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{}, {"since": "2020-01-01"}, {"dates": "settled", "since": "2020-01-01"}])
def test_pages_and_streams_neither_skip_nor_repeat_rows(db: None, query: dict[str, str]) -> None:
    now = timezone.now()
    made = [an_action(created_at=now - timedelta(hours=number // 4)).pk for number in range(8)]
    filters = history.ActionFilters.of(query)
    paged, after = [], ""
    for _ in range(3):
        rows, after = history.paginate(history.find_actions(filters), after, size=3)
        paged += [row.pk for row in rows]
    assert after == ""
    assert sorted(paged) == sorted(made)
    assert [row.pk for row in history.stream_rows(history.find_actions(filters), batch_size=3)] == paged


def test_the_csv_has_every_row_and_no_formulas(maya: Client) -> None:
    ticket = a_ticket(email="=cmd@example.com")
    action = an_action(ticket, reason='=HYPERLINK("http://evil")', amount=-0 or 4_200)
    asked(action, "approve", by="maya")
    answer = maya.get(reverse("actions-export"), {"kind": "refund"})
    assert answer["Content-Type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert row["customer_email"] == "'=cmd@example.com"
    assert row["reason"].startswith("'=HYPERLINK")
    assert (row["amount"], row["amount_minor"], row["currency"]) == ("42.00", "4200", "USD")
    assert (row["decided_by"], row["decision"], row["attempts"]) == ("maya", "approve", "0")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_a_cell_never_starts_as_a_formula(text: str) -> None:
    assert export.cell(text) == f"'{text}"
    assert export.cell(-5) == "-5"


def test_the_json_export_is_a_list_even_when_empty(maya: Client) -> None:
    action = an_action()
    address = reverse("actions-export")
    [row] = json.loads(maya.get(address, {"format": "json"}).getvalue())
    assert row["idempotency_key"] == action.idempotency_key
    assert row["params"] == action.params
    assert json.loads(maya.get(address, {"format": "json", "kind": "reply"}).getvalue()) == []


def test_the_page_shows_approvers_and_links_keep_the_filters(maya: Client) -> None:
    asked(an_action(verdict="require_approval"), "edit", by="ines")
    ticket = a_ticket()
    for _ in range(history.PAGE):
        an_action(ticket)
    page = markup(maya.get(reverse("actions"), {"kind": "refund"}))
    assert "Policy version 1" in page
    older = link(page, "after=")
    assert "kind=refund" in older
    assert "ines" in markup(maya.get(older))
    assert f"{reverse('actions-export')}?kind=refund" in page
    assert "ines" in markup(maya.get(reverse("actions"), {"by": "ines"}))


# --- one action -----------------------------------------------------------------------------------------


def test_one_page_shows_the_full_history_of_an_action(maya: Client) -> None:
    finished = a_run()
    page = markup(maya.get(reverse("action", args=[finished.refund.pk])))
    said = [
        "Proposed by the agent",
        "Policy: needs approval",
        "Added to the queue",
        "Approved by maya",
        "Attempt 1: outcome unknown",
        "Attempt 2: succeeded",
        "Reply to customer",
    ]
    order = [page.index(text) for text in said]
    assert order == sorted(order)
    assert "Refunded." in page
    assert reverse("run", args=[finished.run.pk]) in page
    assert finished.refund.digest in page


def test_an_edit_is_shown_with_the_original_proposal(maya: Client) -> None:
    before = {"order_id": "#W1", "amount": 9_000, "currency": "USD", "reason": "It is broken."}
    after = {**before, "amount": 4_200}
    action = an_action(verdict="require_approval", params=after)
    asked(action, "edit", edited=after)
    an_event("action.edited", action, actor="maya", params=after, proposed=before, digest=kinds.json_digest(after))
    page = markup(maya.get(reverse("action", args=[action.pk])))
    assert "<del>$90.00</del>" in page
    assert "<ins>$42.00</ins>" in page


def test_a_pending_action_links_to_its_request_and_refreshes(maya: Client) -> None:
    request = asked(an_action(status="awaiting_approval"))
    page = markup(maya.get(reverse("action", args=[request.action_id])))
    assert reverse("queue-item", args=[request.pk]) in page
    assert "every 3s" in page
    assert "every 3s" not in markup(maya.get(reverse("action", args=[an_action().pk])))


def test_text_written_by_the_agent_is_escaped(maya: Client) -> None:
    action = an_action(reason="<img src=x onerror=alert(1)>")
    page = markup(maya.get(reverse("action", args=[action.pk])))
    assert "<img src=x" not in page


def test_reading_requires_the_permission(db: None) -> None:
    nobody, auditor = signed_in("nobody", ""), signed_in("ines", "auditor")
    action: Action = an_action()
    for address in (reverse("actions"), reverse("actions-export"), reverse("action", args=[action.pk])):
        assert nobody.get(address).status_code == 403
        assert auditor.get(address).status_code == 200
    assert auditor.get(reverse("action", args=[404])).status_code == 404
