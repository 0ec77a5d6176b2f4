"""The dial on the money path: actions outside it are prepared and wait for a person. The customer's tags are read
only if the rules use tags."""

from typing import Any

import pytest

from approvals.models import Action
from approvals.policy import dial
from approvals.policy.dial import Dial, KindShare, TagShare
from tests.world import World, propose, propose_refund, put_rules, ticket_of


def autonomy(percent: int = 100, **more: Any) -> None:
    put_rules(autonomy=Dial(percent=percent, **more))


def codes(action: Action) -> list[str]:
    return [reason["code"] for reason in action.reasons]


def test_outside_the_dial_every_action_waits_for_a_person(world: World) -> None:
    autonomy(0)
    order = world.order()
    ticket = ticket_of(order)
    refund = propose_refund(order, 2_000, ticket=ticket)
    reply = propose(ticket, "reply", {"text": "Thank you for writing.", "claims": [], "reason": "Greets."})
    for action in (refund, reply):
        assert (action.status, codes(action)) == ("awaiting_approval", ["outside_autonomy"])
        assert action.requests.get().closed_at is None
        assert action.facts["position"] == dial.position(ticket.pk)
    assert world.refunds(order) == []


def test_a_ticket_stays_inside_when_the_dial_is_raised(world: World) -> None:
    order = world.order()
    ticket = ticket_of(order)
    needed = dial.position(ticket.pk) * 100 // dial.POSITIONS + 1
    for percent, status in ((needed, "approved"), (100, "approved")):
        autonomy(percent)
        assert propose_refund(order, 1_000, ticket=ticket).status == status


def test_the_dial_of_one_kind_does_not_affect_others(world: World) -> None:
    autonomy(100, kinds=(KindShare(kind="refund", percent=0),))
    order = world.order()
    ticket = ticket_of(order)
    assert propose_refund(order, 2_000, ticket=ticket).status == "awaiting_approval"
    assert propose(ticket, "reply", {"text": "Hello.", "claims": [], "reason": "Greets."}).status == "approved"


@pytest.mark.parametrize(("sort", "status"), [("of a tagged customer", "awaiting_approval"), ("plain", "approved")])
def test_customer_tags_are_read_if_the_rules_use_tags(world: World, sort: str, status: str) -> None:
    autonomy(100, tags=(TagShare(tag="vip", percent=0),))
    order = world.order(sort)
    ticket = ticket_of(order)
    refund = propose_refund(order, 2_000, ticket=ticket)
    reply = propose(ticket, "reply", {"text": "Hello.", "claims": [], "reason": "Greets."})
    known = ["VIP"] if "tagged" in sort else []
    assert [(action.status, list(action.facts["tags"])) for action in (refund, reply)] == [(status, known)] * 2


def test_tags_are_not_read_unless_a_rule_uses_them(world: World) -> None:
    autonomy(100)
    assert propose_refund(world.order("of a tagged customer"), 2_000).facts["tags"] is None


def test_unreadable_tags_never_pass(world: World) -> None:
    autonomy(100, tags=(TagShare(tag="vip", percent=0),))
    order = world.order()
    world.faults("GET /customers/{customer_id}", "unavailable")
    action = propose_refund(order, 2_000)
    assert (action.status, codes(action), action.facts["tags"]) == ("awaiting_approval", ["outside_autonomy"], None)
