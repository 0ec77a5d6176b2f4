"""The fixed word to a customer whose ticket went to a person: once, through the one path, and never the model's."""

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from agentops.lib import tracing
from agentops.lib.errors import Refused
from agentops.models import Run
from agentops.runs import closing, engine
from agentops.telemetry import spans
from agentops.trace.loading import find_run
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import Action, AuditEvent
from approvals.policy import versions
from approvals.policy.rules import ACKNOWLEDGEMENT, Rules
from tests.completions import completion, hands_over, replies, triage, uses
from tests.integration.test_engine import another_message, status
from tests.scripted import Say, Script
from tests.world import World, put_rules, run_through, ticket_of
from tickets.models import Message, Ticket

BROKEN = Say({"error": {"message": "No."}}, 400)  # the language model cannot be asked: the run fails


def acknowledgements(ticket: Ticket) -> list[Action]:
    return [row for row in Action.objects.filter(ticket=ticket).order_by("pk") if row.facts.get("fixed")]


def received(world: World, ticket: Ticket) -> list[str]:
    return [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]


def send(ticket: Ticket) -> None:
    for action in acknowledgements(ticket):
        execution.execute(action.pk)


def test_by_default_a_customer_is_told_nothing(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), BROKEN)
    assert run_through(ticket).status == "failed"
    assert (status(ticket)[0], acknowledgements(ticket)) == ("needs_person", [])


@pytest.mark.parametrize(
    ("asked", "end", "told"),
    [("failed", BROKEN, 1), ("failed", hands_over(), 0), ("with_person", BROKEN, 1), ("with_person", hands_over(), 1)],
)
def test_the_policy_says_after_which_runs(world: World, model: Script, asked: str, end: Say, told: int) -> None:
    put_rules(acknowledge=asked)
    ticket = ticket_of(world.order())
    model.will_say(triage(), end)
    run_through(ticket)
    assert len(acknowledgements(ticket)) == told


LOOKS = uses("get_customer")  # and goes on looking


@pytest.mark.parametrize("said", [[completion({"content": "Hm."})] * 5, [LOOKS] * 12])
def test_a_run_that_came_to_nothing_has_failed_and_its_customer_is_told(
    world: World, model: Script, said: list[Say]
) -> None:
    put_rules(acknowledge="failed")
    ticket = ticket_of(world.order())
    model.will_say(triage(), *said)
    run = run_through(ticket)
    assert (run.status, run.outcome, run.turns) == ("failed", "with_person", len(said))
    assert len(acknowledgements(ticket)) == 1


def test_it_is_part_of_its_runs_trace(world: World, model: Script) -> None:
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    run = run_through(ticket)
    send(ticket)
    found = find_run(run.pk)
    assert found is not None
    told = {span.name: span for span in spans.of(found, run.created_at, timezone.now())}
    attempt = told["reply attempt"]
    assert attempt.parent_id == told["execute_tool hand_over"].span_id
    assert attempt.span_id == tracing.span_id(attempt.trace_id, tracing.attempt_span(acknowledgements(ticket)[0].pk, 1))
    assert "policy" in told


def test_it_goes_the_one_path_in_the_shop_s_own_words(world: World, model: Script) -> None:
    version = put_rules(acknowledge="with_person", acknowledgement="We have read it. A person will write to you.")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over("The model says: your refund is on its way."))
    run = run_through(ticket)
    (action,) = acknowledgements(ticket)
    assert (action.kind, action.status, action.run_id, action.policy_version_id) == (
        "reply", "approved", run.pk, version.pk,
    )  # fmt: skip
    assert (action.idempotency_key, action.params["claims"], action.verdict) == (
        f"{ticket.pk}:reply:1",
        [],
        "auto_approve",
    )
    assert action.pk in execution.due(1000)
    send(ticket)
    assert received(world, ticket) == ["We have read it. A person will write to you."]
    assert status(ticket) == ("needs_person", "The model says: your refund is on its way.")
    events = AuditEvent.objects.filter(object_type="action", object_id=str(action.pk)).values_list("verb", "actor")
    assert ("action.proposed", "system") in events
    assert ("action.auto_approved", "system") in events


def test_the_next_run_sees_it_in_the_conversation(world: World, model: Script) -> None:
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    run_through(ticket)
    send(ticket)
    another_message(ticket)
    model.will_say(triage(), hands_over())
    run_through(ticket)
    said = [(row["role"], row["content"]) for row in model.asked[-1].data["messages"]]
    assert ("assistant", ACKNOWLEDGEMENT) in said
    assert said[-1] == ("user", "And another thing.")


def test_it_is_sent_once_until_the_ticket_is_answered(world: World, model: Script, lead: User) -> None:
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    for number in range(3):
        model.will_say(triage(), hands_over())
        run_through(ticket)
        send(ticket)
        another_message(ticket, external_id=f"further-{number}")
    assert received(world, ticket) == [ACKNOWLEDGEMENT]
    execution.execute(decide.reply_by_hand(ticket=ticket, text="I have looked at it.", by=lead).pk)
    model.will_say(triage(), hands_over())
    run_through(ticket)
    send(ticket)
    assert received(world, ticket) == [ACKNOWLEDGEMENT, "I have looked at it.", ACKNOWLEDGEMENT]


def test_it_does_not_come_after_an_answer(world: World, model: Script, lead: User) -> None:
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    run_through(ticket)
    execution.execute(decide.reply_by_hand(ticket=ticket, text="I have looked at it.", by=lead).pk)
    send(ticket)
    (action,) = acknowledgements(ticket)
    assert (action.status, action.error_code) == ("failed", "answered_meanwhile")
    assert received(world, ticket) == ["I have looked at it."]
    assert status(ticket)[0] == "answered"


def test_it_does_not_overtake_an_answer_on_its_way_nor_a_run_that_has_begun(
    world: World, model: Script, lead: User
) -> None:
    put_rules(acknowledge="with_person")
    for overtaken in ("reply", "message"):
        ticket = ticket_of(world.order())
        model.will_say(triage(), hands_over())
        run_through(ticket)
        if overtaken == "reply":
            decide.reply_by_hand(ticket=ticket, text="I have looked at it.", by=lead)
        else:
            another_message(ticket)
        send(ticket)
        assert received(world, ticket) == []
        assert acknowledgements(ticket)[0].error_code == "answered_meanwhile"


def test_a_reply_that_a_person_rejected_does_not_stand_in_its_way(world: World, model: Script, lead: User) -> None:
    put_rules(acknowledge="with_person", replies_need_approval=True)
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("Hello."))
    run_through(ticket)
    held = Action.objects.get(ticket=ticket, kind="reply").requests.get()
    decide.reject(request_id=held.pk, by=lead, digest=held.digest, reason="Not like this.")
    model.will_say(hands_over())
    run_through(ticket)
    send(ticket)
    assert received(world, ticket) == [ACKNOWLEDGEMENT], "people put these words in force: nobody reads them again"


def test_an_ending_that_is_undone_leaves_none_and_the_next_worker_one(
    world: World, model: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away as the run's end is committed."""
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    run = Run.objects.get(ticket=ticket)
    model.will_say(triage(), hands_over())
    commit = connection._commit

    with monkeypatch.context() as patch:

        def dies() -> None:
            if acknowledgements(ticket):
                connection.connection.close()
            commit()

        patch.setattr(connection, "_commit", dies)
        with pytest.raises(OperationalError):
            engine.advance(run.pk)
    connection.close()
    assert (acknowledgements(ticket), Run.objects.get(pk=run.pk).status) == ([], "running")
    Run.objects.filter(pk=run.pk).update(lease_expires_at="2020-01-01T00:00:00Z")
    engine.advance(run.pk)
    for _ in range(2):
        send(ticket)
    assert (len(acknowledgements(ticket)), received(world, ticket)) == (1, [ACKNOWLEDGEMENT])
    assert Message.objects.filter(ticket=ticket, direction="outbound").count() == 1


@pytest.mark.parametrize(
    "text",
    [
        "Your refund is on its way.",
        "We will refund you soon.",
        "Order #W1234567 is cancelled.",
        "Vaše peníze jsou na cestě.",
    ],
)
def test_words_that_claim_or_promise_are_not_put_in_force(world: World, lead: User, text: str) -> None:
    with pytest.raises(Refused, match="must not claim or promise anything") as refused:
        versions.save_policy(rules=Rules(acknowledgement=text), by=lead, note="Kinder.")
    assert refused.value.code == "acknowledgement_claims"


def test_words_that_are_in_force_keep_no_other_change_from_it(world: World, lead: User) -> None:
    """The grounding has learned since what they claim."""
    old = Rules(acknowledgement="Your refund is on its way.")
    versions.PolicyVersion.objects.create(rules=old.model_dump(mode="json"), note="before", created_by=lead)
    saved = versions.save_policy(rules=old.model_copy(update={"approval_hours": 9}), by=None, note="Longer.")
    assert versions.current() == saved


def test_rules_that_cannot_be_read_do_not_keep_a_run_from_its_end(world: World, model: Script, lead: User) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    versions.PolicyVersion.objects.create(rules={"acknowledge": "always"}, note="broken", created_by=lead)
    assert run_through(ticket).outcome == "with_person"
    assert (status(ticket)[0], acknowledgements(ticket)) == ("needs_person", [])


def test_one_that_is_not_sent_yet_stands_in_nobody_s_way(world: World, model: Script, lead: User) -> None:
    put_rules(acknowledge="with_person")
    for status_of_it in ("approved", "unresolved"):
        ticket = ticket_of(world.order())
        model.will_say(triage(), hands_over())
        run_through(ticket)
        if status_of_it == "unresolved":
            world.faults("POST /replies", "lost_answer", times=0)
            (action,) = acknowledgements(ticket)
            while execution.execute(action.pk).status != states.UNRESOLVED:
                Action.objects.filter(pk=action.pk).update(not_before=None)
            world.simulator.faults()
            assert status(ticket) == ("needs_person", "They want a person."), "its reason is the better one"
        model.will_say(triage(), replies("Hello."))
        closing.run_again(ticket.pk, by=lead)
        assert run_through(ticket).outcome == "answered"
        assert status(ticket)[0] == "answered"
        assert closing.close_ticket(ticket.pk, by=lead)
