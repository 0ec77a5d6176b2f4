"""Steps that waited for people or an outside system are not timed: they say nothing about our own speed."""

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from agentops.models import Run, Step
from agentops.runs import engine
from approvals import states
from approvals.effects import execution, lookup, pauses, stops
from approvals.models import Action
from tests.completions import hands_over, triage, uses
from tests.scripted import Say, Script
from tests.waiting import until
from tests.world import World, refund_arguments, run_through, ticket_of
from tickets.models import Ticket


@pytest.fixture
def ticket(world: World, model: Script) -> Ticket:
    """A ticket whose run requests a refund and then hands over."""
    order = world.order()
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)), hands_over())
    return ticket_of(order)


def executed(ticket: Ticket) -> str:
    action = Action.objects.get(ticket=ticket)
    until(lambda: action.pk in execution.due(1_000))
    return execution.execute(action.pk).status


def timed(ticket: Ticket) -> bool:
    run = run_through(ticket)
    assert run.outcome == Run.Outcome.WITH_PERSON
    return not Step.objects.get(run=run, name="refund").waited_for_person


def test_a_retry_is_timed(world: World, ticket: Ticket) -> None:
    world.faults("POST /refunds", "unavailable", times=1)
    run_through(ticket)
    assert executed(ticket) == states.SUCCEEDED
    assert timed(ticket)


@pytest.mark.parametrize("when", ["before", "between tries"])
def test_a_step_that_waited_for_a_stop_is_not_timed(world: World, ticket: Ticket, lead: User, when: str) -> None:
    if when == "between tries":
        world.faults("POST /refunds", "unavailable", times=1)
        run_through(ticket)
    stop = stops.stop_kind(kind=stops.ALL, reason="It burns.", by=lead)
    run_through(ticket)
    stops.resume_stopped(stop_id=stop.pk, by=lead)
    assert executed(ticket) == states.SUCCEEDED
    assert not timed(ticket)


def test_a_step_that_waited_for_a_provider_is_not_timed(world: World, ticket: Ticket) -> None:
    world.faults("POST /refunds", "unauthorized", times=1)
    run_through(ticket)
    assert pauses.resume_provider("payments", by="maya")
    assert executed(ticket) == states.SUCCEEDED
    assert not timed(ticket)


def test_a_step_with_an_unknown_outcome_is_not_timed(world: World, ticket: Ticket, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    world.faults("POST /refunds", "error_500_after")
    run_through(ticket)
    while (status := executed(ticket)) == states.APPROVED:
        pass
    assert status == states.UNRESOLVED
    lookup.settle_by_lookup(Action.objects.get(ticket=ticket).pk)
    assert not timed(ticket)


def test_a_model_call_that_waited_for_credentials_is_not_timed(world: World, model: Script) -> None:
    model.will_say(Say({"error": {"message": "no such key"}}, 401))
    run = run_through(ticket_of(world.order()))
    assert run.status == Run.Status.QUEUED
    pauses.resume_provider("llm", by="maya")
    Run.objects.filter(pk=run.pk).update(not_before=Now())
    model.will_say(triage(), hands_over())
    engine.advance(run.pk)
    waited = dict(Step.objects.filter(run=run).values_list("kind", "waited_for_person").order_by("-index"))
    assert waited == {"triage": True, "llm": False, "tool": False}
