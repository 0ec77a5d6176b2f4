"""The fixed acknowledgement to a customer whose ticket went to a person: sent once, through the usual path, never
written by the model."""

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

BROKEN = Say({"error": {"message": "No."}}, 400)  # the language model is unavailable: the run fails


def acknowledgements(ticket: Ticket) -> list[Action]:
    return [row for row in Action.objects.filter(ticket=ticket).order_by("pk") if row.facts.get("fixed")]


def received(world: World, ticket: Ticket) -> list[str]:
    return [row["body"] for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]


def send(ticket: Ticket) -> None:
    for action in acknowledgements(ticket):
        execution.execute(action.pk)


def test_by_default_customers_get_no_acknowledgement(world: World, model: Script) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), BROKEN)
    assert run_through(ticket).status == "failed"
    assert (status(ticket)[0], acknowledgements(ticket)) == ("needs_person", [])


@pytest.mark.parametrize(
    ("asked", "end", "count"),
    [("failed", BROKEN, 1), ("failed", hands_over(), 0), ("with_person", BROKEN, 1), ("with_person", hands_over(), 1)],
)
def test_the_policy_decides_which_runs_are_acknowledged(
    world: World, model: Script, asked: str, end: Say, count: int
) -> None:
    put_rules(acknowledge=asked)
    ticket = ticket_of(world.order())
    model.will_say(triage(), end)
    run_through(ticket)
    assert len(acknowledgements(ticket)) == count


LOOKS = uses("get_customer")  # and keeps looking


@pytest.mark.parametrize("said", [[completion({"content": "Hm."})] * 5, [LOOKS] * 12])
def test_a_run_that_ends_without_result_is_acknowledged_as_failed(world: World, model: Script, said: list[Say]) -> None:
    put_rules(acknowledge="failed")
    ticket = ticket_of(world.order())
    model.will_say(triage(), *said)
    run = run_through(ticket)
    assert (run.status, run.outcome, run.turns) == ("failed", "with_person", len(said))
    assert len(acknowledgements(ticket)) == 1


def test_the_acknowledgement_is_part_of_the_runs_trace(world: World, model: Script) -> None:
    put_rules(acknowledge="with_person")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    run = run_through(ticket)
    send(ticket)
    found = find_run(run.pk)
    assert found is not None
    by_name = {span.name: span for span in spans.spans_between(found, run.created_at, timezone.now())}
    attempt = by_name["reply attempt"]
    assert attempt.parent_id == by_name["execute_tool hand_over"].span_id
    assert attempt.span_id == tracing.span_id(attempt.trace_id, tracing.attempt_span(acknowledgements(ticket)[0].pk, 1))
    assert "policy" in by_name


def test_the_acknowledgement_is_an_ordinary_reply_with_fixed_text(world: World, model: Script) -> None:
    version = put_rules(acknowledge="with_person", acknowledgement="We have read it. A person will write to you.")
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over("The model says: your refund is on its way."))
    run = run_through(ticket)
    (action,) = acknowledgements(ticket)
    assert (action.kind, action.status, action.run_id, action.policy_version_id) == (
        "reply",
        "approved",
        run.pk,
        version.pk,
    )
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


def test_the_next_run_sees_the_acknowledgement(world: World, model: Script) -> None:
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


def test_no_acknowledgement_follows_an_answer(world: World, model: Script, lead: User) -> None:
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


def test_it_is_not_sent_before_a_pending_answer_or_run(world: World, model: Script, lead: User) -> None:
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


def test_a_rejected_reply_does_not_prevent_the_acknowledgement(world: World, model: Script, lead: User) -> None:
    put_rules(acknowledge="with_person", replies_need_approval=True)
    ticket = ticket_of(world.order())
    model.will_say(triage(), replies("Hello."))
    run_through(ticket)
    held = Action.objects.get(ticket=ticket, kind="reply").requests.get()
    decide.reject(request_id=held.pk, by=lead, seen=decide.seen_now(held), reason="Not like this.")
    model.will_say(hands_over())
    run_through(ticket)
    send(ticket)
    assert received(world, ticket) == [ACKNOWLEDGEMENT], "an admin approved this text: it needs no further review"


def test_a_rolled_back_run_end_sends_it_once_after_retry(
    world: World, model: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database connection breaks while the run's end is committed."""
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
def test_text_that_claims_or_promises_an_effect_is_refused(world: World, lead: User, text: str) -> None:
    with pytest.raises(Refused, match="must not claim or promise anything") as refused:
        versions.save_policy(rules=Rules(acknowledgement=text), by=lead, note="Kinder.")
    assert refused.value.code == "acknowledgement_claims"


def test_text_already_in_force_does_not_block_other_changes(world: World, lead: User) -> None:
    """Grounding rules added later would reject the text."""
    old = Rules(acknowledgement="Your refund is on its way.")
    versions.PolicyVersion.objects.create(rules=old.model_dump(mode="json"), note="before", created_by=lead)
    saved = versions.save_policy(rules=old.model_copy(update={"approval_hours": 9}), by=None, note="Longer.")
    assert versions.current_policy() == saved


def test_unreadable_rules_do_not_keep_a_run_from_ending(world: World, model: Script, lead: User) -> None:
    ticket = ticket_of(world.order())
    model.will_say(triage(), hands_over())
    versions.PolicyVersion.objects.create(rules={"acknowledge": "always"}, note="broken", created_by=lead)
    assert run_through(ticket).outcome == "with_person"
    assert (status(ticket)[0], acknowledgements(ticket)) == ("needs_person", [])


def test_an_unsent_acknowledgement_blocks_nothing_else(world: World, model: Script, lead: User) -> None:
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
            assert status(ticket) == ("needs_person", "They want a person."), "its reason is more specific"
        model.will_say(triage(), replies("Hello."))
        closing.run_again(ticket.pk, by=lead)
        assert run_through(ticket).outcome == "answered"
        assert status(ticket)[0] == "answered"
        assert closing.close_ticket(ticket.pk, by=lead)
