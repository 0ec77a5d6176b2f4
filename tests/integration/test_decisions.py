"""A person's decision: made once, bound to what they saw, with the order read again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from agentops.lib.errors import Refused, Terminal, Transient
from approvals import states
from approvals.decisions import assignment, expiry
from approvals.decisions import decide as deciding
from approvals.decisions.decide import AlreadyDecided, ChangedSinceShown
from approvals.effects import execution, payload
from approvals.models import Action, ApprovalRequest, AuditEvent, Decision
from approvals.policy.rules import Threshold
from tests.world import RULES, World, at_once, expires, propose, propose_refund, put_rules, refund_arguments, ticket_of


def waiting(world: World, amount: int = 6_000, sort: str = "plain") -> tuple[dict[str, Any], ApprovalRequest]:
    order = world.order(sort)
    action = propose_refund(order, amount)
    assert action.status == states.AWAITING_APPROVAL
    return order, ApprovalRequest.objects.select_related("action").get(action=action)


def approve(request: ApprovalRequest, by: User) -> Decision:
    return deciding.approve(request_id=request.pk, by=by, seen=deciding.seen_now(request))


def edit(request: ApprovalRequest, by: User, **changes: Any) -> Decision:
    return deciding.edit(request_id=request.pk, by=by, seen=deciding.seen_now(request), changes=changes)


def reject(request: ApprovalRequest, by: User, reason: str = "No.") -> Decision:
    return deciding.reject(request_id=request.pk, by=by, seen=deciding.seen_now(request), reason=reason)


def status(request: ApprovalRequest) -> str:
    return Action.objects.get(pk=request.action_id).status


def undecided(request: ApprovalRequest) -> bool:
    stands = ApprovalRequest.objects.filter(pk=request.pk, closed_at=None).exists()
    return stands and not Decision.objects.filter(request=request).exists() and status(request) == "awaiting_approval"


# --- approve, reject ------------------------------------------------------------------------------------


def test_the_approved_parameters_are_executed(world: World, lead: User) -> None:
    order, request = waiting(world)
    decision = approve(request, lead)
    assert (decision.verdict, decision.by, decision.digest, decision.edited) == ("approve", lead, request.digest, None)
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert [row["amount"] for row in world.refunds(order)] == [6_000]
    event = AuditEvent.objects.get(object_id=request.action_id, verb="action.approved")
    assert (event.actor, event.before["status"], event.after["digest"]) == ("lead", "awaiting_approval", request.digest)


def test_a_rejected_action_never_runs_and_keeps_its_reason(world: World, lead: User) -> None:
    order, request = waiting(world)
    reject(request, lead, " It was used for a year. ")
    assert execution.execute(request.action_id).status == states.REJECTED
    assert world.refunds(order) == []
    assert Decision.objects.get(request=request).reason == "It was used for a year."
    assert AuditEvent.objects.get(object_id=request.action_id, verb="action.rejected").after["reason"]


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_rejecting_in_the_browser_needs_a_reason(world: World, lead: User, reason: str) -> None:
    _, request = waiting(world)
    with pytest.raises(Refused, match="Enter a reason"):
        reject(request, lead, reason)
    assert undecided(request)


@pytest.mark.parametrize("second", [approve, reject])
@pytest.mark.parametrize("first", [approve, reject])
def test_a_second_decision_names_the_first_decider(world: World, lead: User, first: Any, second: Any) -> None:
    _, request = waiting(world)
    first(request, lead)
    with pytest.raises(AlreadyDecided) as caught:
        second(request, User.objects.get_or_create(username="lead2")[0])
    assert (caught.value.request.decision.by, caught.value.request.decision.verdict) == (lead, first.__name__)
    assert Decision.objects.filter(request=request).count() == 1


def test_twenty_concurrent_approvals_are_one_decision(world: World, lead: User) -> None:
    order, request = waiting(world)
    answers = at_once(*[lambda: approve(request, lead)] * 20)
    kinds_of = [type(answer).__name__ for answer in answers]
    assert sorted(kinds_of) == ["AlreadyDecided"] * 19 + ["Decision"]
    at_once(*[lambda: execution.execute(request.action_id)] * 5)
    assert len(world.refunds(order)) == 1
    assert AuditEvent.objects.filter(object_id=request.action_id, verb="action.approved").count() == 1


def test_a_concurrent_approval_and_rejection_are_one_decision(world: World, lead: User) -> None:
    for _ in range(5):
        order, request = waiting(world)
        answers = at_once(lambda request=request: approve(request, lead), lambda request=request: reject(request, lead))
        assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDecided", "Decision"]
        said = Decision.objects.get(request=request).verdict
        assert status(request) == {"approve": "approved", "reject": "rejected"}[said]
        execution.execute(request.action_id)
        assert len(world.refunds(order)) == (said == "approve")


def test_another_requests_digest_decides_nothing(world: World, lead: User) -> None:
    _, request = waiting(world)
    for decide in (approve, reject):
        request.digest = "0" * 64
        with pytest.raises(ChangedSinceShown):
            decide(request, lead)
    assert undecided(request)


def test_a_nonexistent_request_is_reported(world: World, lead: User) -> None:
    with pytest.raises(ApprovalRequest.DoesNotExist):
        deciding.approve(request_id=10**9, by=lead, seen=deciding.Seen("0" * 64, 1))


# --- changes in the meantime ----------------------------------------------------------------------------


def test_a_changed_order_must_be_seen_before_the_decision(world: World, lead: User) -> None:
    order, request = waiting(world)
    world.refund_elsewhere(order, 1_000)
    with pytest.raises(ChangedSinceShown) as caught:
        approve(request, lead)
    assert undecided(request)
    changes = {row["field"]: (row["before"], row["after"]) for row in caught.value.request.changes}
    assert changes["refundable"] == (10_000, 9_000)
    kept = ApprovalRequest.objects.get(pk=request.pk)
    assert (kept.changes, kept.snapshot["refundable"]) == (caught.value.request.changes, 9_000)

    approve(kept, lead)
    assert execution.execute(request.action_id).status == states.SUCCEEDED


def test_changes_are_shown_relative_to_the_first_view(world: World, lead: User) -> None:
    order, request = waiting(world, 5_001)
    for amount in (1_000, 1_500):
        world.refund_elsewhere(order, amount)
        with pytest.raises(ChangedSinceShown):
            approve(request, lead)
    rows = {row["field"]: row for row in ApprovalRequest.objects.get(pk=request.pk).changes}
    assert (rows["refundable"]["before"], rows["refundable"]["after"]) == (10_000, 7_500)


def test_an_amount_above_what_is_left_cannot_be_approved(world: World, lead: User) -> None:
    order, request = waiting(world)
    world.refund_elsewhere(order, 5_000)
    with pytest.raises(ChangedSinceShown):
        approve(request, lead)
    with pytest.raises(Refused) as caught:
        approve(request, lead)
    assert (caught.value.code, caught.value.details["refundable"]) == ("amount_exceeds_refundable", 5_000)
    assert undecided(request)
    edit(request, lead, amount=5_000)
    assert execution.execute(request.action_id).status == states.SUCCEEDED


def test_without_the_shop_only_rejection_is_possible(world: World, lead: User) -> None:
    _, request = waiting(world)
    world.faults("*", "unavailable")
    with pytest.raises(Transient):
        approve(request, lead)
    assert undecided(request)
    reject(request, lead)
    assert status(request) == "rejected"


def test_viewing_reads_the_order_and_decides_nothing(world: World, lead: User) -> None:
    order, request = waiting(world)
    world.refund_elsewhere(order, 1_000)
    seen = deciding.refresh_request(request_id=request.pk)
    assert seen.snapshot["refundable"] == 9_000
    assert {row["field"] for row in seen.changes} == {"payments", "refundable"}
    assert undecided(request)
    approve(request, lead)


def test_a_changed_account_must_be_seen_again(world: World, lead: User) -> None:
    order = world.order()
    action = propose(ticket_of(order), "change_account", {"name": "Kim Roe", "reason": "They married."})
    request = ApprovalRequest.objects.get(action=action)
    headers = {"Idempotency-Key": f"elsewhere-{order['order_id']}"}
    body = {"address": {"city": "York"}}
    path = f"/customers/{order['customer_id']}"
    world.simulator.http.patch(path, json=body, headers=headers).raise_for_status()
    with pytest.raises(ChangedSinceShown) as caught:
        approve(request, lead)
    assert [row["field"] for row in caught.value.request.changes] == ["address"]


# --- edit -----------------------------------------------------------------------------------------------


def test_an_edited_action_runs_as_edited(world: World, lead: User) -> None:
    order, request = waiting(world)
    decision = edit(request, lead, amount=2_500, reason="Half of the lamp is fine.")
    action = Action.objects.get(pk=request.action_id)
    assert decision.edited == action.params
    assert (action.amount, action.params["amount"], action.status) == (2_500, 2_500, states.APPROVED)
    assert action.digest == payload.action_digest(action) != request.digest == decision.digest
    assert execution.execute(action.pk).status == states.SUCCEEDED
    [row] = world.refunds(order)
    assert (row["amount"], row["reason"], row["reference"]) == (
        2_500,
        "Half of the lamp is fine.",
        action.idempotency_key,
    )
    event = AuditEvent.objects.get(object_id=action.pk, verb="action.edited")
    assert (event.after["proposed"]["amount"], event.after["params"]["amount"]) == (6_000, 2_500)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"order_id": "#W1"}, "not_editable"),
        ({"currency": "EUR"}, "not_editable"),
        ({"payment_id": "pay_1"}, "not_editable"),
        ({"amount": 100, "customer_id": "x"}, "not_editable"),
        ({"amount": 0}, "invalid_arguments"),
        ({"amount": -1}, "invalid_arguments"),
        ({"amount": "2500"}, "invalid_arguments"),
        ({"amount": 25.5}, "invalid_arguments"),
        ({"amount": True}, "invalid_arguments"),
        ({"amount": None}, "invalid_arguments"),
        ({"reason": ""}, "invalid_arguments"),
        ({"amount": 10_001}, "amount_exceeds_refundable"),
        ({"amount": 100_001}, "above_ceiling"),
    ],
)
def test_an_edit_must_stay_within_its_limits(world: World, lead: User, changes: dict[str, Any], code: str) -> None:
    _, request = waiting(world)
    with pytest.raises(Refused) as caught:
        edit(request, lead, **changes)
    assert caught.value.code == code
    assert undecided(request)


def test_an_edit_above_the_current_block_limit_is_refused(world: World, lead: User) -> None:
    _, request = waiting(world)
    put_rules(thresholds=[row.model_copy(update={"block_above": 5_500}) for row in RULES.thresholds])
    with pytest.raises(Refused, match="block limit"):
        edit(request, lead, amount=5_501)
    edit(request, lead, amount=5_500)


def test_an_edit_may_exceed_the_request_up_to_the_remainder(world: World, lead: User) -> None:
    order, request = waiting(world)
    edit(request, lead, amount=10_000)
    execution.execute(request.action_id)
    assert [row["amount"] for row in world.refunds(order)] == [10_000]


def test_an_edit_cannot_change_the_payment(world: World, lead: User) -> None:
    order = world.order("two payments")
    given = refund_arguments(order, 100, payment_id=order["payments"][1]["payment_id"])
    ticket = ticket_of(order)
    propose_refund(order, 100, ticket=ticket)
    action = propose(ticket, "refund", {**given, "amount": 4_000, "further": True})
    request = ApprovalRequest.objects.get(action=action)
    with pytest.raises(Refused) as caught:
        edit(request, lead, amount=4_001)
    assert caught.value.details["refundable"] == 4_000


def test_an_edited_reply_is_sent_as_edited(world: World, lead: User) -> None:
    ticket = ticket_of(world.order())
    given = {"text": "Your refund is on its way.", "reason": "Tells them."}
    request = ApprovalRequest.objects.get(action=propose(ticket, "reply", given, run_id=1))
    with pytest.raises(Refused, match=r"^text: "):
        edit(request, lead, text="   ")
    edit(request, lead, text="We are looking into it.")
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    [reply] = [row for row in world.simulator.replies() if row["ticket_id"] == ticket.pk]
    assert reply["body"] == "We are looking into it."


def test_an_action_that_may_have_been_sent_cannot_be_edited(world: World, lead: User) -> None:
    _, request = waiting(world)
    request.action.attempts.create(number=1, worker="w", outcome="lost")
    with pytest.raises(Refused, match="sent before"):
        edit(request, lead, amount=2_500)
    approve(request, lead)


# --- deadlines, assignment ------------------------------------------------------------------------------


def let_pass(request: ApprovalRequest) -> None:
    ApprovalRequest.objects.filter(pk=request.pk).update(expires_at=Now() - timedelta(seconds=1))


def test_the_policy_sets_how_long_a_request_waits(world: World) -> None:
    put_rules(approval_hours=5)
    _, request = waiting(world)
    assert abs(request.expires_at - request.created_at - timedelta(hours=5)) < timedelta(seconds=1)


def test_an_undecided_request_expires(world: World, lead: User) -> None:
    order, request = waiting(world)
    _, in_time = waiting(world)
    expires(request)
    assert not expiry.expire(in_time.pk)
    assert status(request) == "expired"
    assert undecided(in_time)
    with pytest.raises(AlreadyDecided) as caught:
        approve(request, lead)
    assert not hasattr(caught.value.request, "decision")
    assert execution.execute(request.action_id).status == states.EXPIRED
    assert world.refunds(order) == []


@pytest.mark.parametrize("decide", [approve, reject])
def test_an_overdue_request_is_closed_even_before_the_sweep(world: World, lead: User, decide: Any) -> None:
    _, request = waiting(world)
    let_pass(request)
    with pytest.raises(AlreadyDecided):
        decide(request, lead)
    assert status(request) == "awaiting_approval"


def test_concurrent_sweeps_expire_each_request_once(world: World) -> None:
    requests = [waiting(world)[1] for _ in range(6)]
    for request in requests:
        let_pass(request)
    assert {request.pk for request in requests} <= set(expiry.due(1_000))

    def sweep_all() -> int:
        return sum(expiry.expire(request.pk) for request in requests)

    assert sum(at_once(*[sweep_all] * 4)) == 6
    assert {status(request) for request in requests} == {"expired"}


def test_a_claimed_request_shows_its_lead_and_can_change_hands(world: World, lead: User) -> None:
    _, request = waiting(world)
    other = User.objects.get_or_create(username="lead2")[0]
    for holder in (lead, other):
        assignment.assign(request_id=request.pk, by=holder)
        assert ApprovalRequest.objects.get(pk=request.pk).claimed_by == holder
    assignment.unassign(request_id=request.pk, by=other)
    assert ApprovalRequest.objects.get(pk=request.pk).claimed_by is None
    verbs = AuditEvent.objects.filter(object_type="request", object_id=request.pk).values_list("verb", flat=True)
    assert list(verbs)[::-1] == ["request.claimed", "request.claimed", "request.released"]


def test_a_decided_request_cannot_be_claimed(world: World, lead: User) -> None:
    _, request = waiting(world)
    approve(request, lead)
    with pytest.raises(AlreadyDecided):
        assignment.assign(request_id=request.pk, by=lead)


def test_an_order_missing_in_the_shop_stops_the_approval(world: World, lead: User) -> None:
    _, request = waiting(world)
    world.faults("GET /orders/{order_id}", "refused_by_bank")
    with pytest.raises(Terminal):
        approve(request, lead)
    assert undecided(request)


def test_a_lowered_block_limit_stops_an_unedited_approval(world: World, lead: User) -> None:
    order = world.order()
    action = propose_refund(order, 8_000)
    request = ApprovalRequest.objects.get(action=action, closed_at=None)
    low = [Threshold(kind="refund", currency="USD", auto_up_to=0, block_above=2_000)]
    put_rules(thresholds=low)
    with pytest.raises(Refused) as refused:
        deciding.approve(request_id=request.pk, by=lead, seen=deciding.seen_now(request))
    assert refused.value.code == "above_ceiling"
    assert world.refunds(order) == []


def test_a_cancellations_amount_follows_the_order_and_needs_review(world: World, lead: User) -> None:
    order = world.order("pending")
    put_rules(thresholds=[Threshold(kind="cancel_order", currency="USD", auto_up_to=0, block_above=100_000)])
    cancelling = {"order_id": order["order_id"], "reason": "They changed their mind."}
    action = propose(ticket_of(order), "cancel_order", cancelling)
    request = ApprovalRequest.objects.get(action=action, closed_at=None)
    world.refund_elsewhere(order, 1_000)
    with pytest.raises(deciding.ChangedSinceShown):
        deciding.approve(request_id=request.pk, by=lead, seen=deciding.seen_now(request))
    request.refresh_from_db()
    deciding.approve(request_id=request.pk, by=lead, seen=deciding.seen_now(request))
    action.refresh_from_db()
    assert (action.status, action.amount, action.params["amount"]) == (states.APPROVED, 3_000, 3_000)
    assert execution.execute(action.pk).status == states.SUCCEEDED
