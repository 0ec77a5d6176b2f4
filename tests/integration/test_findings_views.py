"""The pages of findings and of unknown outcomes, with and without htmx."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from approvals import states
from approvals.models import Action, AuditEvent, Comparison, Finding, HandSettlement
from approvals.reconciliation import by_hand, comparison
from approvals.web.queries import findings as queries
from tests.integration.books import make_quiet, unresolved_refund
from tests.integration.history_rows import an_action, signed_in
from tests.screen import markup
from tests.world import World

PANE = {"HX-Request": "true", "HX-Target": "section#pane"}
LIST = {"HX-Request": "true", "HX-Target": "div#findings-list"}
POLL = {"HX-Request": "true", "HX-Target": "section#comparison"}


@pytest.fixture
def maya(live_database: str) -> Client:
    Finding.objects.all().delete()
    return signed_in()


def a_finding(kind: str = "theirs_alone", **more: Any) -> Finding:
    number = Finding.objects.count() + 1
    theirs = {
        "refund_id": f"re_{number}",
        "amount": 1_250,
        "currency": "USD",
        "status": "succeeded",
        "reference": "<b>back office</b>",
        "order_id": "#W7",
    }
    given = {"reference": f"re_{number}", "theirs": theirs, "happened_at": timezone.now(), **more}
    return Finding.objects.create(kind=kind, **given)


def close(client: Client, finding: Finding, note: str = "Paid in the back office.", **options: Any) -> Any:
    return client.post(reverse("finding-close", args=[finding.pk]), {"note": note}, **options)


# --- findings -------------------------------------------------------------------------------------------


def test_the_page_shows_both_sides_and_links_to_the_action(maya: Client) -> None:
    action = an_action()
    ours = {"key": action.idempotency_key, "status": "succeeded", "amount": 2_000, "currency": "USD"}
    a_finding("amounts_differ", action=action, ours=ours)
    page = markup(maya.get(reverse("findings")))
    for shown in ("Amounts differ", "$20.00", "$12.50", action.idempotency_key, reverse("action", args=[action.pk])):
        assert shown in page
    assert "<b>back office" not in page


def test_the_page_shows_the_last_comparison(maya: Client) -> None:
    Comparison.objects.all().delete()
    assert "No comparison yet" in markup(maya.get(reverse("findings")))
    now = timezone.now()
    Comparison.objects.create(since=now - timedelta(days=3), finished_at=now, theirs=1_234, ours=1_233, opened=1)
    page = markup(maya.get(reverse("findings")))
    assert "1,234" in page
    assert "1,233" in page
    Comparison.objects.create(since=now, finished_at=now, error="The provider didn't respond (timeout)")
    page = markup(maya.get(reverse("findings")))
    assert "The provider didn't respond (timeout)" in page
    assert "1,234" in page, "the last successful comparison still counts"


def test_closing_needs_a_note_and_is_audited(maya: Client) -> None:
    finding = a_finding()
    refused = close(maya, finding, note=" ")
    assert refused.status_code == 422
    assert "This field is required" in markup(refused)
    answer = close(maya, finding, follow=True)
    assert "Finding closed." in markup(answer)
    finding.refresh_from_db()
    assert (finding.closed_by, finding.note) == (User.objects.get(username="maya"), "Paid in the back office.")
    assert AuditEvent.objects.filter(object_type="finding", object_id=finding.pk, actor="maya").exists()
    page = markup(maya.get(reverse("findings"), {"lane": "closed"}))
    assert "Paid in the back office." in page
    assert "by maya" in page
    assert "already closed" in markup(close(maya, finding, follow=True))


def test_htmx_gets_the_updated_list(maya: Client) -> None:
    first, second = a_finding(), a_finding()
    refused = close(maya, first, note="", headers=LIST)
    assert refused.status_code == 422
    assert "<html" not in markup(refused)
    answer = markup(close(maya, first, headers=LIST))
    assert "<html" not in answer
    assert f'id="finding-{second.pk}"' in answer
    assert f'id="finding-{first.pk}"' not in answer
    assert 'hx-target="#toasts"' in answer


def test_a_refused_note_stays_in_its_form(maya: Client) -> None:
    finding, other = a_finding(), a_finding()
    page = markup(close(maya, finding, note="x" * 501))
    assert page.count("x" * 501) == 1
    assert f'id="finding-{other.pk}-note"' in page


def test_without_the_permission_there_is_no_form(maya: Client) -> None:
    finding = a_finding()
    page = markup(signed_in("ann", "auditor").get(reverse("findings")))
    assert finding.reference in page
    assert reverse("finding-close", args=[finding.pk]) not in page
    assert reverse("findings-compare") not in page


def test_older_findings_are_on_the_next_page(maya: Client) -> None:
    rows = [a_finding() for _ in range(queries.PAGE + 1)]
    page = maya.get(reverse("findings"))
    assert [row["finding"] for row in page.context["rows"]] == rows[:0:-1]
    older = maya.get(page.context["more"])
    assert [row["finding"] for row in older.context["rows"]] == [rows[0]]
    assert older.context["more"] == ""


@pytest.mark.parametrize("query", [{"lane": "nonsense"}, {"after": "x"}, {"after": "9" * 40}])
def test_an_unreadable_cursor_shows_the_first_page(maya: Client, query: dict[str, str]) -> None:
    finding = a_finding()
    assert finding.reference in markup(maya.get(reverse("findings"), query))


def test_a_nonexistent_finding_is_not_found(maya: Client) -> None:
    gone = Finding(pk=10**9)
    assert close(maya, gone).status_code == 404


def test_a_worker_performs_the_comparison(maya: Client, world: World, settings: Settings) -> None:
    """The request only creates the row: without a worker nothing else happens."""
    asked = maya.post(reverse("findings-compare"))
    assert asked.headers["Location"] == reverse("findings")
    made = Comparison.objects.latest("pk")
    assert (made.finished_at, made.theirs) == (None, 0)
    assert abs(timezone.now() - timedelta(hours=24) - made.since) < timedelta(seconds=10)
    assert AuditEvent.objects.filter(object_type="comparison", object_id=made.pk, actor="maya").exists()
    assert "every 2s" in markup(maya.get(reverse("findings")))
    poll = markup(maya.get(reverse("findings"), headers=POLL))
    assert "Comparing refunds" in poll
    assert "#findings-list" not in poll
    current_app.tasks["approvals.tasks.compare"](made.pk)
    poll = markup(maya.get(reverse("findings"), headers=POLL))
    assert "every 2s" not in poll
    assert "#findings-list" in poll
    made.refresh_from_db()
    assert (made.error, made.finished_at is not None) == ("", True)


def test_a_stuck_comparison_does_not_block_the_button(maya: Client) -> None:
    now = timezone.now()
    Comparison.objects.create(since=now, started_at=now - timedelta(minutes=6))
    page = markup(maya.get(reverse("findings")))
    assert "was interrupted" in page
    assert "every 2s" not in page


def test_every_page_warns_of_open_findings(maya: Client) -> None:
    finding = a_finding()
    for name in ("dashboard", "queue", "actions", "tickets"):
        assert "Refunds don't match" in markup(maya.get(reverse(name)))
    assert "Refunds don't match" not in markup(maya.get(reverse("findings")))
    assert "Refunds don't match" not in markup(signed_in("nobody", "").get(reverse("queue")))
    close(maya, finding)
    assert "Refunds don't match" not in markup(maya.get(reverse("queue")))


def test_the_dashboard_counts_the_findings(maya: Client) -> None:
    assert "No differences" in markup(maya.get(reverse("dashboard")))
    a_finding()
    assert "Oldest found" in markup(maya.get(reverse("dashboard")))


# --- the lane "outcome unknown" -------------------------------------------------------------------------


def card(action: Action, name: str = "") -> str:
    return reverse(f"queue-unknown{name}", args=[action.pk])


def unknown_refund(amount: int = 2_000) -> Action:
    params = {"order_id": "#W1", "payment_id": "pay_none", "amount": amount, "currency": "USD", "reason": "Broken."}
    return an_action(status=states.UNRESOLVED, amount=amount, params=params)


@pytest.fixture
def away(world: World, settings: Settings) -> None:
    """Make the provider unreachable, so that people have to decide."""
    settings.PAYMENTS_URL = "http://127.0.0.1:1"


def test_the_provider_can_be_asked_again(maya: Client, world: World) -> None:
    action = unresolved_refund(world)
    answer = maya.post(card(action, "-ask"), follow=True)
    page = markup(answer)
    assert "The provider has this: re_" in page
    assert "The outcome is now known: succeeded." in page
    assert "Checked by maya" in page
    assert card(action, "-ask") not in page


def test_an_unreachable_provider_is_reported_in_the_pane(maya: Client, world: World, settings: Settings) -> None:
    action = unknown_refund()
    settings.PAYMENTS_URL = "http://127.0.0.1:1"
    answer = markup(maya.post(card(action, "-ask"), headers=PANE))
    assert "<html" not in answer
    assert "Couldn't check with the provider" in answer
    assert 'hx-target="#toasts"' in answer
    assert card(action, "-ask") in answer


@pytest.mark.usefixtures("away")
def test_a_person_resolves_an_unknown_outcome(maya: Client, world: World) -> None:
    action = unknown_refund()
    page = markup(maya.get(card(action)))
    assert "One person is enough" in page
    assert "Confirm</button>" in page
    answer = maya.post(card(action, "-settle"), {"happened": "no", "reason": "Support says no."}, follow=True)
    assert "Outcome confirmed: failed." in markup(answer)
    assert "Support says no." in markup(answer)
    assert Action.objects.get(pk=action.pk).status == states.FAILED


def test_the_providers_answer_replaces_a_manual_resolution(maya: Client, world: World) -> None:
    action = unresolved_refund(world)
    answer = maya.post(card(action, "-settle"), {"happened": "no", "reason": "Support says no."}, follow=True)
    assert "The provider answered first. The provider has this" in markup(answer)
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED


def test_the_form_says_when_a_failure_can_be_reported(maya: Client, world: World) -> None:
    action = unresolved_refund(world, happened=False)
    assert "more seconds before you confirm" in markup(maya.get(card(action)))
    answer = maya.post(card(action, "-settle"), {"happened": "no", "reason": "Support says no."}, headers=PANE)
    assert answer.status_code == 422
    assert "Not confirmed.</strong> The provider doesn't have this yet, and an attempt may still arrive" in markup(
        answer
    )
    make_quiet(action)
    assert "before you confirm" not in markup(maya.get(card(action)))


@pytest.mark.usefixtures("away")
def test_htmx_gets_the_pane_and_the_lane(maya: Client, world: World) -> None:
    action, other = unknown_refund(), unknown_refund()
    query = f"?lane=unknown&q={other.ticket.customer.email}"
    answer = maya.post(card(action, "-settle") + query, {"happened": "yes", "reason": "Seen."}, headers=PANE)
    page = markup(answer)
    assert "<html" not in page
    assert "The outcome is now known" in page
    assert f'id="action-{action.pk}"' not in page
    assert f'id="action-{other.pk}"' in page


@pytest.mark.parametrize(
    "said", [{}, {"happened": "yes"}, {"reason": "Seen."}, {"happened": "maybe", "reason": "Seen."}]
)
@pytest.mark.parametrize("headers", [{}, PANE])
def test_an_incomplete_form_is_refused(
    maya: Client, world: World, said: dict[str, str], headers: dict[str, str]
) -> None:
    action = unknown_refund()
    answer = maya.post(card(action, "-settle"), said, headers=headers)
    assert answer.status_code == 422
    assert "errorlist" in markup(answer)
    assert ("Seen." in markup(answer)) == ("reason" in said)
    assert not HandSettlement.objects.filter(action=action).exists()


@pytest.mark.usefixtures("away")
def test_above_the_limit_a_second_person_sees_the_first_answer(maya: Client, world: World) -> None:
    action = unknown_refund(200_000)
    assert "2 people must agree" in markup(maya.get(card(action)))
    first = maya.post(card(action, "-settle"), {"happened": "yes", "reason": "The bank <i>says</i> so."}, follow=True)
    assert "The outcome stays unknown until another person confirms it." in markup(first)
    page = markup(maya.get(card(action)))
    assert "Another person has to confirm it." in page
    assert card(action, "-settle") not in page
    twice = maya.post(card(action, "-settle"), {"happened": "yes", "reason": "Again."})
    assert twice.status_code == 422
    assert "Not confirmed." in markup(twice)
    noor = signed_in("noor")
    page = markup(noor.get(card(action)))
    assert "The bank &lt;i&gt;says" in page
    assert "Confirm</button>" in page  # two different answers settle nothing
    noor.post(card(action, "-settle"), {"happened": "no", "reason": "Support says no."})
    assert "Answers conflict" in markup(noor.get(card(action)))
    omar = signed_in("omar").post(card(action, "-settle"), {"happened": "yes", "reason": "Seen it."}, follow=True)
    assert "Outcome confirmed: succeeded." in markup(omar)


@pytest.mark.usefixtures("away")
def test_the_form_reports_an_outcome_settled_in_between(maya: Client, world: World) -> None:
    action = unknown_refund()
    noor = signed_in("noor")
    by_hand.resolve_by_hand(action_id=action.pk, by=User.objects.get(username="maya"), happened=True, reason="Seen.")
    answer = noor.post(card(action, "-settle"), {"happened": "no", "reason": "Late."}, headers=PANE)
    assert answer.status_code == 422
    assert "The outcome is now known: succeeded" in markup(answer)


def test_auditors_may_read_but_not_resolve(world: World, maya: Client) -> None:
    action = unknown_refund()
    ann = signed_in("ann", "auditor")
    page = markup(ann.get(card(action)))
    assert "Only support leads can confirm" in page
    assert card(action, "-settle") not in page
    for name in ("-ask", "-settle"):
        assert ann.post(card(action, name), {"happened": "yes", "reason": "Seen."}).status_code == 403
    assert Action.objects.get(pk=action.pk).status == states.UNRESOLVED


def test_nonexistent_and_waiting_actions_cannot_be_looked_up(maya: Client) -> None:
    for action in (Action(pk=10**9), an_action(status=states.AWAITING_APPROVAL), an_action(status=states.APPROVED)):
        for name in ("-ask", "-settle"):
            assert maya.post(card(action, name)).status_code == 404
        assert maya.get(card(action)).status_code == 404


def test_the_waiting_period_is_longer_than_a_page_visit() -> None:
    assert comparison.PERIOD.total_seconds() > queries.PATIENCE_SECONDS
