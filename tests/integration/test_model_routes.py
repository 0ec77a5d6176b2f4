"""Which model does what in runs, and circuit breakers: models that fail repeatedly are skipped."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.urls import reverse
from pytest_django import Settings

from agentops.llm import breakers, budget_admin
from agentops.llm.breakers import Target
from agentops.llm.holds import PassedOver
from agentops.models import Breaker, Hold, RoutingVersion, Run, Spending
from agentops.runs import closing, commit, engine, leasing, routing_versions, steps
from agentops.runs.routing import RoutingRules
from agentops.web.queries.spending import who_did_what
from approvals.decisions import decide
from approvals.models import ApprovalRequest, AuditEvent
from tests.completions import completion, hands_over, replies, triage, uses
from tests.integration.history_rows import signed_in
from tests.interruptions import MODEL, Killed, before_request, die
from tests.screen import markup
from tests.scripted import CUT, Say, Script, scripted
from tests.world import World, at_once, propose, refund_arguments, run_through, ticket_of
from tickets.models import Ticket
from tickets.queries import tickets_with_person

CHEAP, EXPERT = "gpt-5-mini", "gpt-5"
DOWN = Say({"error": {"message": "Down."}}, 503)


@pytest.fixture(autouse=True)
def usual(world: World, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    settings.LLM_BREAKER_FAILURES = 3


def asked(model: Script) -> list[str]:
    return [each.data["model"] for each in model.asked]


def routed(run: Run) -> list[tuple[str, str]]:
    return [(row.model, row.why) for row in who_did_what(list(run.steps.order_by("index")))]


# --- routes ---------------------------------------------------------------------------------------------


def test_a_simple_case_uses_the_small_model_throughout(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}), replies())
    run = run_through(ticket_of(order))
    assert asked(model) == [CHEAP] * 3
    assert (run.route, run.llm_model) == ("plain", CHEAP)
    assert routed(run) == [
        (CHEAP, "The standard model reads every ticket first."),
        (CHEAP, "Simple ticket: no rule asks for the larger model."),
    ]


@pytest.mark.parametrize(
    ("said", "code"), [({"ambiguous": True}, "ambiguous"), ({"risk_signs": ["legal_threat"]}, "risk_signs")]
)
def test_triage_signals_select_the_expert_for_the_run(
    world: World, model: Script, said: dict[str, Any], code: str
) -> None:
    model.will_say(triage(**said), hands_over())
    run = run_through(ticket_of(world.order()))
    assert asked(model) == [CHEAP, EXPERT]
    assert run.route == code


def test_a_refused_call_selects_the_expert_for_the_rest(world: World, model: Script) -> None:
    order = world.order()
    model.will_say(triage(), uses("get_order", {"order_id": "#W0000000"}))
    model.will_say(uses("get_order", {"order_id": order["order_id"]}), replies())
    run = run_through(ticket_of(order))
    assert asked(model) == [CHEAP, CHEAP, EXPERT, EXPERT]
    assert routed(run)[-1] == (EXPERT, "The get_order call was rejected: order_not_found.")


def test_the_policys_reason_selects_the_expert_if_configured(world: World, model: Script, lead: User) -> None:

    for rules, expected in ((RoutingRules(), EXPERT), (RoutingRules(expert_on=()), CHEAP)):
        routing_versions.save_routing(rules=rules, by=lead, note="for a test")
        order = world.order()
        ticket = ticket_of(order)
        model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
        run_through(ticket)
        request = ApprovalRequest.objects.get(action__ticket=ticket)
        decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
        model.will_say(hands_over())
        run_through(ticket)
        assert asked(model)[-1] == expected
    routing_versions.save_routing(rules=RoutingRules(), by=lead, note="as it began")


def test_a_resumed_run_keeps_its_route_after_rules_change(world: World, model: Script, lead: User) -> None:
    model.will_say(triage(ambiguous=True), DOWN)
    ticket = ticket_of(world.order())
    run_through(ticket)
    routing_versions.save_routing(rules=RoutingRules(expert_on=()), by=lead, note="for a test")
    model.will_say(hands_over())
    assert run_through(ticket).route == "ambiguous"
    assert asked(model) == [CHEAP, EXPERT, EXPERT]
    routing_versions.save_routing(rules=RoutingRules(), by=lead, note="as it began")


def test_a_routing_change_records_who_and_why(world: World, lead: User) -> None:
    version = routing_versions.save_routing(
        rules=RoutingRules(expert_on=("ambiguous",)), by=lead, note="The expert is dear."
    )
    event = AuditEvent.objects.filter(verb="routing.saved").latest("pk")
    assert (event.actor, event.after["note"]) == ("lead", "The expert is dear.")
    assert RoutingVersion.objects.latest("pk") == version
    assert routing_versions.rules_in_force().expert_on == ("ambiguous",)
    routing_versions.save_routing(rules=RoutingRules(), by=lead, note="as it began")


def test_unreadable_rules_select_the_expert_at_every_signal(world: World, lead: User) -> None:
    RoutingVersion.objects.create(rules={"expert_on": ["moon"]}, note="broken")
    assert "share_of_order" in routing_versions.rules_in_force().expert_on
    routing_versions.save_routing(rules=RoutingRules(), by=lead, note="as it began")


# --- breakers -------------------------------------------------------------------------------------------


def go_on(ticket: Ticket) -> Run:
    """Continue the ticket's run as long as it is due."""
    run = run_through(ticket)
    while run.pk in leasing.due(1000):
        run = run_through(ticket)
    return run


def test_a_model_that_keeps_failing_is_skipped_by_every_ticket(world: World, model: Script) -> None:
    model.will_say(DOWN, CUT, DOWN, triage(), replies())
    run = go_on(ticket_of(world.order()))
    assert asked(model) == [CHEAP] * 3 + [EXPERT] * 2, "the other model answered"
    assert run.outcome == "answered"
    first = run.steps.get(index=0)
    assert first.name == EXPERT
    assert f"{CHEAP} failed 3 times" in first.input["passed_over"][0]
    row = Breaker.objects.get(model=CHEAP)
    assert (row.state, row.failures, row.opened_at is not None) == ("open", 3, True)
    assert AuditEvent.objects.filter(verb="breaker.opened", object_id=CHEAP).exists()
    model.will_say(triage(), replies())
    go_on(ticket_of(world.order()))
    assert asked(model)[-2:] == [EXPERT] * 2


def test_a_success_before_the_last_failure_resets_the_count(world: World, model: Script) -> None:
    model.will_say(DOWN, DOWN, triage(), DOWN, DOWN, replies())
    assert go_on(ticket_of(world.order())).outcome == "answered"
    assert asked(model) == [CHEAP] * 6
    assert Breaker.objects.get(model=CHEAP).state == "closed"


def test_a_late_answer_sent_before_the_failures_resets_the_count(world: World, model: Script) -> None:
    run = leasing.lease_run(Run.objects.get(ticket=ticket_of(world.order())).pk)
    assert run is not None
    step = steps.start_triage(run)
    commit.commit_step(run, None, step, call=steps.request(run, step, []))
    for _ in range(2):
        breakers.count_failure(Target("primary", CHEAP), "http_503")
    model.will_say(triage())
    engine._do(run, step, [])
    commit.commit_step(run, step, None)
    breakers.count_failure(Target("primary", CHEAP), "http_503")
    row = Breaker.objects.get(model=CHEAP)
    assert (row.state, row.failures) == ("closed", 1), "two, an answer and one are not three in a row"


def opened(model: str = CHEAP, probe_in: float = -1.0, probes: int = 0) -> Breaker:
    return Breaker.objects.create(
        provider="primary",
        model=model,
        state="open",
        failures=3,
        opened_at=Now(),
        probe_at=Now() + timedelta(seconds=probe_in),
        probes=probes,
        last_error="http_503",
    )


def test_one_call_probes_an_open_breaker_and_closes_it(world: World, model: Script) -> None:
    opened()
    model.will_say(triage(), replies())
    assert go_on(ticket_of(world.order())).outcome == "answered"
    assert asked(model) == [CHEAP] * 2
    row = Breaker.objects.get(model=CHEAP)
    assert (row.state, row.failures, row.probe_at) == ("closed", 0, None)
    assert AuditEvent.objects.filter(verb="breaker.closed", object_id=CHEAP).exists()


def test_a_failed_probe_keeps_the_breaker_open_longer(world: World, model: Script, settings: Settings) -> None:
    settings.LLM_BREAKER_SECONDS = 100.0
    opened(probes=1)
    model.will_say(DOWN, triage(), replies())
    go_on(ticket_of(world.order()))
    assert asked(model) == [CHEAP, EXPERT, EXPERT]
    far = Breaker.objects.filter(model=CHEAP, state="open", probe_at__gt=Now() + timedelta(seconds=350))
    assert far.exists(), "100 s, doubled for each failed probe"


def test_only_one_of_many_workers_probes(world: World) -> None:
    opened()
    targets = [Target("primary", CHEAP), Target("primary", EXPERT)]
    chosen = [choice.target.model for choice in at_once(*[lambda: breakers.choose(targets)] * 8)]
    assert sorted(chosen) == sorted([CHEAP] + [EXPERT] * 7)


def test_a_dead_workers_probe_is_taken_over(world: World) -> None:
    row = opened()
    assert breakers.choose([Target("primary", CHEAP)]).target.model == CHEAP
    with pytest.raises(PassedOver):
        breakers.choose([Target("primary", CHEAP)])
    Breaker.objects.filter(pk=row.pk).update(probe_at=Now())
    assert breakers.choose([Target("primary", CHEAP)]).target.model == CHEAP


def held_by_an_outage(world: World, tickets: int) -> list[Run]:
    """Return runs without an available model, each with a ticket of its own."""
    Hold.objects.all().delete()
    opened(CHEAP, probe_in=60)
    opened(EXPERT, probe_in=90)
    return [run_through(ticket_of(world.order())) for _ in range(tickets)]


def due_of(runs: list[Run]) -> list[int]:
    found = set(leasing.due(1000))
    return [run.pk for run in runs if run.pk in found]


def test_without_a_model_the_ticket_needs_a_person(world: World, model: Script) -> None:
    [run] = held_by_an_outage(world, 1)
    ticket = run.ticket
    assert (run.status, run.hold.cause, run.steps.count(), asked(model)) == ("waiting", "outage", 0, [])
    assert ticket.status == "needs_person"
    assert "No language model is available" in ticket.reason
    assert f"{CHEAP} failed 3 times" in ticket.reason
    assert ticket in tickets_with_person()
    assert not Spending.objects.filter(reserved_usd__gt=0).exists()
    page = markup(signed_in().get(reverse("ticket", args=[ticket.pk])))
    assert "No language model is available" in page
    assert "The agent is working" not in page
    assert due_of([run]) == []
    engine.advance(run.pk)
    assert asked(model) == [], "a message does not wake it either"


def test_one_run_probes_and_a_recovered_model_resumes_all(world: World, model: Script) -> None:
    runs = held_by_an_outage(world, 3)
    Breaker.objects.filter(model=CHEAP).update(probe_at=Now())
    assert due_of(runs) == [runs[0].pk], "one for the probe that is due"
    model.will_say(DOWN)
    engine.advance(runs[0].pk)
    runs[0].refresh_from_db()
    assert (runs[0].status, runs[0].ticket.status) == ("waiting", "needs_person"), "and it is held again"
    assert due_of(runs) == []
    Breaker.objects.filter(model=CHEAP).update(probe_at=Now())
    model.will_say(triage(), replies())
    engine.advance(runs[0].pk)
    assert due_of(runs) == [runs[1].pk, runs[2].pk]
    for run in runs[1:]:
        model.will_say(triage(), replies())
        engine.advance(run.pk)
    for run in runs:
        run.ticket.refresh_from_db()
    assert {(run.ticket.status, run.ticket.reason) for run in runs} == {("answered", "")}
    assert not Hold.objects.exists()


def probe_due(model: str = CHEAP) -> None:
    Breaker.objects.filter(model=model).update(probe_at=Now())


def ticket_and_run_status(ticket_id: str) -> Any:
    return Ticket.objects.values_list("status", "claimed_by__username", "person_since").get(pk=ticket_id)


def test_failing_probes_leave_the_run_held_and_the_ticket_assigned(world: World, model: Script, lead: User) -> None:
    [run] = held_by_an_outage(world, 1)
    closing.assign_ticket(run.ticket_id, by=lead)
    before = ticket_and_run_status(run.ticket_id)
    assert before[:2] == ("needs_person", "lead")
    for _ in range(6):
        probe_due()
        assert due_of([run]) == [run.pk]
        model.will_say(DOWN)
        engine.advance(run.pk)
        assert (Run.objects.get(pk=run.pk).status, ticket_and_run_status(run.ticket_id)) == ("waiting", before)
        assert due_of([run]) == []
    assert not Spending.objects.filter(reserved_usd__gt=0).exists()
    probe_due()
    model.will_say(triage(), DOWN)
    engine.advance(run.pk)
    assert ticket_and_run_status(run.ticket_id) == ("working", None, None), "a model answered: the agent continues"
    model.will_say(replies())
    assert go_on(run.ticket).outcome == "answered"
    assert not Hold.objects.exists()


def test_a_terminal_refusal_of_a_probe_leaves_the_run_held(world: World, model: Script) -> None:
    [run] = held_by_an_outage(world, 1)
    probe_due()
    model.will_say(Say({"error": {"message": "No such model."}}, 404))
    engine.advance(run.pk)
    assert (Run.objects.get(pk=run.pk).status, ticket_and_run_status(run.ticket_id)[0]) == ("waiting", "needs_person")
    assert run.steps.get().status == "started"


def test_a_held_run_whose_worker_dies_probing_probes_again(world: World, model: Script) -> None:
    [run] = held_by_an_outage(world, 1)
    probe_due()
    with before_request(MODEL, die), pytest.raises(Killed):
        engine.advance(run.pk)
    assert ticket_and_run_status(run.ticket_id)[0] == "needs_person"
    probe_due()
    assert due_of([run]) == [], "a worker is processing it"
    Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    assert due_of([run]) == [run.pk]
    model.will_say(triage(), replies())
    engine.advance(run.pk)
    assert (Run.objects.get(pk=run.pk).outcome, Hold.objects.exists()) == ("answered", False)


def test_a_persons_reply_during_a_probe_ends_the_held_run(world: World, model: Script) -> None:
    [run] = held_by_an_outage(world, 1)
    probe_due()

    def answer_by_hand() -> None:
        propose(run.ticket, "reply", {"text": "We are looking into it.", "reason": "By hand."})

    with before_request(MODEL, answer_by_hand):
        model.will_say(DOWN)
        engine.advance(run.pk)
    probe_due()
    engine.advance(run.pk)
    assert (Run.objects.get(pk=run.pk).status, len(model.asked)) == ("cancelled", 1)


def test_a_person_may_close_the_ticket_during_the_outage(world: World, model: Script, lead: User) -> None:
    [run] = held_by_an_outage(world, 1)
    assert closing.close_ticket(run.ticket_id, by=lead)
    Breaker.objects.all().delete()
    engine.advance(run.pk)
    assert (Run.objects.get(pk=run.pk).status, asked(model)) == ("cancelled", [])


@pytest.mark.parametrize("answer", [Say({"error": {"message": "Bad."}}, 400), Say({"error": {"message": "Key."}}, 401)])
def test_failures_unrelated_to_the_model_open_no_breaker(world: World, model: Script, answer: Say) -> None:
    model.will_say(answer, *([replies()] if answer.status == 400 else []))
    run_through(ticket_of(world.order()))
    assert not Breaker.objects.exists()


def test_a_nonexistent_model_counts_as_failing(world: World, model: Script) -> None:
    model.will_say(Say({"error": {"message": "No such model."}}, 404), replies())
    run_through(ticket_of(world.order()))
    assert Breaker.objects.get(model=CHEAP).failures == 1


# --- the fallback ---------------------------------------------------------------------------------------


@pytest.fixture
def fallback(settings: Settings) -> Iterator[Script]:
    with scripted() as script:
        settings.LLM_FALLBACK_BASE_URL = f"{script.url}/v1"
        settings.LLM_FALLBACK_API_KEY = "of the fallback"
        settings.LLM_FALLBACK_MODEL = EXPERT
        yield script


def test_the_fallback_is_asked_before_the_other_model(world: World, model: Script, fallback: Script) -> None:
    opened(CHEAP, probe_in=60)
    fallback.will_say(triage(), replies())
    run = run_through(ticket_of(world.order()))
    assert (run.outcome, asked(model), asked(fallback)) == ("answered", [], [EXPERT] * 2)
    sent = {name.lower(): value for name, value in fallback.asked[0].headers.items()}
    assert sent["authorization"] == "Bearer of the fallback"
    assert {step.input["provider"] for step in run.steps.filter(kind__in=["triage", "llm"])} == {"fallback"}


def test_the_fallback_has_its_own_breaker(world: World, model: Script, fallback: Script) -> None:
    opened(CHEAP, probe_in=60)
    fallback.will_say(DOWN, DOWN, DOWN)
    model.will_say(triage(), replies())
    assert go_on(ticket_of(world.order())).outcome == "answered"
    assert asked(model) == [EXPERT] * 2
    assert set(Breaker.objects.filter(state="open").values_list("provider", "model")) == {
        ("primary", CHEAP),
        ("fallback", EXPERT),
    }


def test_an_unpriced_fallback_does_not_block_the_next_model(
    world: World, model: Script, fallback: Script, settings: Settings
) -> None:
    settings.LLM_FALLBACK_MODEL = "of no price"
    opened(CHEAP, probe_in=60)
    model.will_say(triage(), replies())
    run = run_through(ticket_of(world.order()))
    assert (run.outcome, asked(model), asked(fallback)) == ("answered", [EXPERT] * 2, [])
    assert "'of no price' has no price" in run.steps.get(index=0).input["passed_over"][1]


def without_room(of: str, lead: User) -> None:
    budget_admin.set_budget(per="day", model=of, by=lead, note="for a test", max_usd=Decimal("0.000001"))


@pytest.mark.parametrize("away", [(), ("fallback",)])
def test_a_run_held_in_an_outage_resumes_with_its_model(
    world: World, model: Script, lead: User, settings: Settings, fallback: Script, away: tuple[str, ...]
) -> None:
    settings.LLM_FALLBACK_MODEL = "of no price" if away else EXPERT
    Hold.objects.all().delete()
    opened(CHEAP, probe_in=60)
    without_room(EXPERT, lead)
    runs = [run_through(ticket_of(world.order())) for _ in range(2)]
    assert {run.hold.cause for run in runs} == {"price" if away else "budget"}
    assert f"when {CHEAP} responds again" in runs[0].ticket.reason
    assert due_of(runs) == []
    probe_due()
    assert due_of(runs) == [runs[0].pk]
    model.will_say(DOWN)
    engine.advance(runs[0].pk)
    assert (Run.objects.get(pk=runs[0].pk).status, ticket_and_run_status(runs[0].ticket_id)[0]) == (
        "waiting",
        "needs_person",
    )
    assert due_of(runs) == []
    breakers.reset(Target("primary", CHEAP))
    assert due_of(runs) == [run.pk for run in runs]
    for run in runs:
        model.will_say(triage(), replies())
        assert go_on(run.ticket).outcome == "answered"
    assert (set(asked(model)), asked(fallback)) == ({CHEAP}, [])


def test_a_run_whose_own_model_exceeds_the_budget_waits(world: World, model: Script, lead: User) -> None:
    Hold.objects.all().delete()
    opened(EXPERT)
    without_room(CHEAP, lead)
    run = run_through(ticket_of(world.order()))
    assert (run.hold.cause, run.hold.model, due_of([run])) == ("budget", CHEAP, [])
    breakers.reset(Target("primary", EXPERT))
    assert due_of([run]) == []


def test_an_uninformative_answer_still_counts_as_an_answer(world: World, model: Script) -> None:
    model.will_say(triage(), completion({"content": ""}), replies())
    run = go_on(ticket_of(world.order()))
    assert (run.route, asked(model)) == ("no_call", [CHEAP, CHEAP, EXPERT])
    assert not Breaker.objects.exists()
