"""What is left of an order's money, whichever tickets request it and when."""

from typing import Any

from django.contrib.auth.models import User

from agentops.lib.errors import Refused
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution, reservations, resolution
from approvals.effects.reservations import Reading
from approvals.models import Action, ApprovalRequest
from tests.world import World, at_once, propose, propose_refund, refund_arguments, ticket_of


def reading(world: World, order: dict[str, Any]) -> Reading:
    return resolution.read_order(ticket_of(order), order["order_id"])


def left(world: World, order: dict[str, Any]) -> int:
    return reservations.funds_left(reading(world, order)).whole


def test_without_refunds_everything_captured_is_left(world: World) -> None:
    assert left(world, world.order()) == 10_000
    assert left(world, world.order("two payments")) == 10_000


def test_the_shops_refunds_are_subtracted(world: World) -> None:
    assert left(world, world.order("part refunded")) == 3_000
    assert left(world, world.order("refunded")) == 0


def test_an_approved_refund_is_subtracted_before_it_runs(world: World) -> None:
    order = world.order()
    action = propose_refund(order, 4_000)
    assert action.status == states.APPROVED
    assert left(world, order) == 6_000
    assert reservations.funds_left(reading(world, order), without=action.pk).whole == 10_000


def test_a_refund_awaiting_approval_reserves_nothing(world: World) -> None:
    order = world.order()
    assert propose_refund(order, 6_000).status == states.AWAITING_APPROVAL
    assert left(world, order) == 10_000


def test_a_settled_refund_is_counted_once(world: World) -> None:
    order = world.order()
    before = reading(world, order)
    execution.execute(propose_refund(order, 4_000).pk)
    assert left(world, order) == 6_000
    assert reservations.funds_left(before).whole == 6_000, "also for a reader of the earlier order"


def test_an_unresolved_refund_stays_reserved(world: World) -> None:
    order = world.order()
    world.faults("POST /refunds", "error_500_after")
    action = propose_refund(order, 4_000)
    execution.execute(action.pk)
    Action.objects.filter(pk=action.pk).update(not_before=None)
    assert execution.execute(action.pk).status == states.UNRESOLVED
    assert left(world, order) <= 6_000


def test_each_payment_has_its_own_remainder(world: World) -> None:
    order = world.order("two payments")
    second = order["payments"][1]["payment_id"]
    execution.execute(propose_refund(order, 3_000, payment_id=second).pk)
    now = reading(world, order)
    assert reservations.funds_left(now).payments[second] == 1_000
    assert reservations.funds_left(now).payments[order["payments"][0]["payment_id"]] == 6_000
    assert reservations.funds_left(now).whole == 7_000


def test_a_cancellation_in_progress_reserves_every_payment(world: World) -> None:
    order = world.order("pending")
    propose(ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Ordered twice."})
    now = reading(world, order)
    assert reservations.funds_left(now).whole == 0
    assert reservations.funds_left(now).payments[order["payments"][0]["payment_id"]] == 0


def test_the_remainder_is_never_negative(world: World) -> None:
    order = world.order()
    now = reading(world, order)
    execution.execute(propose_refund(order, 5_000).pk)
    world.refund_elsewhere(order, 5_000)
    assert reservations.funds_left(now).whole >= 0
    assert left(world, order) == 0


# --- concurrent tickets ---------------------------------------------------------------------------------


def test_concurrent_tickets_get_no_more_than_was_captured(world: World) -> None:
    order = world.order()
    tickets = [ticket_of(order) for _ in range(8)]

    def act(number: int) -> Action:
        return execution.execute(propose_refund(order, 3_000, ticket=tickets[number]).pk)

    answers = at_once(*[lambda number=number: act(number) for number in range(8)])
    assert all(isinstance(answer, Action | Refused) for answer in answers), answers
    moved = sum(row["amount"] for row in world.refunds(order))
    reserved = Action.objects.filter(order_id=order["order_id"], status__in=(*states.OPEN, states.SUCCEEDED))
    assert moved <= 9_000
    assert sum(action.amount or 0 for action in reserved) <= 10_000


def test_of_two_concurrent_full_refunds_one_learns_the_remainder(world: World) -> None:
    order = world.order("pending")
    one, other = ticket_of(order), ticket_of(order)
    answers = at_once(
        lambda: propose_refund(order, 4_000, ticket=one), lambda: propose_refund(order, 4_000, ticket=other)
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Action", "Refused"]
    refused = next(answer for answer in answers if isinstance(answer, Refused))
    assert (refused.code, refused.details["refundable"]) == ("amount_exceeds_refundable", 0)


def test_of_two_concurrent_approvals_only_one_succeeds(world: World, lead: User) -> None:
    order = world.order()
    actions = [propose_refund(order, 6_000) for _ in range(2)]
    requests = [ApprovalRequest.objects.get(action=action) for action in actions]

    def approve(request: ApprovalRequest) -> Any:
        return decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))

    answers = at_once(*[lambda request=request: approve(request) for request in requests])
    assert sorted(type(answer).__name__ for answer in answers) in (
        ["ChangedSinceShown", "Decision"],
        ["Decision", "Refused"],
    )
    assert [action.status for action in map(execution.execute, (action.pk for action in actions))].count(
        "succeeded"
    ) == 1
    assert sum(row["amount"] for row in world.refunds(order)) == 6_000


def test_a_concurrent_cancellation_and_refund_pay_once(world: World) -> None:
    order = world.order("pending")
    one, other = ticket_of(order), ticket_of(order)

    def cancel() -> Action:
        given = {"order_id": order["order_id"], "reason": "Ordered twice."}
        return execution.execute(propose(one, "cancel_order", given).pk)

    def refund() -> Action:
        return execution.execute(propose(other, "refund", refund_arguments(order, 4_000)).pk)

    answers = at_once(cancel, refund)
    assert all(isinstance(answer, Action | Refused) for answer in answers), answers
    ledger = world.simulator.ledger()
    rows = [row for row in (*ledger["refunds"], *ledger["cancellations"]) if row["order_id"] == order["order_id"]]
    assert sum(row["amount"] for row in rows) == 4_000
