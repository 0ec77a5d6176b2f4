"""The pages of budgets and models: everyone may read, admins change, with who and why recorded."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from agentops.llm import budget_admin, pricelist
from agentops.models import Breaker, Budget, ModelPrice, Replay, Run, Spending, Step
from agentops.runs import routing_versions
from agentops.runs.routing import RoutingRules
from approvals.models import AuditEvent
from tests.screen import markup
from tests.world import World, ticket_of

CAP = {"per": "day", "model": "", "max_usd": "12.50", "max_tokens": "", "note": "The month is long."}
PRICE = {"model": "my-model", "input": "0.5", "cached": "", "output": "2", "reasoning": "", "note": "Their page."}


def signed_in(group: str) -> Client:
    user, _ = User.objects.get_or_create(username=f"the-{group}")
    user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in("admin")


def page(client: Client, name: str, query: str = "") -> str:
    return markup(client.get(reverse(name) + query))


def user() -> User:
    return User.objects.get_or_create(username="somebody")[0]


def test_a_cap_change_records_who_and_why(admin: Client) -> None:
    assert admin.post(reverse("policy-budget-put"), CAP).status_code == 302
    budget = Budget.objects.get()
    assert (budget.per, budget.model, budget.max_usd, budget.max_tokens) == ("day", "", Decimal("12.5"), None)
    audited = AuditEvent.objects.get(verb="budget.changed")
    assert (audited.actor, audited.before, audited.after["max_usd"]) == ("the-admin", {}, "12.5")
    admin.post(reverse("policy-budget-put"), {**CAP, "max_usd": "20"})
    audited = AuditEvent.objects.filter(verb="budget.changed").latest("pk")
    assert (audited.before["max_usd"], audited.after["max_usd"], audited.after["note"]) == (
        "12.5",
        "20",
        "The month is long.",
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("per", "year", "not one of the available choices"),
        ("max_usd", "", "Enter a limit in dollars, tokens or both"),
        ("max_usd", "-1", "greater than or equal to 0"),
        ("max_usd", "NaN", "Enter a number"),
        ("max_usd", "1.2345678", "no more than 6 decimal places"),
        ("max_tokens", "many", "whole number"),
        ("note", " ", "required"),
    ],
)
def test_an_invalid_cap_is_returned_with_the_reason(admin: Client, field: str, value: str, said: str) -> None:
    answer = admin.post(reverse("policy-budget-put"), {**CAP, field: value})
    assert (answer.status_code, Budget.objects.count()) == (422, 0)
    assert said in markup(answer)


def test_spent_reserved_and_remaining_amounts_are_shown(admin: Client) -> None:
    budget_admin.set_budget(per="day", model="", by=user(), note="x", max_usd=Decimal(1))
    budget_admin.set_budget(per="ticket", model="gpt-5", by=user(), note="x", max_tokens=70_000)
    Spending.objects.create(
        day=timezone.now().date(), model="gpt-5", spent_usd=Decimal("0.25"), reserved_usd=Decimal("0.05")
    )
    for name in ("policy-budgets", "dashboard"):
        shown = page(admin, name)
        for figure in ("$0.25", "$0.05", "$0.70"):
            assert figure in shown, (name, figure)
    assert "70,000" in page(admin, "policy-budgets")


def test_a_budget_is_edited_in_place_and_removed_with_reason(admin: Client) -> None:
    budget = budget_admin.set_budget(per="month", model="gpt-5", by=user(), note="x", max_usd=Decimal(3))
    assert 'value="gpt-5"' in page(admin, "policy-budgets", f"?change={budget.pk}")
    address = reverse("policy-budget-remove", args=[budget.pk])
    assert admin.post(address, {"note": ""}).status_code == 422
    assert Budget.objects.exists()
    assert admin.post(address, {"note": "Not needed."}).status_code == 302
    assert not Budget.objects.exists()
    assert AuditEvent.objects.filter(verb="budget.changed").latest("pk").after == {"note": "Not needed."}
    assert admin.post(address, {"note": "Again."}).status_code == 404


@pytest.mark.parametrize("query", ["?change=x", "?change=99999999999999999999", "?change="])
def test_a_nonexistent_budget_opens_an_empty_form(admin: Client, query: str) -> None:
    assert admin.get(reverse("policy-budgets") + query).status_code == 200


def test_a_new_price_keeps_the_old_one(admin: Client) -> None:
    assert admin.post(reverse("policy-model-price"), PRICE).status_code == 302
    assert admin.post(reverse("policy-model-price"), {**PRICE, "cached": "0.1"}).status_code == 302
    assert [row.cached for row in ModelPrice.objects.filter(model="my-model").order_by("pk")] == [
        Decimal("0.5"),
        Decimal("0.1"),
    ]
    assert pricelist.price_in_force("my-model").reasoning == 2
    assert "my-model" in page(signed_in("auditor"), "policy-models")


@pytest.mark.parametrize(
    ("field", "value"),
    [("input", ""), ("input", "-1"), ("output", "cheap"), ("model", ""), ("note", ""), ("cached", "1e9")],
)
def test_an_invalid_price_is_returned(admin: Client, field: str, value: str) -> None:
    answer = admin.post(reverse("policy-model-price"), {**PRICE, field: value})
    assert answer.status_code == 422
    assert "errorlist" in markup(answer)
    assert not ModelPrice.objects.filter(model="my-model").exists()


def test_a_used_model_without_a_price_is_named_with_advice(admin: Client, settings: Settings) -> None:
    settings.LLM_EXPERT_MODEL = "my-own-model"
    shown = page(admin, "policy-models")
    assert "my-own-model" in shown
    assert "has no price, so it isn't used" in shown
    assert "?price=my-own-model#price" in shown
    assert 'value="my-own-model"' in page(admin, "policy-models", "?price=my-own-model")


def test_a_routing_form_change_records_who_and_why(admin: Client) -> None:
    sent = {"signs": ["ambiguous"], "reasons": ["above_ceiling"], "note": "The expert is dear."}
    assert admin.post(reverse("policy-model-routing"), sent).status_code == 302
    assert routing_versions.rules_in_force() == RoutingRules(expert_on=("ambiguous", "above_ceiling"))
    assert "The expert is dear." in page(admin, "policy-models")
    assert admin.post(reverse("policy-model-routing"), {**sent, "signs": ["moon"]}).status_code == 422
    assert admin.post(reverse("policy-model-routing"), {"signs": []}).status_code == 422


def test_readers_see_the_rules_without_forms(db: None) -> None:
    reader = signed_in("auditor")
    shown = page(reader, "policy-models")
    assert "Triage: ambiguous ticket" in shown
    assert "Add a price" not in shown
    assert "Set a budget" not in page(reader, "policy-budgets")
    for name in ("policy-budget-put", "policy-model-price", "policy-model-routing"):
        assert reader.post(reverse(name), {}).status_code == 403


def test_an_open_breaker_is_shown_on_both_pages(admin: Client) -> None:
    Breaker.objects.create(
        provider="primary",
        model="gpt-5",
        state="open",
        failures=7,
        opened_at=timezone.now(),
        probe_at=timezone.now(),
        last_error="http_503: <b>Down</b>",
    )
    for name in ("policy-models", "dashboard"):
        shown = page(admin, name)
        assert "gpt-5" in shown
        assert "&lt;b&gt;Down" in shown


# --- runs and the dashboard -----------------------------------------------------------------------------


def a_run(world: World, *, route: str = "plain", usd: str = "0.01", **step: Any) -> Run:
    ticket = ticket_of(world.order())
    run = Run.objects.get(ticket=ticket)
    Run.objects.filter(pk=run.pk).update(route=route, turns=1, cost_usd=Decimal(usd), status="succeeded")
    given = {
        "route": {"tier": "plain", "code": route, "why": "A plain case."},
        "provider": "primary",
        "passed_over": [],
    }
    said = {
        "kind": "llm",
        "name": "gpt-5-mini",
        "status": "done",
        "cost_usd": Decimal(usd),
        "finished_at": timezone.now(),
    }
    Step.objects.create(run=run, index=0, input={**given, **step.pop("input", {})}, **{**said, **step})
    return run


def test_a_run_shows_which_model_did_what_and_why(world: World) -> None:
    run = a_run(
        world,
        input={"passed_over": ["gpt-5 has failed 4 times: http_503"]},
        lost=[{"model": "gpt-5-mini", "usd": "0.0042", "tokens": 900}],
    )
    budget_admin.set_budget(per="ticket", model="", by=user(), note="x", max_usd=Decimal("0.10"))
    shown = markup(signed_in("auditor").get(reverse("run", args=[run.pk])))
    for words in (
        "A plain case.",
        "gpt-5-mini",
        "Skipped: gpt-5 has failed 4 times",
        "$0.0042 presumed",
        "All models per ticket",
        "$0.09",
    ):
        assert words in shown, words


def test_the_dashboard_shows_cost_per_ticket_day_and_route(world: World) -> None:
    Run.objects.update(turns=0, cost_usd=0)
    held_after_its_triage = a_run(world, usd="0.01")
    Run.objects.filter(pk=held_after_its_triage.pk).update(turns=0)
    a_run(world, route="risk_signs", usd="0.05")
    context = signed_in("auditor").get(reverse("dashboard")).context
    today = context["costs"].columns[-1]
    assert today.total == 30_000, "six cents over two tickets, in millionths"
    assert [(part.kind, part.value) for part in today.parts] == [("plain", 5_000), ("expert", 25_000)]
    rows = {row.code: row for row in context["by_route"]}
    assert (rows["risk_signs"].per_ticket, rows["risk_signs"].what) == (
        Decimal("0.05"),
        "Triage: signs of risk",
    )


def test_the_dashboard_shows_the_cost_of_replays_separately(world: World) -> None:
    Replay.objects.update(cost_usd=0)
    run = a_run(world, usd="0.01")
    client = signed_in("auditor")
    assert "from the same budgets" not in markup(client.get(reverse("dashboard")))
    for usd in ("0.02", "0.0004", "0"):
        Replay.objects.create(run=run, mode=Replay.Mode.MODEL, asked_by="lead", cost_usd=Decimal(usd))
    shown = markup(client.get(reverse("dashboard")))
    assert "Plus 2 replays from the same budgets" in shown
    assert "$0.0204" in shown
