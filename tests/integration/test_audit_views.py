"""The audit log: who did what to which object, and its exports."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import AuditEvent
from approvals.web.queries import events, history
from approvals.web.queries.difference import differences
from tests.integration.history_rows import an_action, an_event, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def ines(db: None) -> Client:
    return signed_in("ines", "auditor")


def found(**query: str) -> set[int]:
    filters = events.EventFilters.of(query)
    return {event.pk for event in history.paginate(events.find_events(filters), filters.after)[0]}


def test_events_are_found_by_person_verb_object_and_day(db: None) -> None:
    action = an_action()
    march = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    decided = an_event("action.approved", action, actor="maya", at=march)
    moved = an_event("action.succeeded", action)
    assert found(actor="maya") == {decided.pk}
    assert found(verb="action.succeeded") == {moved.pk}
    assert found(object_type="action", object_id=str(action.pk)) == {decided.pk, moved.pk}
    assert found(since="2026-03-01", until="2026-03-01") == {decided.pk}
    assert found(until="2026-02-28") == set()
    assert found(since="x") == set()


def test_verbs_and_people_are_offered_as_filters(db: None) -> None:
    action = an_action()
    for verb in ("b", "a", "b", "c"):
        an_event(verb, action)
    assert [verb for verb in events.verbs() if len(verb) == 1] == ["a", "b", "c"]
    signed_in("ines", "auditor")
    assert {"agent", "system", "ines"} <= set(events.actors())


def test_the_page_shows_only_the_changed_fields(ines: Client) -> None:
    AuditEvent.objects.create(
        actor="maya",
        verb="action.x",
        object_type="action",
        object_id=str(an_action().pk),
        before={"status": "proposed", "same": 1},
        after={"status": "approved", "same": 1, "note": "<b>bold</b>"},
    )
    page = markup(ines.get(reverse("audit"), {"verb": "action.x"}))
    assert "<del>proposed</del>" in page
    assert "<ins>approved</ins>" in page
    assert "&lt;b&gt;bold" in page
    assert "<dt>same</dt>" not in page


@pytest.mark.parametrize("query", [{"until": "9999-12-31"}, {"since": "0001-01-01"}, {"since": "soon"}])
def test_an_invalid_day_is_reported(ines: Client, query: dict[str, str]) -> None:
    answer = ines.get(reverse("audit"), query)
    assert answer.status_code == 200
    assert 'role="alert"' in markup(answer)


def test_every_kind_of_object_can_be_shown(ines: Client) -> None:
    objects = {"provider": "payments", "policy": "1", "request": "5", "action": "7", "ticket": "t1"}
    for object_type, object_id in objects.items():
        AuditEvent.objects.create(actor="system", verb="x", object_type=object_type, object_id=object_id)
    page = " ".join(ines.get(reverse("audit")).content.decode().split())
    for shown in ("provider payments", "Policy version 1</a>", "Request 5</a>", "Action 7</a>", "Ticket t1</a>"):
        assert shown in page


def test_exports_contain_the_filtered_events(ines: Client) -> None:
    action = an_action()
    an_event("action.approved", action, actor="maya", key="=1+1")
    an_event("action.succeeded", action)
    query = {"actor": "maya"}
    [row] = csv.DictReader(io.StringIO(ines.get(reverse("audit-export"), query).getvalue().decode()))
    assert (row["actor"], row["verb"], json.loads(row["after"])) == ("maya", "action.approved", {"key": "=1+1"})
    [event] = json.loads(ines.get(reverse("audit-export"), {**query, "format": "json"}).getvalue())
    assert event["object_id"] == str(action.pk)


def test_the_log_requires_the_permission(db: None) -> None:
    assert signed_in("nobody", "").get(reverse("audit")).status_code == 403
    assert signed_in("nobody", "").get(reverse("audit-export")).status_code == 403


def test_differences_list_the_fields_that_differ() -> None:
    before = {"a": 1, "deep": {"x": 1, "y": 2}, "gone": None, "list": [1]}
    after = {"a": 1, "deep": {"x": 9, "y": 2}, "new": 0, "list": [1, 2]}
    by_field = {row.field: (row.was, row.now, row.had, row.has) for row in differences(before, after)}
    assert by_field == {
        "deep.x": (1, 9, True, True),
        "gone": (None, None, True, False),
        "new": (None, 0, False, True),
        "list": ([1], [1, 2], True, True),
    }
