"""What replays may cost: their calls count towards the budgets, and reservations are always released."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Sum
from pytest_django import Settings

from agentops.llm import budget_admin
from agentops.management.commands.replay import as_table
from agentops.models import Replay, Run, Spending
from agentops.replays import queueing, running
from tests.completions import hands_over, triage
from tests.interruptions import MODEL, before_request, before_statement, fail_with
from tests.lossy import lossy
from tests.scripted import CUT, Say, Script
from tests.waiting import until
from tests.world import World, at_once, run_through, ticket_of

NOTHING = (Decimal(0), Decimal(0))


@pytest.fixture
def run(world: World, model: Script, settings: Settings) -> Iterator[Run]:
    """Return a run with recorded costs, before anything is spent today."""
    settings.RETRY_BASE_SECONDS = 0.0
    model.will_say(triage(), hands_over())
    run = run_through(ticket_of(world.order()))
    assert (run.outcome, run.cost_usd > 0) == ("with_person", True)
    Spending.objects.all().delete()
    return run


def cap(**given: Any) -> None:
    admin = User.objects.get_or_create(username="the-admin")[0]
    budget_admin.set_budget(**{"per": "day", "model": "", **given}, by=admin, note="for a test")


def start_replay(run: Run) -> Replay:
    return queueing.queue_replay(run=run, mode="model", asked_by="lead")


def advanced(replay: Replay) -> Replay:
    running.advance_replay(replay.pk)
    replay.refresh_from_db()
    return replay


def booked() -> tuple[Decimal, Decimal]:
    """Return the spent and the reserved amount."""
    found = Spending.objects.aggregate(spent=Sum("spent_usd"), reserved=Sum("reserved_usd"))
    return found["spent"] or Decimal(0), found["reserved"] or Decimal(0)


def presumed() -> Decimal:
    return Spending.objects.aggregate(sum=Sum("presumed_usd"))["sum"] or Decimal(0)


def leave(replay: Replay) -> None:
    """Let the worker's lease expire."""
    Replay.objects.filter(pk=replay.pk).update(lease_expires_at="2020-01-01T00:00:00Z")


def unmetered(said: Say) -> Say:
    return replace(said, body={**said.body, "usage": None})


# --- budget and price -----------------------------------------------------------------------------------


def test_each_calls_cost_is_booked_and_no_reservation_stays(run: Run, model: Script) -> None:
    model.will_say(triage(), hands_over())
    replay = advanced(start_replay(run))
    assert (replay.status, replay.reservation) == ("done", None), replay.error
    assert booked() == (replay.cost_usd, 0)
    assert replay.cost_usd == run.cost_usd
    assert presumed() == 0


def test_without_budget_a_replay_names_the_cap_and_the_remedy(
    run: Run, model: Script, caplog: pytest.LogCaptureFixture
) -> None:
    cap(max_usd=Decimal("0.0001"))
    asked = len(model.asked)
    replay = advanced(start_replay(run))
    assert (replay.status, replay.result, len(model.asked)) == ("failed", "", asked)
    assert replay.error.startswith("The budget “All models per day” is used up: ")
    assert replay.error.endswith("Restart the replay when an admin raises the budget, or tomorrow (UTC).")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING], "nothing broke"
    assert booked() == NOTHING


def test_a_model_without_a_price_ends_the_replay(
    run: Run, model: Script, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LLM_TRIAGE_MODEL = "no-such-price"
    replay = advanced(start_replay(run))
    assert replay.status == "failed"
    assert replay.error == (
        "The model 'no-such-price' has no price, so it isn't used. "
        "Restart the replay when an admin adds one under Policy, Models."
    )
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING], "nothing broke"
    assert booked() == NOTHING


def test_a_runs_ticket_budget_does_not_limit_its_replay(run: Run, model: Script) -> None:
    cap(per="ticket", max_usd=run.cost_usd)
    model.will_say(triage(), hands_over())
    replay = advanced(start_replay(run))
    assert replay.status == "done", replay.error


# --- lost answers ---------------------------------------------------------------------------------------


def test_a_dead_workers_call_costs_its_worst_case_once(run: Run, model: Script, settings: Settings) -> None:
    model.will_say(triage(), hands_over(), triage())  # the last of them answers the dead worker, too late
    replay = start_replay(run)
    with lossy(model.url) as relay:
        relay.hold = 1
        settings.OPENAI_BASE_URL = f"{relay.url}/v1"

        def take_over() -> None:
            try:
                until(lambda: relay.posts)
                replay.refresh_from_db()
                under_way.append((booked(), replay.reservation))
                leave(replay)
                running.advance_replay(replay.pk)
            finally:
                relay.release.set()

        under_way: list[Any] = []
        answers = at_once(lambda: running.advance_replay(replay.pk), take_over)
        assert relay.arrived.wait(10)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    replay.refresh_from_db()
    assert (replay.status, replay.reservation) == ("done", None), replay.error
    ((spent, reserved), reservation) = under_way[0]
    assert (spent, reserved) == (0, Decimal(reservation["usd"]))
    assert presumed() == reserved
    assert booked() == (replay.cost_usd, 0)
    assert replay.cost_usd == reserved + run.cost_usd


def test_giving_up_a_replay_books_a_dead_workers_reservation(run: Run, model: Script) -> None:
    replay = start_replay(run)
    model.will_say(triage())
    gone = fail_with(OperationalError("gone"))
    with before_statement('INSERT INTO "agentops_replaystep"', act=gone), pytest.raises(OperationalError, match="gone"):
        running.advance_replay(replay.pk)
    reserved = booked()[1]
    assert reserved > 0
    leave(replay)
    Replay.objects.filter(pk=replay.pk).update(attempt=running.MAX_ATTEMPTS)
    advanced(replay)
    assert (replay.status, replay.reservation, replay.cost_usd) == ("failed", None, reserved)
    assert booked() == (reserved, 0)


def test_aborting_a_replay_within_a_call_leaves_no_reservation(run: Run) -> None:
    replay = start_replay(run)
    with before_request(MODEL, fail_with(KeyboardInterrupt())), pytest.raises(KeyboardInterrupt):
        running.advance_replay(replay.pk)
    assert_nothing_is_reserved(replay, "running")


def test_a_bug_of_ours_during_a_call_leaves_no_reservation(run: Run, settings: Settings) -> None:
    replay = start_replay(run)

    def confuse_the_call() -> None:
        settings.LLM_TIMEOUT_SECONDS = "soon"

    with before_statement("agentops_spending", act=confuse_the_call):
        running.advance_replay(replay.pk)
    assert_nothing_is_reserved(replay, "failed")
    assert "TypeError" in replay.error


def assert_nothing_is_reserved(replay: Replay, status: str) -> None:
    replay.refresh_from_db()
    assert (replay.status, replay.reservation) == (status, None)
    assert booked() == (replay.cost_usd, 0)
    assert booked()[0] == presumed() > 0


def test_a_lost_answer_costs_its_worst_case_a_refusal_nothing(run: Run, model: Script) -> None:
    model.will_say(CUT)
    replay = advanced(start_replay(run))
    lost, reserved = booked()
    assert (replay.status, replay.reservation, replay.cost_usd, reserved) == ("queued", None, lost, 0)
    assert presumed() == lost > 0
    model.will_say(Say({"error": {"code": "busy"}}, 503))
    assert advanced(replay).status == "queued"
    assert booked() == (lost, 0)
    model.will_say(triage(), hands_over())
    assert advanced(replay).status == "done"
    assert booked() == (replay.cost_usd, 0) == (lost + run.cost_usd, 0)


def test_an_unmetered_server_makes_a_replay_cost_its_worst_case(run: Run, model: Script) -> None:
    model.will_say(unmetered(triage()), unmetered(hands_over()))
    replay = advanced(start_replay(run))
    assert replay.status == "done", replay.error
    assert replay.cost_usd == presumed() == booked()[0] > run.cost_usd
    assert sum(step.cost_usd for step in replay.steps.all()) == replay.cost_usd


def test_the_table_compares_costs_and_says_of_how_many(run: Run, model: Script, settings: Settings) -> None:
    model.will_say(triage(), hands_over())
    done = advanced(start_replay(run))
    settings.LLM_TRIAGE_MODEL = "no-such-price"
    failed = advanced(start_replay(run))
    lines = as_table([done, failed], one=False).splitlines()
    assert f"original   ${run.cost_usd:.4f} (over the 1 of 2 that were replayed)" in lines
    assert f"replay     ${done.cost_usd:.4f} (over the 1 of 2 that were replayed)" in lines
