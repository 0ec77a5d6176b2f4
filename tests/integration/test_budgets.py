"""Budgets that hold under concurrency, compared with what the model's server billed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.lib.errors import Refused
from agentops.llm import budget_admin, budget_use, budgets, pricelist
from agentops.llm.holds import Exhausted
from agentops.llm.pricelist import Rates
from agentops.llm.prices import WorstCase
from agentops.models import Budget, Hold, ModelPrice, Run, Spending, Step
from agentops.runs import closing, commit, engine, leasing, steps, tools
from approvals.models import AuditEvent
from tests.billing import CHARGES, Biller, billing
from tests.interruptions import MODEL, Killed, after_answer, before_request, before_statement, die, from_call
from tests.rows import one_after_the_other
from tests.world import World, at_once, propose, run_through, ticket_of
from tickets.models import Message, Ticket


@pytest.fixture
def admin(live_database: str) -> User:
    return User.objects.get_or_create(username="the-admin")[0]


@pytest.fixture
def biller(world: World, settings: Settings, admin: User) -> Iterator[Biller]:
    """A model that bills its maximum for each call. Both models have prices; nothing is spent or held today."""
    # Open the shop's single connection before several threads need it.
    tools.run_read("get_customer", {}, ticket_of(world.order()))
    Spending.objects.all().delete()
    Hold.objects.all().delete()
    Run.objects.exclude(status__in=["succeeded", "failed"]).update(status="cancelled", lease_expires_at=None)
    for model, (read, said) in CHARGES.items():
        if pricelist.find_price(model) is None:
            given = Rates(input=read * 1_000_000, output=said * 1_000_000)
            pricelist.enter_price(model=model, rates=given, by=admin, note="for a test")
    settings.LLM_TRIAGE_MODEL, settings.LLM_EXPERT_MODEL = "cheap", "dear"
    settings.LLM_MAX_TOKENS = 1000
    settings.RETRY_BASE_SECONDS = 0.0
    with billing() as biller:
        settings.OPENAI_BASE_URL = biller.url
        yield biller


def cap(admin: User, per: str = "day", model: str = "", **most: Any) -> Budget:
    return budget_admin.set_budget(per=per, model=model, by=admin, note="for a test", **most)


def status(ticket: Ticket) -> tuple[str, str]:
    ticket.refresh_from_db()
    return ticket.status, ticket.reason


def booked() -> tuple[Decimal, Decimal]:
    """Return the spent and the reserved amount."""
    found = Spending.objects.aggregate(spent=Sum("spent_usd"), reserved=Sum("reserved_usd"))
    return found["spent"] or Decimal(0), found["reserved"] or Decimal(0)


def run_everything_due(*runs: Run) -> None:
    """Run all due runs, as a sweep does, until nothing is due."""
    wanted = {run.pk for run in runs}
    while found := wanted & set(leasing.due(1000)):
        for pk in sorted(found):
            engine.advance(pk)


def left_at(call: int, ticket: Ticket) -> Run:
    """The ticket's run, whose worker died at this call of the model; its lease has run out."""
    with before_request(MODEL, from_call(call, die)), pytest.raises(Killed):
        run_through(ticket)
    run = Run.objects.get(ticket=ticket)
    Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    return run


def triaged(world: World) -> tuple[Run, Step]:
    """Return a run whose first call was answered but not yet recorded, and its step."""
    run = leasing.lease_run(Run.objects.get(ticket=ticket_of(world.order())).pk)
    assert run is not None
    first = steps.start_triage(run)
    commit.commit_step(run, None, first, call=steps.request(run, first, []))
    steps.do_triage(run, first)
    return run, first


# --- concurrency ----------------------------------------------------------------------------------------


def test_twenty_workers_with_a_dollar_spend_at_most_a_dollar(
    world: World, biller: Biller, admin: User, settings: Settings
) -> None:
    settings.LLM_TRIAGE_MODEL = "dear"
    cap(admin, max_usd=Decimal(1))
    tickets = [ticket_of(world.order()) for _ in range(20)]
    answers = at_once(*[lambda ticket=ticket: run_through(ticket) for ticket in tickets])
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    spent, reserved = booked()
    assert Decimal("0.80") < biller.total <= Decimal(1), "the budget is used, and never exceeded"
    assert (spent, reserved) == (biller.total.quantize(spent), 0)
    runs = Run.objects.filter(ticket__in=tickets)
    held = [run for run in runs if run.status == "waiting"]
    assert len(held) > 5
    for run in held:
        assert run.ticket.status == "needs_person"
        assert "“All models per day”" in run.ticket.reason
    assert sum(run.cost_usd for run in runs) == spent


@pytest.mark.parametrize("greedy", [0.0, 0.5])
def test_unused_reservations_are_given_to_waiting_calls(
    world: World, biller: Biller, admin: User, greedy: float
) -> None:
    biller.greedy = greedy
    cap(admin, max_usd=Decimal("0.30"))
    tickets = [ticket_of(world.order()) for _ in range(12)]
    runs = [Run.objects.get(ticket=ticket) for ticket in tickets]
    at_once(*[lambda run=run: engine.advance(run.pk) for run in runs])
    at_once(*[lambda: run_everything_due(*runs)] * 4)
    assert biller.total <= Decimal("0.30")
    left = Decimal("0.30") - booked()[0]
    waiting = list(Hold.objects.filter(run__in=runs))
    assert all(hold.usd > left for hold in waiting), "there is no room for the waiting call"
    assert booked()[1] == 0


def test_each_model_and_the_total_have_caps_of_their_own(world: World, biller: Biller, admin: User) -> None:
    cap(admin, model="cheap", max_usd=Decimal("0.05"))
    cap(admin, per="month", max_usd=Decimal("0.08"))
    tickets = [ticket_of(world.order()) for _ in range(10)]
    at_once(*[lambda ticket=ticket: run_through(ticket) for ticket in tickets])
    assert biller.billed["cheap"] <= Decimal("0.05")
    assert biller.total <= Decimal("0.08")


def test_tokens_can_be_capped_like_money(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_tokens=60_000)
    tickets = [ticket_of(world.order()) for _ in range(10)]
    at_once(*[lambda ticket=ticket: run_through(ticket) for ticket in tickets])
    assert 30_000 < biller.tokens <= 60_000
    assert any("tokens spent" in status(ticket)[1] for ticket in tickets)


def test_lowering_a_cap_during_calls_stops_the_next_call(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal(5))
    tickets = [ticket_of(world.order()) for _ in range(8)]
    lower = [lambda: cap(admin, max_usd=Decimal("0.05"))]
    answers = at_once(*[lambda ticket=ticket: run_through(ticket) for ticket in tickets], *lower)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    before = biller.total
    assert run_through(ticket_of(world.order())).status == "waiting"
    assert biller.total <= max(before, Decimal("0.05"))


def test_a_held_run_does_not_block_one_with_enough_budget(world: World, biller: Biller, admin: User) -> None:
    short, other = ticket_of(world.order()), ticket_of(world.order())
    run = left_at(1, short)
    need = Decimal(run.steps.get().reservation["usd"])
    cap(admin, per="ticket", max_usd=need * Decimal("1.5"))
    # One run books the dead worker's call and is then held by a cap; the other reserves under that cap, and posts.
    answers = one_after_the_other(Spending.objects.all(), lambda: run_through(short), lambda: run_through(other))
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert (Run.objects.get(pk=run.pk).status, Hold.objects.get(run=run).per) == ("waiting", "ticket")
    assert booked() == (sum(Run.objects.filter(ticket__in=(short, other)).values_list("cost_usd", flat=True)), 0)


# --- across midnight ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per", "days"), [("day", 1), ("month", 40)])
def test_yesterdays_unused_reservation_frees_nothing_in_todays_budget(
    world: World, biller: Biller, admin: User, per: str, days: int
) -> None:
    biller.greedy = 0.0
    run, first = triaged(world)
    reserved = Decimal(first.reservation["usd"])
    earlier = date.fromisoformat(first.reservation["day"]) - timedelta(days=days)
    Spending.objects.update(day=earlier)
    first.settled = replace(first.settled, day=earlier)
    following = steps.start_llm(run, [first])
    cap(admin, per=per, max_usd=Decimal("0.000001"))
    with pytest.raises(Exhausted) as refused:
        commit.commit_step(run, first, following, call=steps.request(run, following, [first]))
    need = refused.value.worst.usd
    assert first.settled.spent_usd < reserved
    cap(admin, per=per, max_usd=need - Decimal("0.000001"))
    with pytest.raises(Exhausted):
        commit.commit_step(run, first, following, call=steps.request(run, following, [first]))
    cap(admin, per=per, max_usd=need)
    commit.commit_step(run, first, following, call=steps.request(run, following, [first]))
    assert booked()[1] == need


def test_a_call_held_over_midnight_checks_the_whole_month(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="month", max_usd=Decimal(1))
    budgets.post_entries([budget_use.SpendingEntry(date(2030, 6, 2), "cheap", spent_usd=Decimal(1))])
    call = {"worst": WorstCase(Decimal("0.5"), 1), "ticket_id": "none", "entries": [], "today": date(2030, 6, 1)}
    with transaction.atomic(), pytest.raises(Exhausted):
        budgets.reserve(model="cheap", **call)


# --- per ticket -----------------------------------------------------------------------------------------


def test_a_tickets_budget_covers_all_its_runs(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="ticket", max_usd=Decimal("0.03"))
    first, other = ticket_of(world.order()), ticket_of(world.order())
    run = run_through(first)
    assert run.status == "waiting"
    assert Decimal(0) < run.cost_usd <= Decimal("0.03")
    assert "“All models per ticket”" in status(first)[1]
    assert run_through(other).cost_usd == run.cost_usd, "another ticket has a budget of its own"
    assert run.pk not in leasing.due(1000)


def test_raising_the_cap_resumes_the_run_where_it_stopped(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="ticket", max_usd=Decimal("0.03"))
    ticket = ticket_of(world.order())
    run = run_through(ticket)
    before, asked = list(run.steps.values_list("index", "raw_response")), len(biller.calls)
    engine.advance(run.pk)
    assert len(biller.calls) == asked, "a held run makes no calls"
    cap(admin, per="ticket", max_usd=Decimal("0.031"))
    run_everything_due(run)
    assert (Run.objects.get(pk=run.pk).status, len(biller.calls)) == ("waiting", asked), "still too low"
    assert run.pk not in leasing.due(1000), "and it is not checked again before the cap changes"
    cap(admin, per="ticket", max_usd=Decimal(1))
    run_everything_due(run)
    run.refresh_from_db()
    assert (run.status, run.outcome) == ("succeeded", "with_person")
    assert status(ticket) == ("needs_person", "Enough.")
    assert list(run.steps.values_list("index", "raw_response"))[: len(before)] == before
    assert biller.calls == ["cheap"] * (1 + biller.turns), "recorded answers are not requested again"


def test_a_cap_raised_just_before_the_hold_is_noticed(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="ticket", max_usd=Decimal("0.001"))

    def raise_it() -> None:
        at_once(lambda: cap(admin, per="ticket", max_usd=Decimal(1)))  # in a connection of its own

    with before_statement('INSERT INTO "approvals_auditevent"', given="run.held", act=raise_it):
        run = run_through(ticket_of(world.order()))
    assert (run.status, biller.calls) == ("waiting", [])
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_raising_a_cap_wakes_every_run_being_held(world: World, biller: Biller, admin: User) -> None:
    budget = cap(admin, per="ticket", max_usd=Decimal("0.001"))
    tickets = [ticket_of(world.order()) for _ in range(6)]
    lift = [lambda: budget_admin.remove_budget(budget=budget, by=admin, note="for a test")]
    answers = at_once(*[lambda ticket=ticket: run_through(ticket) for ticket in tickets], *lift)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    runs = list(Run.objects.filter(ticket__in=tickets))
    run_everything_due(*runs)
    assert {Run.objects.get(pk=run.pk).status for run in runs} == {"succeeded"}


def test_the_next_day_resumes_the_run(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal("0.02"))
    run = run_through(ticket_of(world.order()))
    assert run.status == "waiting"
    assert run.pk not in leasing.due(1000)
    Spending.objects.update(day=Now() - timedelta(days=1))
    assert run.pk in leasing.due(1000)
    run_everything_due(run)
    assert Step.objects.filter(run=run).count() > 2


def test_removing_the_cap_resumes_the_run(world: World, biller: Biller, admin: User) -> None:
    budget = cap(admin, per="ticket", max_usd=Decimal("0.001"))
    run = run_through(ticket_of(world.order()))
    assert (run.status, biller.calls) == ("waiting", [])
    budget_admin.remove_budget(budget=budget, by=admin, note="Not needed.")
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_only_as_many_runs_wake_as_the_budget_allows(world: World, biller: Biller, admin: User) -> None:
    budget = cap(admin, max_usd=Decimal("0.001"))
    runs = [run_through(ticket_of(world.order())) for _ in range(5)]
    assert {run.status for run in runs} == {"waiting"}
    need = Hold.objects.filter(run__in=runs).latest("usd").usd
    budget_admin.set_budget(per="day", model="", by=admin, note="Room for two.", max_usd=need * 2)
    assert budget.pk == Budget.objects.get(per="day").pk
    assert len(set(leasing.due(1000)) & {run.pk for run in runs}) == 2


def test_a_held_run_holds_back_later_runs_of_its_ticket(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="ticket", max_usd=Decimal("0.01"))
    ticket = ticket_of(world.order())
    run = run_through(ticket)
    later = Run.objects.create(ticket=ticket, number=2, through_message=run.through_message + 1)
    assert later.pk not in leasing.due(1000)


def test_closing_the_ticket_ends_a_held_run(world: World, biller: Biller, admin: User) -> None:
    cap(admin, per="ticket", max_usd=Decimal("0.001"))
    ticket = ticket_of(world.order())
    run = run_through(ticket)
    assert closing.close_ticket(ticket.pk, by=admin)
    budget_admin.remove_budget(budget=Budget.objects.get(), by=admin, note="for a test")
    run_everything_due(run)
    assert (Run.objects.get(pk=run.pk).status, status(ticket)[0], biller.calls) == ("cancelled", "closed", [])
    assert AuditEvent.objects.filter(verb="run.cancelled", object_id=str(run.pk)).exists()


def held_run(world: World, admin: User) -> tuple[Ticket, Run]:
    cap(admin, per="ticket", max_usd=Decimal("0.001"))
    ticket = ticket_of(world.order())
    return ticket, run_through(ticket)


@transaction.atomic
def write_again(ticket: Ticket) -> Run:
    key = f"again-{ticket.pk}"
    message = Message.objects.create(ticket=ticket, direction="inbound", external_id=key, body="And now?")
    return leasing.queue_run(message)


def test_a_persons_reply_ends_held_and_queued_runs(world: World, biller: Biller, admin: User) -> None:
    ticket, run = held_run(world, admin)
    later = write_again(ticket)
    propose(ticket, "reply", {"text": "We are looking into it.", "reason": "By hand."})
    budget_admin.remove_budget(budget=Budget.objects.get(), by=admin, note="for a test")
    run_everything_due(run, later)
    found = {(run.status, run.finished_at is None) for run in Run.objects.filter(ticket=ticket)}
    assert (found, biller.calls) == ({("cancelled", False)}, [])
    assert not Hold.objects.filter(run=run).exists()
    assert AuditEvent.objects.filter(verb="run.cancelled", object_id=str(run.pk)).exists()


def test_a_new_message_leaves_a_kept_ticket_with_people(world: World, biller: Biller, admin: User) -> None:
    ticket, run = held_run(world, admin)
    before = status(ticket)
    later = write_again(ticket)
    assert status(ticket) == before
    assert closing.close_ticket(ticket.pk, by=admin)
    assert set(Run.objects.filter(pk__in=[run.pk, later.pk]).values_list("status", flat=True)) == {"cancelled"}
    assert status(ticket)[0] == "closed"


# --- lost answers ---------------------------------------------------------------------------------------


def test_a_lost_answer_costs_its_worst_case_and_says_so(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal(1))
    ticket = ticket_of(world.order())
    biller.answers = False
    run = run_through(ticket)
    step = run.steps.get()
    spent, reserved = booked()
    assert reserved == 0
    assert spent == step.cost_usd == run.cost_usd == Decimal(step.lost[0]["usd"])
    assert spent >= biller.total > 0
    assert Spending.objects.get().presumed_usd == spent
    biller.answers = True
    run_everything_due(Run.objects.get(pk=run.pk))
    step.refresh_from_db()
    assert (step.status, len(step.lost), step.reservation) == ("done", 1, None)
    assert step.cost_usd > spent
    assert biller.total <= booked()[0]


def test_a_dead_workers_call_costs_its_worst_case(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal(1))
    run = left_at(2, ticket_of(world.order()))
    step = run.steps.get(index=1)
    assert booked()[1] == Decimal(step.reservation["usd"]), "calls in progress are reserved"
    run_everything_due(run)
    step.refresh_from_db()
    assert [lost["usd"] for lost in step.lost] != []
    assert booked() == (Run.objects.get(pk=run.pk).cost_usd, 0)
    assert booked()[0] == biller.total.quantize(Decimal("0.000001")) + Decimal(step.lost[0]["usd"])


def test_a_bug_of_ours_during_a_call_counts_its_cost(
    world: World, biller: Biller, admin: User, settings: Settings
) -> None:
    def confuse_the_next_call() -> None:
        settings.LLM_TIMEOUT_SECONDS = "soon"

    with after_answer(MODEL, confuse_the_next_call):
        run = run_through(ticket_of(world.order()))
    assert "TypeError" in run.reason
    assert run.status == "failed"
    step = run.steps.get(index=1)
    assert (step.error_code, step.reservation) == ("fault", None)
    assert booked() == (run.cost_usd, 0)


def test_a_refused_call_costs_nothing(world: World, biller: Biller, admin: User, settings: Settings) -> None:
    cap(admin, max_usd=Decimal(1))
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    run = run_through(ticket_of(world.order()))
    assert (run.status, booked()) == ("queued", (0, 0))


def test_an_overbilled_call_is_booked_in_full_and_stops_calls(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal("0.05"))
    biller.over = 30
    run = run_through(ticket_of(world.order()))
    assert biller.calls == ["cheap"]
    assert (booked()[0], run.cost_usd) == (biller.total, biller.total)
    assert biller.total > Decimal("0.05")
    assert run.status == "waiting"
    assert run_through(ticket_of(world.order())).steps.count() == 0


def test_an_answer_without_usage_costs_its_worst_case(world: World, biller: Biller, admin: User) -> None:
    cap(admin, max_usd=Decimal(1))
    biller.metered = False
    for _ in range(3):
        run_through(ticket_of(world.order()))
    spent, reserved = booked()
    assert reserved == 0
    assert biller.total <= spent <= Decimal(1)
    assert Spending.objects.get().presumed_usd == spent


def test_a_worker_without_its_lease_neither_reserves_nor_books(world: World, biller: Biller, admin: User) -> None:
    run = leasing.lease_run(Run.objects.get(ticket=ticket_of(world.order())).pk)
    assert run is not None
    Run.objects.filter(pk=run.pk).update(fence=run.fence + 1)
    step = steps.start_triage(run)
    with pytest.raises(commit.RunSuperseded):
        commit.commit_step(run, None, step, call=steps.request(run, step, []))
    assert booked() == (0, 0)


# --- prices ---------------------------------------------------------------------------------------------


def test_a_model_without_a_price_is_refused_and_named(
    world: World, biller: Biller, admin: User, settings: Settings
) -> None:
    settings.LLM_TRIAGE_MODEL = "no-such-price"
    ticket = ticket_of(world.order())
    run = run_through(ticket)
    assert (run.status, biller.calls) == ("waiting", [])
    assert status(ticket)[0] == "needs_person"
    assert "'no-such-price' has no price" in status(ticket)[1]
    assert run.pk not in leasing.due(1000)
    CHARGES["no-such-price"] = CHARGES["cheap"]
    pricelist.enter_price(model="no-such-price", rates=Rates(input=1, output=4), by=admin, note="Their page.")
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_a_call_costs_the_price_in_force_when_sent(world: World, biller: Biller, admin: User) -> None:
    run = run_through(ticket_of(world.order()))
    prices = {step.input["price"] for step in run.steps.filter(kind__in=budget_use.MODEL_CALLS)}
    assert prices == {ModelPrice.objects.filter(model="cheap").latest("pk").pk}
    assert run.cost_usd == biller.total.quantize(run.cost_usd)


def enter_price(admin: User, per_million: Decimal | int) -> None:
    given = Rates(input=per_million, output=per_million)
    pricelist.enter_price(model="cheap", rates=given, by=admin, note="for a test")


@pytest.fixture
def prices_as_they_were(biller: Biller, admin: User) -> Iterator[None]:
    yield
    read, said = CHARGES["cheap"]
    given = Rates(input=read * 1_000_000, output=said * 1_000_000)
    pricelist.enter_price(model="cheap", rates=given, by=admin, note="for a test")


@pytest.mark.usefixtures("prices_as_they_were")
@pytest.mark.parametrize("per", ["ticket", "day", "month"])
def test_correcting_a_price_that_was_too_high_resumes_the_run(
    world: World, biller: Biller, admin: User, per: str
) -> None:
    cap(admin, per=per, max_usd=Decimal(1))
    enter_price(admin, 900_000)
    run = run_through(ticket_of(world.order()))
    assert (run.status, biller.calls) == ("waiting", [])
    assert run.pk not in leasing.due(1000)
    enter_price(admin, 800_000)
    run_everything_due(run)
    assert (Run.objects.get(pk=run.pk).status, biller.calls) == ("waiting", []), "still too expensive"
    assert run.pk not in leasing.due(1000), "and it is not checked again before something changes"
    enter_price(admin, 1)
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


@pytest.mark.usefixtures("prices_as_they_were")
@pytest.mark.parametrize("per", ["ticket", "day"])
def test_a_price_corrected_just_before_the_hold_is_noticed(world: World, biller: Biller, admin: User, per: str) -> None:
    cap(admin, per=per, max_usd=Decimal(1))
    enter_price(admin, 900_000)

    def correct_it() -> None:
        at_once(lambda: enter_price(admin, 1))  # in a connection of its own

    with before_statement('INSERT INTO "approvals_auditevent"', given="run.held", act=correct_it):
        run = run_through(ticket_of(world.order()))
    assert (run.status, biller.calls) == ("waiting", [])
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


@pytest.mark.parametrize("missing", ["room", "price"])
def test_a_held_run_uses_the_model_that_replaced_its_own(
    world: World, biller: Biller, admin: User, settings: Settings, missing: str
) -> None:
    if missing == "room":
        cap(admin, model="cheap", max_usd=Decimal("0.0001"))
    else:
        settings.LLM_TRIAGE_MODEL = "never-priced"
    run = run_through(ticket_of(world.order()))
    assert (run.status, biller.calls) == ("waiting", [])
    assert run.pk not in leasing.due(1000)
    settings.LLM_TRIAGE_MODEL = "dear"
    run_everything_due(run)
    assert Run.objects.get(pk=run.pk).status == "succeeded"
    assert set(biller.calls) == {"dear"}


def test_a_backlog_does_not_starve_held_runs(world: World, biller: Biller, admin: User) -> None:
    budget = cap(admin, per="ticket", max_usd=Decimal("0.001"))
    held = run_through(ticket_of(world.order()))
    backlog = [Run.objects.get(ticket=ticket_of(world.order())) for _ in range(4)]
    budget_admin.remove_budget(budget=budget, by=admin, note="Not needed.")
    found = leasing.due(2)
    assert found[0] == held.pk
    assert found[1] in {run.pk for run in backlog}, "and held runs do not starve the others"


def test_prices_are_append_only(world: World, admin: User) -> None:
    row = pricelist.enter_price(model="added", rates=Rates(input="0.5", output=2), by=admin, note="Their page.")
    assert (row.cached, row.reasoning) == (Decimal("0.5"), 2)
    pricelist.enter_price(model="added", rates=Rates(input=1, output=2, cached="0.1"), by=admin, note="Dearer.")
    assert pricelist.price_in_force("added").cached == Decimal("0.1")
    event = AuditEvent.objects.filter(verb="price.entered", object_id="added").latest("pk")
    assert (event.before["input"], event.after["input"], event.after["note"]) == ("0.5", "1", "Dearer.")


@pytest.mark.parametrize(("per", "most", "code"), [("year", {"max_usd": 1}, "per_unknown"), ("day", {}, "cap_missing")])
def test_a_budget_without_a_cap_is_refused(
    world: World, admin: User, per: str, most: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        cap(admin, per=per, **most)
    assert refused.value.code == code
