"""Unknown outcomes are settled by the provider's answer, or by people who say how they know."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from agentops.lib.errors import Refused
from approvals import states
from approvals.effects import lookup
from approvals.models import Action, AuditEvent, HandSettlement
from approvals.reconciliation import by_hand
from tests.integration.books import make_quiet, unresolved_refund
from tests.integration.history_rows import a_ticket, an_action
from tests.scripted import Say, Script
from tests.world import World, at_once, propose_refund, put_rules
from tickets.models import Message, Ticket


@pytest.fixture
def leads(live_database: str) -> list[User]:
    return [User.objects.get_or_create(username=name)[0] for name in ("maya", "noor", "omar")]


def unknown_refund(amount: int = 2_000, currency: str = "USD", **more: Any) -> Action:
    """Return a refund that the provider does not know. Above 1,000.00 two people are needed."""
    params = {"order_id": "#W1", "payment_id": "pay_none", "amount": amount, "currency": currency, "reason": "Broken."}
    return an_action(status=states.UNRESOLVED, amount=amount, currency=currency, params=params, **more)


def say(action: Action, by: User, happened: bool, reason: str = "It is on the statement.") -> Action:
    return by_hand.resolve_by_hand(action_id=action.pk, by=by, happened=happened, reason=reason).action


@pytest.fixture
def away(world: World, settings: Settings) -> None:
    """Make the provider unreachable, so that people have to decide."""
    settings.PAYMENTS_URL = "http://127.0.0.1:1"


# --- look-ups -------------------------------------------------------------------------------------------


def test_an_effect_at_the_provider_is_settled_at_once(world: World, lead: User) -> None:
    action = unresolved_refund(world)
    asked = by_hand.check_now(action_id=action.pk, by=lead)
    assert asked.action.status == states.SUCCEEDED
    assert asked.message.startswith("The provider has this: re_")
    event = AuditEvent.objects.get(object_id=action.pk, verb="action.asked_again")
    assert (event.actor, event.after) == ("lead", {"key": action.idempotency_key, "said": asked.message})


def test_a_missing_effect_counts_as_failed_after_a_while(world: World, lead: User) -> None:
    action = unresolved_refund(world, happened=False)
    early = by_hand.check_now(action_id=action.pk, by=lead)
    assert early.action.status == states.UNRESOLVED
    assert "may still arrive" in early.message
    make_quiet(action)
    late = by_hand.check_now(action_id=action.pk, by=lead)
    assert (late.action.status, "has no refund with our reference" in late.message) == (states.FAILED, True)


def test_an_unreachable_provider_reports_why(world: World, payments: Script, lead: User) -> None:
    action = unknown_refund()
    payments.will_say(Say({"error": {"code": "unavailable", "message": "Closed on Sundays."}}, 503))
    asked = by_hand.check_now(action_id=action.pk, by=lead)
    assert asked.action.status == states.UNRESOLVED
    assert asked.message == "Couldn't check with the provider. Closed on Sundays."


def test_a_reply_cannot_be_looked_up(world: World, lead: User) -> None:
    asked = by_hand.check_now(action_id=an_action(kind="reply", status=states.UNRESOLVED).pk, by=lead)
    assert asked.message.startswith("The provider can't tell")


def test_a_settled_action_is_left_alone(world: World, lead: User) -> None:
    asked = by_hand.check_now(action_id=an_action().pk, by=lead)
    assert (asked.action.status, asked.message) == (states.SUCCEEDED, "This action is already settled.")


# --- resolved by people ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize(("happened", "status"), [(True, "succeeded"), (False, "failed")])
def test_one_person_resolves_what_the_policy_allows(
    world: World, leads: list[User], happened: bool, status: str
) -> None:
    action = say(unknown_refund(100_000), leads[0], happened, "  The bank's statement of May.  ")
    action.refresh_from_db()
    assert action.status == status
    assert action.settled_at is not None
    event = AuditEvent.objects.get(object_id=action.pk, verb="action.settled_by_hand")
    assert (event.actor, event.before) == ("maya", {"status": "unresolved"})
    assert (event.after["happened"], event.after["reason"]) == (happened, "The bank's statement of May.")
    assert HandSettlement.objects.get(action=action).reason == "The bank's statement of May."
    if not happened:
        assert (action.error_code, action.error_message) == ("settled_by_hand", "The bank's statement of May.")


@pytest.mark.usefixtures("away")
def test_above_the_limit_two_people_are_needed(world: World, leads: list[User]) -> None:
    action = unknown_refund(100_001)
    assert by_hand.people_needed(action) == 2
    assert say(action, leads[0], True).status == states.UNRESOLVED
    assert AuditEvent.objects.filter(object_id=action.pk, verb="action.settlement_proposed", actor="maya").exists()
    assert say(action, leads[1], True).status == states.SUCCEEDED


def test_two_are_needed_in_a_currency_without_a_limit(world: World, leads: list[User]) -> None:
    assert by_hand.people_needed(unknown_refund(1, "CHF")) == 2
    assert by_hand.people_needed(unknown_refund(1)) == 1
    assert by_hand.people_needed(an_action(kind="reply", status=states.UNRESOLVED)) == 1


def test_the_current_rules_decide_how_many_are_needed(world: World) -> None:
    action = unknown_refund(50_000)
    assert by_hand.people_needed(action) == 1
    put_rules(thresholds=[])
    assert by_hand.people_needed(action) == 2


@pytest.mark.usefixtures("away")
def test_a_person_reports_an_outcome_only_once(world: World, leads: list[User]) -> None:
    action = unknown_refund(200_000)
    say(action, leads[0], True)
    for happened in (True, False):
        with pytest.raises(Refused, match="Another person must confirm") as refused:
            say(action, leads[0], happened)
        assert refused.value.code == "said_before"
    assert Action.objects.get(pk=action.pk).status == states.UNRESOLVED


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize(("last", "status"), [(True, "succeeded"), (False, "failed")])
def test_two_different_answers_need_a_third_person(world: World, leads: list[User], last: bool, status: str) -> None:
    action = unknown_refund(200_000)
    say(action, leads[0], True)
    assert say(action, leads[1], False, "Support says no.").status == states.UNRESOLVED
    standing = by_hand.decisions_on(action)
    assert standing.contradicted
    assert [(row.by.username, row.happened) for row in standing.reports] == [("maya", True), ("noor", False)]
    assert say(action, leads[2], last).status == status


@pytest.mark.parametrize("reason", ["", "   \n"])
def test_a_resolution_needs_a_reason(world: World, leads: list[User], reason: str) -> None:
    action = unknown_refund()
    with pytest.raises(Refused, match="Enter the evidence"):
        say(action, leads[0], True, reason)
    assert not HandSettlement.objects.filter(action=action).exists()


def test_a_known_outcome_cannot_be_resolved_again(world: World, leads: list[User]) -> None:
    for status in (states.SUCCEEDED, states.FAILED, states.EXECUTING, states.APPROVED):
        lease = {"lease_expires_at": "2030-01-01T00:00:00Z"} if status == states.EXECUTING else {}
        action = an_action(status=status, **lease)
        with pytest.raises(Refused) as refused:
            say(action, leads[0], False)
        assert refused.value.code == "already_settled"
        assert Action.objects.get(pk=action.pk).status == status


def test_a_reply_that_arrived_joins_the_conversation(world: World, leads: list[User]) -> None:
    for happened in (True, False):
        params = {
            "to": "maya@example.com",
            "subject": "Re: Lamp",
            "claims": [],
            "text": "Your refund is on its way.",
            "reason": "Done.",
        }
        ticket = a_ticket(status="needs_person")
        action = an_action(ticket, kind="reply", status=states.UNRESOLVED, params=params)
        say(action, leads[0], happened)
        assert Message.objects.filter(ticket=ticket, direction="outbound").count() == int(happened)
        ticket.refresh_from_db()
        assert ticket.status == ("answered" if happened else "needs_person")


def test_a_persons_undelivered_reply_is_shown_on_its_ticket(world: World, leads: list[User]) -> None:
    ticket = a_ticket()
    Ticket.objects.filter(pk=ticket.pk).update(status="needs_person", reason="The outcome is unknown.")
    action = an_action(ticket, kind="reply", status=states.UNRESOLVED, params={"text": "Hello", "reason": "Written"})
    assert say(action, leads[0], False, "The help desk has no such message.").status == states.FAILED
    ticket.refresh_from_db()
    assert (ticket.status, ticket.kept_by_person) == ("needs_person", True)
    assert ticket.reason == (
        f"A person's reply ({action.idempotency_key}) was not delivered: The help desk has no such message."
    )


def test_the_money_is_free_again_after_a_reported_failure(world: World, leads: list[User], settings: Settings) -> None:
    action = unresolved_refund(world, happened=False)
    make_quiet(action)
    settings.PAYMENTS_URL = "http://127.0.0.1:1"
    order = {"order_id": action.order_id, "currency": "USD"} | {"customer_email": action.ticket.customer.email}
    with pytest.raises(Refused, match="may still be refunded"):
        propose_refund(order, 10_000)
    say(action, leads[0], False)
    assert propose_refund(order, 10_000).amount == 10_000


# --- the provider is asked before people -----------------------------------------------------------------


@pytest.mark.parametrize("happened", [True, False])
def test_the_providers_success_overrides_a_persons_answer(world: World, leads: list[User], happened: bool) -> None:
    action = unresolved_refund(world)
    asked = by_hand.resolve_by_hand(action_id=action.pk, by=leads[0], happened=happened, reason="Support says so.")
    assert asked.action.status == states.SUCCEEDED
    assert asked.message.startswith("The provider answered first. The provider has this: re_")
    assert not HandSettlement.objects.filter(action=action).exists()
    assert AuditEvent.objects.filter(object_id=action.pk, verb="action.reconciled").count() == 1


def test_a_long_missing_effect_overrides_it_too(world: World, leads: list[User]) -> None:
    action = unresolved_refund(world, happened=False)
    make_quiet(action)
    assert say(action, leads[0], True).status == states.FAILED
    assert not HandSettlement.objects.filter(action=action).exists()


def test_success_cannot_be_reported_while_the_provider_denies_it(world: World, leads: list[User]) -> None:
    action = unresolved_refund(world, happened=False)
    with pytest.raises(
        Refused, match=r"The provider doesn't have this yet, .* confirm the outcome in \d+ seconds"
    ) as refused:
        say(action, leads[0], True)
    assert refused.value.code == "too_early"
    assert not HandSettlement.objects.filter(action=action).exists()


@pytest.mark.parametrize("reachable", [True, False])
def test_failure_cannot_be_reported_while_it_may_still_arrive(
    world: World, leads: list[User], settings: Settings, reachable: bool
) -> None:
    action = unresolved_refund(world, happened=False)
    if not reachable:
        settings.PAYMENTS_URL = "http://127.0.0.1:1"
    with pytest.raises(Refused, match=r"may still arrive. You can confirm the outcome in \d+ seconds") as refused:
        say(action, leads[0], False)
    assert refused.value.code == "too_early"
    assert not HandSettlement.objects.filter(action=action).exists()
    assert Action.objects.get(pk=action.pk).status == states.UNRESOLVED
    make_quiet(action)
    assert say(action, leads[0], False).status == states.FAILED


def test_a_reply_is_resolved_without_a_look_up(world: World, leads: list[User]) -> None:
    action = an_action(kind="reply", status=states.UNRESOLVED, params={"text": "Hello.", "reason": "A greeting."})
    action.attempts.create(number=1, worker="w", outcome="effect_unknown")
    assert say(action, leads[0], False).status == states.FAILED


# --- concurrency ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("away")
def test_of_two_concurrent_resolutions_one_counts(world: World, leads: list[User]) -> None:
    for _ in range(5):
        action = unknown_refund()
        answers = at_once(lambda: say(action, leads[0], True), lambda: say(action, leads[1], False))  # noqa: B023 - called at once
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert [row.code for row in refused] in ([], ["already_settled"]), "or a message, where the look-up saw it"
        assert AuditEvent.objects.filter(object_id=action.pk, verb="action.settled_by_hand").count() == 1
        assert HandSettlement.objects.filter(action=action).count() == 1


@pytest.mark.usefixtures("away")
def test_two_required_people_resolve_it_together(world: World, leads: list[User]) -> None:
    for _ in range(5):
        action = unknown_refund(200_000)
        answers = at_once(*[lambda by=by: say(action, by, True) for by in leads[:2]])  # noqa: B023 - called at once
        assert sorted(answer.status for answer in answers) == [states.SUCCEEDED, states.UNRESOLVED]


@pytest.mark.usefixtures("away")
def test_a_double_click_counts_as_one_answer(world: World, leads: list[User]) -> None:
    action = unknown_refund(200_000)
    answers = at_once(*[lambda: say(action, leads[0], True)] * 3)
    assert sum(isinstance(answer, Refused) for answer in answers) == 2
    assert Action.objects.get(pk=action.pk).status == states.UNRESOLVED


def test_a_person_and_the_provider_settle_it_once(world: World, leads: list[User]) -> None:
    action = unresolved_refund(world)
    at_once(lambda: say(action, leads[0], True), lambda: lookup.settle_by_lookup(action.pk))
    verbs = ["action.settled_by_hand", "action.reconciled"]
    assert AuditEvent.objects.filter(object_id=action.pk, verb__in=verbs).count() == 1
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED
