"""From a tool call to an action with a verdict: resolved references, one key, one row, created once."""

from copy import copy
from typing import Any

import pgtrigger
import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from agentops.lib.errors import Refused, Transient
from approvals import states
from approvals.decisions import decide
from approvals.effects import duplicates, execution, payload
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, AuditEvent, Decision, PolicyVersion
from approvals.policy import versions
from approvals.policy.rules import CurrencyLimit, Rules
from tests.world import RULES, World, at_once, propose, propose_refund, put_rules, refund_arguments, ticket_of
from tickets.models import Ticket


def refused(code: str, ticket: Ticket, tool: str, arguments: Any) -> Refused:
    before = Action.objects.count()
    with pytest.raises(Refused) as caught:
        propose(ticket, tool, arguments)
    assert caught.value.code == code
    assert Action.objects.count() == before
    return caught.value


def codes(action: Action) -> list[str]:
    return [reason["code"] for reason in action.reasons]


# --- references -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order_id", ["#W0000000", "W0000000", "..", "?x=1", "#W1/../refunds", "*", "' OR 1=1 --"])
@pytest.mark.parametrize("tool", ["refund", "cancel_order"])
def test_an_invented_order_gets_the_customers_own_orders(world: World, order_id: str, tool: str) -> None:
    order = world.order()
    given = {**refund_arguments(order, 100), "order_id": order_id}
    given = given if tool == "refund" else {"order_id": order_id, "reason": given["reason"]}
    error = refused("order_not_found", ticket_of(order), tool, given)
    assert error.details["orders_of_this_customer"] == [order["order_id"]]


def test_an_order_id_without_its_hash_is_found(world: World) -> None:
    order = world.order()
    given = {**refund_arguments(order, 100), "order_id": order["order_id"].lstrip("#")}
    assert propose(ticket_of(order), "refund", given).order_id == order["order_id"]


def test_a_tracking_number_proposed_as_an_order_names_the_order(world: World) -> None:
    order = world.order()
    given = {**refund_arguments(order, 100), "order_id": order["tracking_numbers"][0]}
    error = refused("order_not_found", ticket_of(order), "refund", given)
    assert error.details == {"order_id": order["order_id"]}


def test_another_customers_tracking_number_reveals_nothing(world: World) -> None:
    order, other = world.order(), world.order()
    given = {**refund_arguments(order, 100), "order_id": other["tracking_numbers"][0]}
    error = refused("order_not_found", ticket_of(order), "refund", given)
    assert other["order_id"] not in str(error.as_dict())


def test_another_customers_order_is_not_touched(world: World) -> None:
    order, other = world.order(), world.order()
    error = refused("not_this_customers_order", ticket_of(order), "refund", refund_arguments(other, 100))
    assert other["customer_email"] not in str(error.as_dict())


def test_a_currency_other_than_the_orders_is_refused(world: World) -> None:
    order = world.order()
    error = refused(
        "currency_mismatch", ticket_of(order), "refund", {**refund_arguments(order, 100), "currency": "EUR"}
    )
    assert error.details == {"currency": "USD"}


@pytest.mark.parametrize(("sort", "left"), [("plain", 10_000), ("part refunded", 3_000), ("refunded", 0)])
def test_an_amount_above_the_remainder_names_the_remainder(world: World, sort: str, left: int) -> None:
    order = world.order(sort)
    error = refused("amount_exceeds_refundable", ticket_of(order), "refund", refund_arguments(order, left + 1))
    assert (error.details["refundable"], error.details["currency"]) == (left, "USD")


def test_a_refund_belongs_to_one_payment(world: World) -> None:
    order = world.order("two payments")
    first, second = (payment["payment_id"] for payment in order["payments"])
    error = refused("amount_exceeds_refundable", ticket_of(order), "refund", refund_arguments(order, 6_001))
    assert error.details["refundable_by_payment"] == {first: 6_000, second: 4_000}
    error = refused("payment_not_found", ticket_of(order), "refund", refund_arguments(order, 1, payment_id="pay_0"))
    assert error.details["payments"] == [first, second]
    assert propose_refund(order, 1_000, payment_id=second).params["payment_id"] == second
    assert propose_refund(order, 5_000).params["payment_id"] == first


@pytest.mark.parametrize(
    ("sort", "tool", "code"),
    [
        ("cancelled", "refund", "not_refundable"),
        ("cancelled", "cancel_order", "not_cancellable"),
        ("plain", "cancel_order", "not_cancellable"),
    ],
)
def test_an_order_in_the_wrong_state_is_refused(world: World, sort: str, tool: str, code: str) -> None:
    order = world.order(sort)
    given = refund_arguments(order, 100) if tool == "refund" else {"order_id": order["order_id"], "reason": "Please."}
    refused(code, ticket_of(order), tool, given)


def test_a_cancellation_waits_for_a_refund_in_progress(world: World) -> None:
    order = world.order("pending")
    propose_refund(order, 1_000)
    refused(
        "refund_in_progress", ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Please."}
    )


def test_only_the_senders_own_account_is_changed(world: World) -> None:
    order = world.order()
    action = propose(ticket_of(order), "change_account", {"name": "Kim Roe", "reason": "They married."})
    assert action.params["customer_id"] == order["customer_id"]
    assert (action.status, codes(action)) == (states.AWAITING_APPROVAL, ["account_change"])


def test_a_sender_without_orders_has_no_account_to_change(world: World) -> None:
    stranger = ticket_of({"customer_email": "nobody@example.com"})
    refused("customer_unknown", stranger, "change_account", {"name": "Kim Roe", "reason": "They married."})


def test_an_unreachable_shop_is_not_the_models_fault(world: World) -> None:
    order = world.order()
    world.faults("GET /orders/{order_id}", "unavailable")
    with pytest.raises(Transient):
        propose_refund(order, 100)


# --- one key, one row, once -----------------------------------------------------------------------------


def test_a_repeated_proposal_is_deduplicated_and_counted(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    first = propose_refund(order, 2_000, ticket=ticket)
    for number in (1, 2):
        same = propose(ticket, "refund", refund_arguments(order, 2_000, reason=f"Other words, {number}."))
        assert same.pk == first.pk
    first.refresh_from_db()
    assert first.duplicates_absorbed == 2
    assert first.idempotency_key == f"{ticket.pk}:refund:1"
    assert Action.objects.filter(ticket=ticket).count() == 1


def test_a_proposal_repeated_after_success_is_deduplicated_too(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    first = execution.execute(propose_refund(order, 2_000, ticket=ticket).pk)
    assert propose_refund(order, 2_000, ticket=ticket).pk == first.pk
    assert len(world.refunds(order)) == 1


def test_concurrent_copies_of_a_proposal_are_one_action(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    answers = at_once(*[lambda: propose_refund(order, 2_000, ticket=ticket)] * 8)
    assert len({action.pk for action in answers}) == 1
    assert Action.objects.get(ticket=ticket).duplicates_absorbed == 7


def test_other_parameters_under_the_key_are_a_conflict(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    first = propose_refund(order, 2_000, ticket=ticket)
    error = refused("key_conflict", ticket, "refund", refund_arguments(order, 2_500))
    assert error.details["existing"][0]["key"] == first.idempotency_key
    assert "further=true" in error.message


@pytest.mark.parametrize("end", ["rejected", "failed", "expired", "blocked"])
def test_after_any_outcome_other_parameters_are_still_a_conflict(world: World, lead: User, end: str) -> None:
    order = world.order()
    ticket = ticket_of(order)
    action = propose_refund(order, 2_000, ticket=ticket)
    with connection.cursor() as cursor:  # only the final state matters here, not how it was reached
        cursor.execute("ALTER TABLE approvals_action DISABLE TRIGGER USER")
        cursor.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [end, action.pk])
        cursor.execute("ALTER TABLE approvals_action ENABLE TRIGGER USER")
    refused("key_conflict", ticket, "refund", refund_arguments(order, 2_500))


def test_a_further_effect_gets_its_own_key_and_needs_approval(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    propose_refund(order, 2_000, ticket=ticket)
    second = propose_refund(order, 2_500, ticket=ticket, further=True)
    assert second.idempotency_key == f"{ticket.pk}:refund:2"
    assert (second.status, codes(second)) == (states.AWAITING_APPROVAL, ["further_effect"])
    assert propose_refund(order, 2_500, ticket=ticket, further=True).pk == second.pk, "and it is deduplicated as well"


def test_declaring_the_first_effect_as_further_changes_nothing(world: World) -> None:
    action = propose_refund(world.order(), 2_000, further=True)
    assert (action.sequence, action.status) == (1, states.APPROVED)


def test_another_kind_is_no_conflict(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    propose_refund(order, 2_000, ticket=ticket)
    assert propose(ticket, "change_account", {"name": "Kim Roe", "reason": "They married."}).sequence == 1


def test_each_run_has_one_reply(world: World) -> None:
    ticket = ticket_of(world.order())
    hello = {"text": "Thank you for your message.", "reason": "A greeting."}
    first = propose(ticket, "reply", hello, run_id=1)
    assert propose(ticket, "reply", hello, run_id=1).pk == first.pk
    with pytest.raises(Refused, match="already has"):
        propose(ticket, "reply", {**hello, "text": "Something else."}, run_id=1)
    second = propose(ticket, "reply", hello, run_id=2)
    assert [first.idempotency_key, second.idempotency_key] == [f"{ticket.pk}:reply:1", f"{ticket.pk}:reply:2"]
    assert codes(second) == []


def test_a_rejected_reply_may_be_followed_by_another(world: World, lead: User) -> None:
    put_rules(replies_need_approval=True)
    ticket = ticket_of(world.order())
    first = propose(ticket, "reply", {"text": "Go away.", "reason": "A greeting."}, run_id=1)
    request = ApprovalRequest.objects.get(action=first)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="Be kind.")
    second = propose(ticket, "reply", {"text": "Thank you.", "reason": "A greeting."}, run_id=1)
    assert second.sequence == 2


# --- the verdict ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "amount", "status"),
    [
        ("plain", 5_000, "approved"),
        ("plain", 5_001, "awaiting_approval"),
        ("yen", 5_000, "approved"),
        ("yen", 5_001, "awaiting_approval"),
        ("dinar", 5_000, "approved"),
        ("euro", 10_000, "awaiting_approval"),
    ],
)
def test_up_to_the_limit_the_agent_acts_without_approval(world: World, sort: str, amount: int, status: str) -> None:
    assert propose_refund(world.order(sort), amount).status == status


def test_a_refund_above_the_block_limit_is_blocked(world: World) -> None:
    put_rules(thresholds=[row.model_copy(update={"block_above": 5_000}) for row in RULES.thresholds])
    action = propose_refund(world.order(), 5_001)
    assert (action.status, action.verdict, codes(action)) == (states.BLOCKED, "block", ["above_ceiling"])
    assert Action.objects.get(pk=action.pk).settled_at is not None
    assert not ApprovalRequest.objects.filter(action=action).exists()
    assert execution.execute(action.pk).fence == 0


def test_a_verdict_lists_every_reason_and_names_its_policy(world: World) -> None:
    version = put_rules(Rules())
    action = propose_refund(world.order(), 10_000)
    assert codes(action) == ["no_threshold", "customer_30_days", "agent_today"]
    assert action.policy_version == version
    event = AuditEvent.objects.get(object_id=action.pk, verb="action.queued")
    assert [reason["code"] for reason in event.after["reasons"]] == codes(action)
    assert event.after["policy_version"] == version.pk


def test_a_customers_30_day_total_covers_all_their_tickets(world: World) -> None:
    put_rules(customer_30_days=[CurrencyLimit(currency="USD", up_to=5_000)])
    order = world.order()
    execution.execute(propose_refund(order, 2_000).pk)
    assert propose_refund(order, 3_000).status == states.APPROVED, "up to the limit"
    third = propose_refund(order, 1_000)
    assert (third.status, codes(third)) == (states.AWAITING_APPROVAL, ["customer_30_days"])
    assert third.facts["customer_30_days"] == 5_000


def test_the_number_of_refunds_per_customer_is_limited(world: World) -> None:
    put_rules(customer_30_days_count=2)
    order = world.order()
    assert [propose_refund(order, 100).status for _ in range(2)] == [states.APPROVED] * 2
    assert codes(propose_refund(order, 100)) == ["customer_30_days_count"]


def test_refunds_older_than_thirty_days_do_not_count(world: World) -> None:
    put_rules(customer_30_days_count=1)
    order = world.order()
    old = execution.execute(propose_refund(order, 100).pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_action SET approved_at = now() - interval '31 days' WHERE id = %s", [old.pk])
    assert propose_refund(order, 200).status == states.APPROVED


def test_the_agents_daily_total_is_limited(world: World) -> None:
    today = propose_refund(world.order("euro"), 100).facts["agent_today"] + 100
    put_rules(agent_today=[CurrencyLimit(currency="EUR", up_to=today + 500)])
    assert propose_refund(world.order("euro"), 500).status == states.APPROVED
    assert codes(propose_refund(world.order("euro"), 1)) == ["agent_today"]


def test_totals_hold_under_concurrent_proposals(world: World) -> None:
    today = propose_refund(world.order("dinar"), 100).facts["agent_today"] + 100
    put_rules(agent_today=[CurrencyLimit(currency="KWD", up_to=today + 300)])
    orders = [world.order("dinar") for _ in range(8)]
    actions = at_once(*[lambda order=order: propose_refund(order, 100) for order in orders])
    assert sorted(action.status for action in actions) == ["approved"] * 3 + ["awaiting_approval"] * 5


def test_a_refund_long_after_delivery_needs_a_person(world: World) -> None:
    put_rules(refund_window_days=30)
    order = world.order()  # delivered on 4 January 2026
    action = propose_refund(order, 100)
    assert (action.status, codes(action)) == (states.AWAITING_APPROVAL, ["refund_window"])
    put_rules(refund_window_days=3650)
    assert propose_refund(world.order(), 100).status == states.APPROVED


def test_rejected_actions_do_not_count_in_totals(world: World, lead: User) -> None:
    order = world.order()
    action = propose_refund(order, 6_000)
    request = ApprovalRequest.objects.get(action=action)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    assert propose_refund(order, 100).facts["customer_30_days"] == 0


def test_an_unreadable_policy_automates_nothing(world: World) -> None:
    PolicyVersion.objects.create(rules={"thresholds": "all"}, note="broken")
    order = world.order()
    refused("policy_unreadable", ticket_of(order), "refund", refund_arguments(order, 100))


def test_a_new_policy_version_is_audited(world: World, lead: User) -> None:
    before = versions.current_policy()
    version = versions.save_policy(rules=Rules(approval_hours=5), by=lead, note=" Shorter. ")
    event = AuditEvent.objects.get(object_type="policy", object_id=version.pk)
    assert (event.actor, event.before, event.after["note"]) == ("lead", before.rules, "Shorter.")
    with pytest.raises(Refused, match="Enter a reason"):
        versions.save_policy(rules=Rules(), by=lead, note="  ")


def test_a_reply_with_a_false_claim_waits_for_a_person(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    claim = {"kind": "refund", "order_id": order["order_id"], "amount": 2_000, "currency": "USD"}
    given = {"text": "Your refund of $20.00 is on its way.", "claims": [claim], "reason": "Tells them."}
    action = propose(ticket, "reply", given, run_id=1)
    assert (action.status, codes(action)) == (states.AWAITING_APPROVAL, ["claim_without_ground"] * 2)
    assert len(ApprovalRequest.objects.get(action=action).snapshot["ungrounded"]) == 2

    execution.execute(propose_refund(order, 2_000, ticket=ticket).pk)
    assert propose(ticket, "reply", given, run_id=2).status == states.APPROVED


def test_a_refund_on_another_ticket_supports_no_claim(world: World) -> None:
    order = world.order()
    execution.execute(propose_refund(order, 2_000).pk)
    given = {"text": "I have refunded $20.00.", "reason": "Tells them."}
    assert propose(ticket_of(order), "reply", given, run_id=1).status == states.AWAITING_APPROVAL


# --- what PostgreSQL refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize("before", states.ALL)
def test_postgresql_refuses_every_illegal_transition(world: World, before: str) -> None:
    action = propose_refund(world.order(), 100)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_action DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE approvals_action SET status = %s, lease_expires_at = now() WHERE id = %s", [before, action.pk]
        )
        cursor.execute("ALTER TABLE approvals_action ENABLE TRIGGER USER")
    for after in states.ALL:
        if after == before:
            continue
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE approvals_action SET status = %s WHERE id = %s", [after, action.pk])
                raise psycopg.Rollback  # this only tests whether the transition is allowed
        except psycopg.Rollback:
            refusal = ""
        except DatabaseError as error:
            refusal = str(error)
        allowed = "Invalid transition" not in refusal
        assert allowed == states.may_move(before, after), f"{before} -> {after}: {refusal or 'allowed'}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_auditevent SET actor = 'nobody'",
        "DELETE FROM approvals_auditevent",
        "UPDATE approvals_policyversion SET note = 'other'",
        "DELETE FROM approvals_policyversion",
        "UPDATE approvals_decision SET verdict = 'approve'",
        "DELETE FROM approvals_decision",
        "DELETE FROM approvals_action",
    ],
)
def test_history_cannot_be_rewritten(world: World, lead: User, statement: str) -> None:
    action = propose_refund(world.order(), 6_000)
    request = ApprovalRequest.objects.get(action=action)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Decision.objects.filter(request=request).exists()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"amount": -1}, "action_amount_has_currency"),
        ({"amount": None}, "action_amount_has_currency"),
        ({"currency": ""}, "action_amount_has_currency"),
        ({"status": "undecided"}, "action_status_known"),
        ({"status": "executing"}, "action_executing_has_lease"),
    ],
)
def test_an_inconsistent_action_cannot_be_stored(world: World, fields: dict[str, Any], constraint: str) -> None:
    action = propose_refund(world.order(), 100)
    another = {"pk": None, "sequence": 2, "idempotency_key": f"{action.idempotency_key}-2"}
    # Inserted, since triggers refuse such updates before the constraints are checked.
    with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
        changed(action, another | fields).save(force_insert=True)
    changed(action, another).save(force_insert=True)


def changed(action: Action, fields: dict[str, Any]) -> Action:
    other = copy(action)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def test_a_key_is_unique(world: World) -> None:
    one, other = propose_refund(world.order(), 100), propose_refund(world.order(), 100)
    changing = pgtrigger.ignore("approvals.Action:identity_frozen")
    with pytest.raises(DatabaseError, match="unique"), changing, transaction.atomic():
        Action.objects.filter(pk=other.pk).update(idempotency_key=one.idempotency_key)


def test_the_frozen_request_holds_the_approved_parameters(world: World) -> None:
    action = propose_refund(world.order(), 2_000)
    assert payload.action_digest(action) == action.digest
    assert f'"reference": "{action.idempotency_key}"' in action.request
    assert '"amount": 2000' in action.request


def test_a_repeated_full_refund_is_deduplicated_though_nothing_is_left(world: World) -> None:
    order = world.order("part refunded")
    ticket = ticket_of(order)
    first = propose_refund(order, 3_000, ticket=ticket)
    assert execution.execute(first.pk).status == states.SUCCEEDED
    again = {**refund_arguments(order, 3_000), "order_id": order["order_id"].lstrip("#"), "reason": "In other words."}
    twin = duplicates.find_earlier(KINDS["refund"], KINDS["refund"].parse(again), ticket_id=ticket.pk)
    assert twin == first


def test_an_equal_further_refund_is_a_second_action_for_approval(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    first = propose_refund(order, 1_000, ticket=ticket)
    second = propose_refund(order, 1_000, ticket=ticket, further=True)
    assert (second.sequence, second.status) == (first.sequence + 1, states.AWAITING_APPROVAL)
    assert propose_refund(order, 1_000, ticket=ticket, further=True) == second
