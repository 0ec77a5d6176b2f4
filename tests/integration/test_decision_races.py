"""Two requests for the same money or approval at once: one effect, one decision, a clear message for the loser. Each
race runs in both orders, and both sides have started before either may continue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agentops.lib.errors import Refused
from approvals import states
from approvals.decisions import decide, expiry
from approvals.effects import execution
from approvals.models import Action, ApprovalRequest, Attempt, Decision, OrderLock
from tests.integration.history_rows import signed_in
from tests.rows import held, in_line, one_after_the_other
from tests.screen import card_fields, markup
from tests.waiting import until
from tests.world import World, at_once, propose_refund, ticket_of

WAIT, RUN = 8_000, 4_000  # above the auto-approval limit, and below


@pytest.fixture
def maya(live_database: str) -> Client:
    return signed_in("maya")


@pytest.fixture
def jon(live_database: str) -> Client:
    return signed_in("jon")


def waiting(order: dict[str, Any], amount: int = WAIT) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("action").get(action=propose_refund(order, amount))


def press(client: Client, button: str, request: ApprovalRequest, **fields: str) -> tuple[int, str]:
    """Submit the card as it is now, and return the answer's status and page."""
    answer = client.post(reverse(f"queue-{button}", args=[request.pk]), card_fields(request, **fields))
    return answer.status_code, markup(answer)


def shown(request: ApprovalRequest) -> ApprovalRequest:
    """Return what a person sees who opens the request now."""
    return decide.refresh_request(request_id=request.pk)


def moved(world: World, order: dict[str, Any]) -> list[int]:
    return [row["amount"] for row in world.refunds(order)]


def decided(request: ApprovalRequest) -> list[tuple[str, str]]:
    return list(Decision.objects.filter(request=request).values_list("by__username", "verdict"))


# --- an automatic refund and one that waits for a person --------------------------------------------------------------


def in_turn(world: World, maya: Client, *, person_first: bool) -> tuple[dict[str, Any], ApprovalRequest, Any, Any]:
    """Approve the waiting refund while the agent proposes the automatic one. Return the order, the request, the
    person's answer and the agent's."""
    order = world.order()
    request, ticket = waiting(order), ticket_of(order)
    works = [lambda: press(maya, "approve", request), lambda: propose_refund(order, RUN, ticket=ticket)]
    answers = one_after_the_other(
        OrderLock.objects.filter(order_id=order["order_id"]), *(works if person_first else works[::-1])
    )
    return order, request, *(answers if person_first else answers[::-1])


def test_an_automatic_refund_after_an_approval_learns_what_is_left(world: World, maya: Client) -> None:
    order, request, (status, _), answer = in_turn(world, maya, person_first=True)
    assert (status, decided(request)) == (302, [("maya", "approve")])
    assert isinstance(answer, Refused)
    assert answer.message == f"Only $20.00 of order {order['order_id']} can still be refunded."
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert moved(world, order) == [WAIT]


def test_an_approval_after_an_automatic_refund_asks_for_another_look(world: World, maya: Client) -> None:
    order, request, (status, page), automatic = in_turn(world, maya, person_first=False)
    assert (status, decided(request)) == (409, [])
    assert "Your decision was not applied: the request changed after you opened it. Review it and decide again." in page
    assert execution.execute(automatic.pk).status == states.SUCCEEDED

    status, page = press(maya, "approve", shown(request))
    assert (status, decided(request)) == (422, [])
    assert f"Your decision was not applied. Only $60.00 of order {order['order_id']} can still be refunded." in page
    assert moved(world, order) == [RUN]


def test_an_approval_during_another_refund_asks_for_another_look(world: World, maya: Client) -> None:
    order = world.order()
    request = waiting(order, 6_000)
    other = propose_refund(order, RUN)
    assert other.status == states.APPROVED
    claimed = execution._claim(other.pk)
    assert claimed is not None
    with held(Attempt.objects.filter(action=other)) as let_go:  # the provider has made it, and it is being settled

        def approve_meanwhile() -> tuple[int, str]:
            until(lambda: in_line() >= 1)
            try:
                return press(maya, "approve", request)
            finally:
                let_go()

        attempted, (status, page) = at_once(lambda: execution._attempt(claimed), approve_meanwhile)
    assert attempted is None
    assert status == 409
    assert "Your decision was not applied: the request changed after you opened it. Review it and decide again." in page
    assert decided(request) == []

    status, _ = press(maya, "approve", shown(request))
    assert (status, decided(request)) == (302, [("maya", "approve")])
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert sorted(moved(world, order)) == [RUN, 6_000]


# --- two people ------------------------------------------------------------------------------------------

EDITS = ("edit", {"edit-amount": "30.00", "edit-reason": "It is broken."}, "edited and approved", 3_000)
APPROVES = ("approve", {}, "approved", WAIT)


@pytest.mark.parametrize(("first", "second"), [(EDITS, APPROVES), (APPROVES, EDITS)])
def test_after_an_edit_a_concurrent_approval_names_the_editor(
    world: World, maya: Client, jon: Client, first: Any, second: Any
) -> None:
    order = world.order()
    request = waiting(order)
    (button, fields, word, amount), (late, its_fields, _, _) = first, second
    (status, _), (refused, page) = one_after_the_other(
        ApprovalRequest.objects.filter(pk=request.pk),
        lambda: press(maya, button, request, **fields),
        lambda: press(jon, late, request, **its_fields),
    )
    assert (status, refused) == (302, 409)
    assert f"maya already {word} this. Your decision was not applied." in page
    assert decided(request) == [("maya", button)]
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert moved(world, order) == [amount]


# --- a person and the clock ------------------------------------------------------------------------------


def expires(request: ApprovalRequest, seconds: float) -> None:
    ApprovalRequest.objects.filter(pk=request.pk).update(expires_at=Now() + timedelta(seconds=seconds))


def is_late(request: ApprovalRequest) -> bool:
    return ApprovalRequest.objects.filter(pk=request.pk, expires_at__lte=Now()).exists()


def test_approving_an_expiring_request_reports_that_it_expired(world: World, maya: Client) -> None:
    order = world.order()
    request = waiting(order)
    expires(request, 0)
    # The sweep has closed the request and waits for its action; the approval waits for the request.
    closed, (status, page) = one_after_the_other(
        Action.objects.filter(pk=request.action_id),
        lambda: expiry.expire(request.pk),
        lambda: press(maya, "approve", request),
    )
    assert (closed, status) == (True, 409)
    assert "Your decision was not applied: this request has expired and its action won't be sent." in page
    assert decided(request) == []
    assert execution.execute(request.action_id).status == states.EXPIRED
    assert moved(world, order) == []


def test_a_request_approved_just_before_it_expires_is_approved(world: World, maya: Client) -> None:
    order = world.order()
    request = waiting(order)
    expires(request, 2)

    def expire_meanwhile(let_go: Callable[[], None]) -> bool:
        until(lambda: in_line() >= 1)
        until(lambda: is_late(request))
        try:
            return expiry.expire(request.pk)
        finally:
            let_go()

    with held(OrderLock.objects.filter(order_id=order["order_id"])) as let_go:
        (status, _), closed = at_once(lambda: press(maya, "approve", request), lambda: expire_meanwhile(let_go))
    assert (status, closed) == (302, False)
    assert not expiry.expire(request.pk)
    assert decided(request) == [("maya", "approve")]
    assert execution.execute(request.action_id).status == states.SUCCEEDED
    assert moved(world, order) == [WAIT]
