"""Tickets that need a person: in order, with the failed step first, and what a person can do there."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.lib.errors import Refused
from agentops.models import Run, Step
from agentops.runs import closing, steps
from agentops.web.queries import person
from approvals.models import AuditEvent
from tests.integration.history_rows import a_ticket, an_action, an_attempt, signed_in
from tests.screen import markup
from tickets import queries
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
LIST = {"HX-Request": "true", "HX-Target": "div#queue-list"}
PANE = {"HX-Request": "true", "HX-Target": "section#pane"}


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


@pytest.fixture
def lead(db: None) -> User:
    return User.objects.get_or_create(username="maya")[0]


def with_person(subject: str = "My lamp", *, since: int = 0, **more: Any) -> Ticket:
    """Create a ticket that has needed a person for this many minutes."""
    at = timezone.now() - timedelta(minutes=since)
    return a_ticket(subject, status="needs_person", **{"reason": "They want a person.", "person_since": at, **more})


def a_run(ticket: Ticket, *made: dict[str, Any], **more: Any) -> Run:
    """Create a run that ended with a person after these steps."""
    now = timezone.now()
    given = {"status": "succeeded", "outcome": "with_person", "finished_at": now, "started_at": now, **more}
    number = ticket.runs.count() + 1
    run = Run.objects.create(ticket=ticket, number=number, through_message=ticket.messages.earliest("pk").pk, **given)
    triage = {"kind": "triage", "name": "small", "input": {"brief": "", "answered_through": 0}}
    for index, step in enumerate([triage, *made]):
        Step.objects.create(run=run, index=index, **{"status": "done", "kind": "tool", "finished_at": now, **step})
    return run


def failing(name: str = "get_order", **more: Any) -> dict[str, Any]:
    asked = {"call_id": "c1", "tool": name, "arguments": '{"order_id": "#W77"}'}
    return {"name": name, "status": "failed", "input": asked, **more}


def place(ticket: Ticket, name: str = "needs-a-person-ticket") -> str:
    return reverse(name, args=[ticket.pk])


# --- the list -------------------------------------------------------------------------------------------


def test_tickets_are_sorted_by_money_at_stake_then_waiting_time(maya: Client) -> None:
    for subject, since, held in (("Young", 1, False), ("Old", 50, False), ("Held, young", 2, True), ("Held", 9, True)):
        with_person(subject, since=since, kept_by_person=held)
    a_ticket("Answered long ago")
    page = markup(maya.get(reverse("needs-a-person")))
    places = [page.index(f">{subject}<") for subject in ("Held", "Held, young", "Old", "Young")]
    assert places == sorted(places)
    assert "Answered long ago" not in page


def test_person_pages_neither_skip_nor_repeat_tickets() -> None:
    count = 2 * queries.PAGE + 1
    at = timezone.now()
    since = [at - timedelta(minutes=number % 3) for number in range(count)]
    wanted = [with_person(kept_by_person=number < 60, person_since=since[number]).pk for number in range(count)]
    seen: list[str] = []
    after = ""
    while True:
        rows, after = person.waiting_page(after)
        seen += [row.ticket.pk for row in rows]
        if not after:
            break
    assert seen == [ticket.pk for ticket in queries.tickets_with_person()]
    assert sorted(seen) == sorted(wanted)


def test_rows_name_step_and_error_with_few_queries(maya: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        a_run(with_person(f"Number {number}"), failing(error_code="timeout", error_class="transient"))
    with django_assert_max_num_queries(14):
        page = markup(maya.get(reverse("needs-a-person")))
    assert page.count("get_order: timeout</span>") == 12


def test_the_list_updates_itself_and_the_navigation_counts(maya: Client) -> None:
    ticket = with_person("New in the list")
    fragment = markup(maya.get(reverse("needs-a-person"), headers=LIST))
    assert "New in the list" in fragment
    assert "<html" not in fragment
    assert '<span class="count" id="count-needs-a-person">1</span>' in markup(maya.get(reverse("tickets")))
    Ticket.objects.filter(pk=ticket.pk).update(status="closed")
    assert "count-needs-a-person" not in markup(maya.get(reverse("tickets")))


def test_the_database_records_since_when_a_person_is_needed(lead: User) -> None:
    ticket = a_ticket("Answered")
    Ticket.objects.filter(pk=ticket.pk).update(status="needs_person", kept_by_person=True, claimed_by=lead)
    ticket.refresh_from_db()
    first = ticket.person_since
    Ticket.objects.filter(pk=ticket.pk).update(status="needs_person", reason="Another.")
    ticket.refresh_from_db()
    assert (first is not None, ticket.person_since) == (True, first)
    Ticket.objects.filter(pk=ticket.pk).update(status="answered")
    ticket.refresh_from_db()
    assert (ticket.person_since, ticket.kept_by_person, ticket.claimed_by) == (None, False, None)


# --- the failed step ------------------------------------------------------------------------------------


def test_the_failed_step_is_shown_with_its_request(maya: Client) -> None:
    ticket = with_person(reason="The model call failed: timeout.")
    run = a_run(
        ticket,
        {"kind": "llm", "name": "gpt-x", "output": {"tool_calls": []}},
        {
            "kind": "llm",
            "name": "gpt-x",
            "status": "failed",
            "error_code": "timeout",
            "error_class": "transient",
            "error_message": "No answer within 60 s.",
            "attempts": 4,
        },
        status="failed",
    )
    page = markup(maya.get(place(ticket)))
    for shown in (
        "2. gpt-x",
        "asking the model what to do next",
        "timeout",
        "No answer within 60 s.",
        "No usable response after 4 attempts",
        "The model call failed",
        "No response",
        f"{reverse('run', args=[run.pk])}?step=2",
        reverse("ticket", args=[ticket.pk]),
        "My lamp is broken. &lt;script&gt;",
    ):
        assert shown in page
    assert page.index("Failed step") < page.index("Conversation")


@pytest.mark.parametrize(
    ("made", "did", "went"),
    [
        (failing(error_code="order_not_found", error_class="refused"), "reading from the shop", "was invalid"),
        (failing(error_code="fault", error_class="internal"), "reading from the shop", "A bug in AgentOps"),
        (failing(error_code="worker_lost", error_class="transient"), "reading from the shop", "kept crashing"),
        (failing("refund", error_code="unauthorized", error_class="unauthorized"), "refund", "credentials"),
        (failing("nonsense", error_code="unknown_tool", error_class="refused"), "unknown tool", "was invalid"),
        ({"name": "hand_over", "output": {"handed_over": True}}, "handing the ticket to a person", "Nothing failed"),
        ({"kind": "llm", "name": "gpt-x", "output": {}}, "asking the model", "couldn't be used"),
        (failing(error_code="http_400", error_class="terminal"), "reading from the shop", "rejected this permanently"),
    ],
)
def test_the_failure_is_explained_in_plain_words(made: dict[str, Any], did: str, went: str) -> None:
    ticket = with_person()
    a_run(ticket, made)
    found = person.broken(ticket)
    assert did in found.did
    assert went in found.went


def test_a_run_held_by_a_budget_shows_no_failed_call(lead: User) -> None:
    ticket = with_person(reason="The budget “All models per day” has no room.")
    a_run(ticket, failing(error_code="order_not_found", error_class="refused"), status="waiting", finished_at=None)
    found = person.broken(ticket)
    assert "is on hold after this step" in found.went


def test_an_unusable_answer_is_the_failure_not_the_call_before(lead: User) -> None:
    ticket = with_person(reason="The model's answers couldn't be used 5 times.")
    a_run(
        ticket,
        failing(error_code="order_not_found", error_class="refused"),
        {"kind": "llm", "name": "gpt-x", "output": {}},
        status="failed",
    )
    found = person.broken(ticket)
    assert (found.name, found.went) == ("gpt-x", "The model's response couldn't be used.")


def test_an_undone_effect_is_shown_before_a_later_answered_run(maya: Client) -> None:
    ticket = with_person(kept_by_person=True, reason="t:refund:1 had succeeded and failed afterwards.")
    action = an_action(
        ticket,
        status="failed",
        error_code="provider_failed",
        error_class="terminal",
        error_message="The card was closed.",
    )
    an_attempt(action)
    a_run(ticket, {"name": "refund", "action": action, "input": {"call_id": "c", "tool": "refund", "arguments": "{}"}})
    a_run(ticket, {"name": "get_order", "input": {}}, outcome="answered")
    page = markup(maya.get(place(ticket)))
    for shown in (
        action.idempotency_key,
        "$42.00",
        "The card was closed.",
        "The customer may believe it did",
        "Urgent",
        "re_1",
    ):
        assert shown in page


def test_an_unknown_outcome_is_shown_as_such() -> None:
    ticket = with_person()
    action = an_action(ticket, status="unresolved", error_code="timeout", error_class="effect_unknown")
    a_run(
        ticket,
        {"name": "refund", "action": action, "status": "waiting", "finished_at": None},
        status="waiting",
        outcome="",
        finished_at=None,
    )
    assert "We don't know yet" in person.broken(ticket).went


def test_an_undelivered_reply_by_a_person_is_shown(maya: Client) -> None:
    ticket = with_person(kept_by_person=True)
    an_action(
        ticket,
        kind="reply",
        status="failed",
        run_id=None,
        error_code="invalid_recipient",
        error_class="terminal",
        params={"text": "My own words.", "reason": "Written."},
    )
    a_run(ticket, {"name": "hand_over"})
    page = markup(maya.get(place(ticket)))
    assert "sending a person's reply to the customer" in page
    assert "My own words." in page


def test_a_ticket_without_steps_has_a_page(maya: Client) -> None:
    assert "No agent step is recorded" in markup(maya.get(place(with_person())))
    assert maya.get(place(a_ticket("Answered"))).status_code == 200
    assert maya.get(reverse("needs-a-person-ticket", args=["nothing"])).status_code == 404


def test_htmx_gets_only_the_pane(maya: Client) -> None:
    page = markup(maya.get(place(with_person()), headers=PANE))
    assert "<title>" in page
    assert "<html" not in page


# --- what a person can do -------------------------------------------------------------------------------


def test_a_ticket_is_claimed_taken_over_and_released(maya: Client) -> None:
    ticket = with_person()
    noor = signed_in("noor")
    for client, name, holder in ((maya, "claim", "maya"), (noor, "claim", "noor"), (noor, "release", None)):
        client.post(place(ticket, f"needs-a-person-{name}"))
        ticket = Ticket.objects.select_related("claimed_by").get(pk=ticket.pk)
        assert (ticket.claimed_by.get_username() if ticket.claimed_by else None) == holder
    verbs = AuditEvent.objects.filter(object_type="ticket", object_id=ticket.pk).order_by("pk")
    assert list(verbs.values_list("verb", "actor")) == [
        ("ticket.claimed", "maya"),
        ("ticket.claimed", "noor"),
        ("ticket.released", "noor"),
    ]
    Ticket.objects.filter(pk=ticket.pk).update(status="answered")
    answer = maya.post(place(ticket, "needs-a-person-claim"), follow=True)
    assert "The ticket no longer needs a person: it is answered." in markup(answer)


def test_claiming_with_htmx_updates_the_list_and_the_assignee(maya: Client) -> None:
    ticket = with_person()
    page = markup(maya.post(place(ticket, "needs-a-person-claim"), headers=LIST))
    assert '<span class="q-claim">maya</span>' in page
    assert "Assigned to you" in page


def test_the_agent_can_be_rerun_on_the_same_message(maya: Client) -> None:
    ticket, following = with_person(since=5), with_person("The next one")
    first = a_run(ticket, {"name": "hand_over"})
    answer = maya.post(place(ticket, "ticket-run-again"), {"back": "needs-a-person"})
    assert answer["Location"] == place(following)
    run = ticket.runs.get(number=2)
    assert (run.status, run.through_message) == ("queued", first.through_message)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.person_since) == ("open", None)
    event = AuditEvent.objects.get(verb="ticket.run_again", object_id=ticket.pk)
    assert (event.actor, event.before["reason"], event.after["run"]) == ("maya", "They want a person.", 2)


@pytest.mark.parametrize("under_way", ["run", "action", "answered"])
def test_it_cannot_be_rerun_while_something_is_in_progress(lead: User, under_way: str) -> None:
    ticket = with_person()
    if under_way == "run":
        a_run(ticket, status="queued", outcome="", finished_at=None)
    elif under_way == "action":
        an_action(ticket, status="unresolved")
    else:
        Ticket.objects.filter(pk=ticket.pk).update(status="answered")
    with pytest.raises(Refused) as refused:
        closing.run_again(ticket.pk, by=lead)
    assert refused.value.code == ("not_with_person" if under_way == "answered" else "under_way")
    assert not AuditEvent.objects.filter(verb="ticket.run_again").exists()


def test_a_second_click_starts_nothing(maya: Client) -> None:
    ticket = with_person()
    a_run(ticket, {"name": "hand_over"})
    for _ in range(2):
        page = maya.post(place(ticket, "ticket-run-again"), {"back": "needs-a-person"}, follow=True)
    assert ticket.runs.count() == 2
    assert "Not run again." in markup(page)


def test_the_new_run_reads_the_customers_latest_message(lead: User) -> None:
    """Even if an acknowledgement has been sent since."""
    ticket = with_person()
    a_run(ticket, {"name": "hand_over"})
    ticket.messages.create(direction="outbound", external_id="k", body="A colleague will answer you.")
    run = closing.run_again(ticket.pk, by=lead)
    said = steps.sent_messages(run, [steps.start_triage(run)], 1)
    assert [message["role"] for message in said] == ["system", "assistant", "user"]
    assert "My lamp is broken." in said[-1]["content"]
    assert said[-1]["content"].startswith(f"Ticket {ticket.pk} from Kim Doe")
    assert said[1]["content"] == "A colleague will answer you."


def test_replying_and_closing_open_the_next_ticket(maya: Client) -> None:
    first, second = with_person("First", since=9), with_person("Second", since=5)
    third = with_person("Third", since=1)
    answer = maya.post(place(second, "ticket-reply"), {"text": "I will look.", "back": "needs-a-person"})
    assert answer["Location"] == place(third)
    answer = maya.post(place(third, "ticket-close"), {"back": "needs-a-person"})
    assert answer["Location"] == place(first)
    assert maya.post(place(first, "ticket-close"))["Location"] == reverse("ticket", args=[first.pk])


def test_readers_are_offered_no_actions(db: None) -> None:
    page = markup(signed_in("ada", "auditor").get(place(with_person())))
    assert "Run the agent again" not in page
    assert "A lead can take over." in page
