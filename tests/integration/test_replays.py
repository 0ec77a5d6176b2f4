"""Replayed runs: everything recorded, another model with the recorded world, and the world as it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from agentops.lib.errors import Refused
from agentops.models import Replay, Run, Step, StoredText
from agentops.replays import judgement, queueing, running
from agentops.replays.recording import Recording
from agentops.runs import closing, engine
from approvals.decisions import decide as deciding
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, Attempt
from approvals.policy import versions
from tests.completions import call, calls, claims_a_refund_of, completion, hands_over, replies, triage, uses
from tests.interruptions import MODEL, Killed, before_request, die, from_call
from tests.scripted import Say, Script
from tests.world import World, put_rules, refund_arguments, run_through, ticket_of
from tickets import incoming, intake
from tickets.models import Message, Ticket

ORDER = dict[str, Any]


def replayed(run: Run, mode: str = "recorded", **tried: Any) -> Replay:
    replay = queueing.queue_replay(run=run, mode=mode, asked_by="lead", **tried)
    running.advance_replay(replay.pk)
    replay.refresh_from_db()
    assert replay.status == "done", replay.error
    return replay


def what(replay: Replay) -> list[tuple[str, str]]:
    return [(finding["code"], finding["result"]) for finding in replay.findings]


def effects(replay: Replay) -> list[tuple[str, str, str]]:
    """Return (kind, verdict, status) of each effect that the replay would have had."""
    found = [step.effect for step in replay.steps.all() if step.effect]
    return [(effect["kind"], effect["verdict"], effect["status"]) for effect in found]


def a_small_refund(world: World, model: Script, amount: int = 2_000) -> tuple[Run, ORDER]:
    order = world.order()
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, amount)), claims_a_refund_of(order, amount))
    run = run_through(ticket_of(order, "The mug is broken."))
    assert run.outcome == "answered"
    return run, order


def a_decided_refund(
    world: World, model: Script, lead: User, decide: Callable[[ApprovalRequest], Any]
) -> tuple[Run, ORDER]:
    order = world.order()
    ticket = ticket_of(order, "Everything is broken.")
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, 6_000)))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    decide(request)
    execution.execute(request.action_id)
    action = Action.objects.get(pk=request.action_id)
    done = action.status == "succeeded"
    model.will_say(claims_a_refund_of(order, action.amount or 0) if done else replies("We cannot refund that."))
    run = run_through(ticket)
    assert run.status == "succeeded"
    return run, order


def everything() -> list[Any]:
    """Return every row that a replay must not change."""
    return [list(table.objects.order_by("pk").values()) for table in (Run, Step, Action, Attempt, Ticket, Message)]


# --- everything recorded --------------------------------------------------------------------------------


def test_a_recorded_replay_equals_its_recording_and_changes_nothing(world: World, model: Script) -> None:
    run, _ = a_small_refund(world, model)
    before, asked = everything(), len(model.asked)
    replay = replayed(run)
    assert (replay.result, replay.findings, replay.outcome) == ("same", [], "answered")
    assert len(model.asked) == asked
    assert everything() == before
    assert [step.index for step in replay.steps.all()] == [step.index for step in run.steps.all()]
    assert (replay.tokens, replay.cost_usd) == (run.tokens, run.cost_usd)


def test_human_decisions_and_model_mistakes_are_replayed_identically(world: World, model: Script, lead: User) -> None:
    def approve(request: ApprovalRequest) -> None:
        deciding.approve(request_id=request.pk, by=lead, seen=deciding.seen_now(request))

    def edit(request: ApprovalRequest) -> None:
        deciding.edit(request_id=request.pk, by=lead, seen=deciding.seen_now(request), changes={"amount": 2_500})

    def reject(request: ApprovalRequest) -> None:
        deciding.reject(request_id=request.pk, by=lead, seen=deciding.seen_now(request), reason="It was worn.")

    runs = [a_decided_refund(world, model, lead, decide)[0] for decide in (approve, edit, reject)]
    order = world.order()
    model.will_say(triage(ambiguous=True), completion({"content": "I think so."}), uses("launder", {}))
    model.will_say(uses("get_order", "{nonsense"), uses("get_order", {"order_id": "#W999"}))
    model.will_say(uses("refund", refund_arguments(order, 999_999)), hands_over())
    runs.append(run_through(ticket_of(order)))
    for run in runs:
        replay = replayed(run)
        assert replay.findings == [], [
            (row.labels, row.changed) for row in judgement.rows(Recording(run), list(replay.steps.all())) if row.differs
        ]


def test_further_runs_and_repeated_refunds_are_replayed_identically(world: World, model: Script) -> None:
    first, order = a_small_refund(world, model)
    again = incoming.NewMessage(ticket_id=first.ticket_id, external_id="again", body="Again!")
    message = intake.receive_message(first.ticket_id, again)[0]
    again = uses("refund", refund_arguments(order, 2_000))
    model.will_say(triage(), again, claims_a_refund_of(order, 2_000))
    run = Run.objects.get(ticket=first.ticket_id, through_message=message.pk)
    engine.advance(run.pk)
    run.refresh_from_db()
    assert run.outcome == "answered"
    for each in (first, run):
        assert replayed(each).findings == []


def test_a_run_with_an_unreachable_model_is_replayed_identically(
    world: World, model: Script, settings: Settings
) -> None:
    model.will_say(triage(), Say({"error": {"code": "bad_request"}}, 400))
    run = run_through(ticket_of(world.order()))
    assert run.status == "failed"
    assert replayed(run).findings == []


def test_a_run_ended_by_a_person_is_never_sampled(world: World, model: Script, lead: User, settings: Settings) -> None:
    settings.LLM_EXPERT_MODEL = "a-model-without-a-price"
    began = timezone.now()
    model.will_say(triage(ambiguous=True))
    ticket = ticket_of(world.order())
    run_through(ticket)
    assert closing.close_ticket(ticket.pk, by=lead)
    run = Run.objects.get(ticket=ticket)
    assert (run.status, run.reason) == ("cancelled", "The ticket was closed.")
    replay = replayed(run)
    assert (replay.result, replay.findings, replay.reason) == ("same", [], "The ticket was closed.")
    assert run not in queueing.sample(since=began, size=100, seed=1)


def test_a_changed_message_is_a_difference_a_changed_prompt_not(
    world: World, model: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = a_small_refund(world, model)
    monkeypatch.setattr("agentops.runs.prompts.AGENT_PROMPT", "Another prompt.")
    assert replayed(run).result == "same"
    Message.objects.filter(ticket=run.ticket_id, direction="inbound").update(body="Other words.")
    replay = replayed(run)
    assert replay.result == "different"
    assert any("messages sent" in finding["what"] for finding in replay.findings)


def test_a_verdict_that_the_rules_no_longer_give_is_found(world: World, model: Script) -> None:
    run, _ = a_small_refund(world, model)
    Action.objects.filter(run_id=run.pk, kind="refund").update(verdict="require_approval")
    replay = replayed(run)
    assert [finding["what"] for finding in replay.findings] == ["Step 4 (refund) differs: verdict."]


# --- another model, prompt or policy --------------------------------------------------------------------


def test_another_model_gets_the_recorded_world(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    before = everything()
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"].lstrip("#")}))
    model.will_say(
        uses("refund", refund_arguments(order, 2_000, reason="Other words.")), claims_a_refund_of(order, 2_000)
    )
    replay = replayed(run, "model", llm_model="gpt-5", prompt="Be brief.")
    assert (replay.result, what(replay)) == ("same", [])
    assert [asked.data["model"] for asked in model.asked[-4:]] == ["gpt-5"] * 4, "the triage too"
    assert model.asked[-1].data["messages"][0]["content"] == "Be brief."
    assert StoredText.objects.get(digest=replay.prompt).body == "Be brief."
    assert everything() == before
    assert replay.cost_usd > 0


def test_unrecorded_reads_are_reported_as_not_recorded(world: World, model: Script) -> None:
    run, _ = a_small_refund(world, model)
    model.will_say(triage(), uses("get_customer"), hands_over())
    replay = replayed(run, "model")
    step = replay.steps.get(index=2)
    assert (step.source, step.error_code) == ("not_recorded", "not_recorded")
    assert json.loads(model.asked[-1].data["messages"][-1]["content"])["error"]["code"] == "not_recorded"
    assert (replay.result, replay.outcome) == ("different", "with_person")


def test_a_new_effect_is_judged_and_assumed(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    model.will_say(triage(), uses("refund", refund_arguments(order, 7_000)), claims_a_refund_of(order, 7_000))
    replay = replayed(run, "model")
    assert effects(replay)[0] == ("refund", "require_approval", "succeeded")
    step = replay.steps.get(name="refund")
    assert (step.source, step.note) == ("assumed", "Would need approval. Assumed approved.")
    assert what(replay) == [("params", "different"), ("claims", "different")]
    assert effects(replay)[1][1] == "auto_approve", "the reply claims what this replay assumes"


def test_a_replay_cannot_exceed_the_recorded_order_either(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    model.will_say(triage(), uses("refund", refund_arguments(order, 9_000)))
    model.will_say(uses("refund", refund_arguments(order, 2_000, further=True)), hands_over())
    replay = replayed(run, "model")
    refunds = list(replay.steps.filter(name="refund"))
    assert [(step.status, step.error_code) for step in refunds] == [
        ("done", ""),
        ("failed", "amount_exceeds_refundable"),
    ]


def test_effects_that_another_policy_blocks_did_not_happen(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    strict = versions.save_policy(
        rules=versions.policy_rules(versions.current_policy()).model_copy(
            update={
                "thresholds": [
                    row.model_copy(update={"auto_up_to": 100, "block_above": 1_000})
                    for row in versions.policy_rules(versions.current_policy()).thresholds
                ],
            }
        ),
        by=None,
        note="strict",
    )
    put_rules()
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    replay = replayed(run, "model", policy_version=strict.pk)
    assert effects(replay)[0] == ("refund", "block", "blocked")
    assert ("verdict", "different") in what(replay)
    assert (replay.outcome, "is blocked by policy" in replay.reason) == ("with_person", True)


@pytest.mark.parametrize(
    ("decide", "amount", "result"),
    [
        ("reject", None, "better"),
        ("reject", 6_000, "same"),
        ("reject", 6_500, "different"),
        ("reject", 100, "worse"),
        ("edit", 2_500, "better"),
        ("edit", 6_000, "same"),
        ("approve", 6_000, "same"),
        ("approve", 3_000, "worse"),
        ("approve", None, "worse"),
    ],
)
def test_better_or_worse_depends_on_the_recorded_decisions(
    world: World, model: Script, lead: User, decide: str, amount: int | None, result: str
) -> None:
    def say(request: ApprovalRequest) -> None:
        given = {"request_id": request.pk, "by": lead, "seen": deciding.seen_now(request)}
        match decide:
            case "reject":
                deciding.reject(**given, reason="It was worn.")
            case "edit":
                deciding.edit(**given, changes={"amount": 2_500})
            case _:
                deciding.approve(**given)

    run, order = a_decided_refund(world, model, lead, say)
    model.will_say(triage())
    moved = 0
    if amount is not None:
        model.will_say(uses("refund", refund_arguments(order, amount)))
        moved = {"reject": amount if amount == 100 else 0, "edit": 2_500}.get(decide, amount)
    model.will_say(claims_a_refund_of(order, moved) if moved else replies("We cannot refund that."))
    replay = replayed(run, "model")
    assert replay.result == result, replay.findings


def test_keeping_only_the_approved_refund_is_not_worse(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order, "Everything is broken.")
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    wanted = (refund_arguments(order, 6_000), refund_arguments(order, 6_500, further=True))
    for arguments, decide in zip(wanted, (deciding.reject, deciding.approve), strict=True):
        model.will_say(uses("refund", arguments))
        run_through(ticket)
        request = ApprovalRequest.objects.get(action__ticket=ticket, closed_at=None)
        given = {"request_id": request.pk, "by": lead, "seen": deciding.seen_now(request)}
        decide(**given, **({"reason": "It was worn."} if decide is deciding.reject else {}))
        execution.execute(request.action_id)
    model.will_say(claims_a_refund_of(order, 6_500))
    run = run_through(ticket)
    model.will_say(triage(), uses("refund", wanted[1]), claims_a_refund_of(order, 6_500))
    replay = replayed(run, "model")
    assert what(replay) == [("missing", "better")], replay.findings
    assert replay.result == "better"


def test_omitting_a_reply_that_people_rejected_is_not_worse(world: World, model: Script, lead: User) -> None:
    order = world.order()
    ticket = ticket_of(order, "Where is my money?")
    model.will_say(triage(), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    request = ApprovalRequest.objects.get(action__ticket=ticket, closed_at=None)
    deciding.reject(request_id=request.pk, by=lead, seen=deciding.seen_now(request), reason="Nothing was refunded.")
    model.will_say(hands_over())
    run = run_through(ticket)
    assert run.outcome == "with_person"
    model.will_say(triage(), replies("We are looking into it."))
    replay = replayed(run, "model")
    assert ("claims", "better") in what(replay)
    assert replay.result == "better", replay.findings


# --- the live world -------------------------------------------------------------------------------------


def test_a_live_replay_reads_the_live_shop_and_moves_nothing(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    other = world.order()
    before, moved, sent = everything(), world.refunds(order), len(world.simulator.replies())
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}), uses("get_customer"))
    model.will_say(
        calls(call("get_order", {"order_id": other["order_id"]}, 1), call("refund", refund_arguments(order, 3_000), 2))
    )
    model.will_say(claims_a_refund_of(order, 3_000))
    replay = replayed(run, "live")
    read = replay.steps.get(index=2)
    assert (read.source, read.output["refundable"]) == ("live", 8_000)
    assert replay.steps.get(index=6).error_code == "not_this_customers_order"
    assert effects(replay)[0] == ("refund", "auto_approve", "succeeded")
    assert effects(replay)[1][:2] == ("reply", "auto_approve"), "it reports what this replay assumes to have happened"
    assert everything() == before
    assert world.refunds(order) == moved
    assert len(world.simulator.replies()) == sent


def test_recorded_effects_do_not_support_a_live_replays_reply(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    model.will_say(triage(), claims_a_refund_of(order, 2_000))
    replay = replayed(run, "live")
    assert effects(replay)[0][:2] == ("reply", "require_approval")
    assert ("missing", "different") in what(replay)


def test_a_live_replay_cannot_return_the_same_money_twice(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    first, second = (refund_arguments(order, 4_500, **more) for more in ({}, {"further": True}))
    model.will_say(triage(), uses("refund", first), uses("refund", second), hands_over())
    replay = replayed(run, "live")
    assert [kind for kind, _, _ in effects(replay)] == ["refund"], "8,000 are left, and 4,500 of them are gone"
    assert replay.steps.get(index=4).error_code == "amount_exceeds_refundable"


# --- starting and resuming ------------------------------------------------------------------------------


def test_an_impossible_replay_is_refused_with_the_alternatives(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    run = Run.objects.get(ticket=ticket)
    with pytest.raises(Refused, match="hasn't finished yet"):
        queueing.queue_replay(run=run, mode="recorded", asked_by="lead")
    finished, _ = a_small_refund(world, model)
    for tried, code in (
        ({"mode": "backwards"}, "unknown_mode"),
        ({"mode": "recorded", "llm_model": "gpt-5"}, "nothing_to_try"),
        ({"mode": "model", "policy_version": 10**6}, "unknown_policy"),
        ({"mode": "model", "prompt": "x" * 60_000}, "prompt_too_long"),
    ):
        with pytest.raises(Refused) as refused:
            queueing.queue_replay(run=finished, asked_by="lead", **tried)
        assert refused.value.code == code


def test_an_interrupted_replay_resumes_after_its_last_step(world: World, model: Script) -> None:
    run, order = a_small_refund(world, model)
    replay = queueing.queue_replay(run=run, mode="model", asked_by="lead")
    model.will_say(triage(), uses("refund", refund_arguments(order, 2_000)))
    with before_request(MODEL, from_call(3, die)), pytest.raises(Killed):
        running.advance_replay(replay.pk)
    assert replay.pk not in running.due(1000), "its lease holds"
    Replay.objects.filter(pk=replay.pk).update(lease_expires_at="2020-01-01T00:00:00Z")
    assert replay.pk in running.due(1000)
    model.will_say(claims_a_refund_of(order, 2_000))
    running.advance_replay(replay.pk)
    replay.refresh_from_db()
    assert (replay.status, replay.result) == ("done", "same"), replay.error


def test_a_failing_model_is_retried_later(world: World, model: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0
    run, _ = a_small_refund(world, model)
    replay = queueing.queue_replay(run=run, mode="model", asked_by="lead")
    model.will_say(Say({"error": {"code": "busy"}}, 503), triage(), hands_over())
    running.advance_replay(replay.pk)
    replay.refresh_from_db()
    assert (replay.status, replay.attempt) == ("queued", 2)
    running.advance_replay(replay.pk)
    replay.refresh_from_db()
    assert (replay.status, replay.attempt) == ("done", 1)


def test_an_unreachable_model_fails_the_replay_not_the_run(world: World, model: Script) -> None:
    run, _ = a_small_refund(world, model)
    for answer, code in (
        (Say({"error": {"code": "no_such_model", "message": "unheard of"}}, 404), "no_such_model"),
        (Say({"error": {"code": "bad_key", "message": "who are you"}}, 401), "bad_key"),
    ):
        model.will_say(answer)
        replay = queueing.queue_replay(run=run, mode="model", asked_by="lead")
        running.advance_replay(replay.pk)
        replay.refresh_from_db()
        assert (replay.status, replay.result, replay.outcome) == ("failed", "", "")
        assert code in replay.error


def test_without_a_language_model_only_recorded_replays_work(world: World, model: Script, settings: Settings) -> None:
    run, _ = a_small_refund(world, model)
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "", None
    for mode in ("model", "live"):
        with pytest.raises(Refused, match="No model is configured"):
            queueing.queue_replay(run=run, mode=mode, asked_by="lead")
    assert replayed(run).result == "same"
