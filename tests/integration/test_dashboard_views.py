"""The dashboard's figures, each linked to its list, and the endpoints for load balancers."""

from datetime import timedelta

import pytest
import redis
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from agentops.web.queries import figures
from agentops.web.views import charts
from agentops.worker import heartbeat
from approvals.web.queries import figures as action_figures
from tests.integration.history_rows import a_run, a_ticket, an_action, an_attempt, asked, signed_in
from tests.screen import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


def test_an_empty_system_has_a_dashboard(maya: Client) -> None:
    page = markup(maya.get(reverse("dashboard")))
    assert "Queue is empty" in page
    assert "No refunds today" in page


def test_only_a_demo_links_to_the_naive_comparison(maya: Client, settings: Settings) -> None:
    for demo in (False, True):
        settings.DEMO = demo
        assert (reverse("chaos") in markup(maya.get(reverse("dashboard")))) == demo


def test_the_dashboard_shows_what_happened_and_links_to_it(maya: Client) -> None:
    a_run()
    asked(an_action(status="awaiting_approval", verdict="require_approval"))
    an_action(status="unresolved")
    page = markup(maya.get(reverse("dashboard")))
    for said in ("Refused", "Outcome unknown", "$42.00"):
        assert said in page
    for link in ("?lane=unknown", "?duplicates=1", "?failure=effect_unknown", "?failure=refused"):
        assert link in page
    fragment = markup(maya.get(reverse("dashboard"), headers={"HX-Request": "true"}))
    assert "<html" not in fragment


def test_money_is_shown_per_currency_and_state(db: None) -> None:
    now = timezone.now()
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    an_action(amount=1_000)
    an_action(amount=500)
    an_action(amount=7_000, created_at=start - timedelta(days=2))  # settled before today
    an_action(amount=9_000, approved_at=start - timedelta(days=3), settled_at=now)  # approved before today
    an_action(status="awaiting_approval", amount=300, currency="JPY")
    an_action(status="executing", amount=40, currency="JPY")
    an_action(status="failed", amount=80_000)
    an_action(kind="reply")
    rows = {row.currency: row for row in action_figures.money_figures(start)}
    assert (rows["USD"].moved, rows["USD"].moved_count) == (10_500, 3)
    assert (rows["JPY"].held, rows["JPY"].held_count, rows["JPY"].underway) == (300, 1, 40)
    assert set(rows) == {"USD", "JPY"}


def test_failures_and_recoveries_are_counted_by_class(db: None) -> None:
    healed, lost = an_action(), an_action(status="unresolved")
    an_attempt(healed, "effect_unknown")
    an_attempt(healed)
    an_attempt(lost, "effect_unknown")
    an_attempt(lost, "effect_unknown")
    an_attempt(an_action(status="awaiting_approval"), "changed")
    [row] = action_figures.provider_failures(timezone.now() - timedelta(days=7))
    assert (row.error_class, row.attempts, row.actions, row.succeeded) == ("effect_unknown", 3, 2, 1)


def test_tickets_are_counted_by_outcome_per_day(db: None) -> None:
    now = timezone.now()
    a_ticket()
    an_action(a_ticket(), verdict="require_approval")
    a_ticket(status="needs_person", ago=timedelta(days=1))
    a_ticket(status="working")
    a_ticket(ago=timedelta(days=30))
    days = figures.flow(now - timedelta(days=2), now.date())
    assert [(day.alone, day.approved, day.person, day.open) for day in days] == [(0,) * 4, (0, 0, 1, 0), (1, 1, 0, 1)]
    ends = {ending.kind: ending.count for ending in charts.endings(days)}
    assert ends == {"alone": 1, "approved": 1, "person": 1, "open": 1}


def test_the_automated_share_counts_approved_actions(db: None) -> None:
    now = timezone.now()
    an_action()
    an_action(verdict="require_approval")
    an_action(status="blocked", verdict="block")
    [day] = action_figures.autonomy_by_day(now.replace(hour=0, minute=0), now.date())
    assert (day.actions, day.alone) == (2, 1)


def test_cost_per_ticket_counts_tickets_with_model_calls(db: None) -> None:
    a_run()
    a_ticket()
    cost = figures.cost_since(timezone.now() - timedelta(days=7))
    assert (cost.tickets, str(cost.per_ticket)) == (1, "0.004200")
    assert figures.cost_since(timezone.now()).per_ticket is None


def test_a_chart_axis_ends_at_a_round_number() -> None:
    now = timezone.now()
    assert charts.stacked([]).top == 1
    for total, top in ((1, 1), (7, 8), (12, 15), (31, 40), (180, 200)):
        chart = charts.stacked([figures.Flow(now.date(), alone=total)])
        assert chart.top == top
        assert chart.columns[0].parts[0].height == pytest.approx(100 * total / top, abs=0.01)


# --- health checks --------------------------------------------------------------------------------------


def test_healthz_needs_neither_login_nor_database() -> None:
    assert Client().get("/healthz").content == b"ok\n"


def test_readyz_requires_database_broker_and_worker(db: None, broker: str) -> None:
    with redis.Redis.from_url(broker) as valkey, override_settings(REDIS_URL=broker):
        valkey.delete(heartbeat.KEY)
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["database"], answer.json()["broker"]) == (503, "ok", "ok")
        valkey.set(heartbeat.KEY, timezone.now().timestamp(), ex=30)
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["worker"]) == (200, "ok")
        valkey.set(heartbeat.KEY, timezone.now().timestamp() - 60, ex=30)
        with override_settings(SWEEP_SECONDS=60.0):  # a slow sweep does not count as dead
            assert Client().get("/readyz").status_code == 200
        assert Client().get("/readyz").status_code == 503


def test_readyz_names_the_missing_part_without_hostnames(db: None) -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "broker": "ConnectionError", "worker": "ConnectionError"}
