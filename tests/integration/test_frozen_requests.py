"""What a person approved is what is sent: the key, the parameters and the exact bytes (docs/design.md, 5.4 and 5.8)."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from agentops.lib.errors import Refused
from approvals import kinds, states, transitions
from approvals.decisions import decide as deciding
from approvals.effects import execution, payload
from approvals.models import Action, ApprovalRequest
from tests.scripted import Script
from tests.world import World, propose, propose_refund, ticket_of

TRIGGERS = ("approvals.Action:effect_frozen", "approvals.Action:identity_frozen")


def tamper(action: Action, **fields: Any) -> None:
    """Change the row as only the database owner can, with the triggers disabled."""
    with pgtrigger.ignore(*TRIGGERS):
        Action.objects.filter(pk=action.pk).update(**fields)


def other_bytes(action: Action) -> dict[str, Any]:
    return {"request": json.dumps({**json.loads(action.request), "amount": 9_999})}


def other_params(action: Action) -> dict[str, Any]:
    return {"params": {**action.params, "amount": 9_999}}


def other_key(action: Action) -> dict[str, Any]:
    return {"idempotency_key": f"{action.ticket_id}:refund:99"}


CHANGES = pytest.mark.parametrize("change", [other_bytes, other_params, other_key])


# --- on sending -----------------------------------------------------------------------------------------


@CHANGES
def test_an_unapproved_request_is_never_sent(
    world: World, payments: Script, change: Callable[[Action], dict[str, Any]]
) -> None:
    action = propose_refund(world.order(), 2_000)
    tamper(action, **change(action))
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.FAILED, "digest_mismatch")
    assert payments.asked == []


def test_an_unapproved_request_is_not_resent_either(world: World, payments: Script) -> None:
    """After a lost attempt the effect may exist, so it is looked up instead of failed."""
    action = propose_refund(world.order(), 2_000)
    assert execution._claim(action.pk) is not None
    tamper(action, lease_expires_at=Now(), **other_bytes(action))
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "digest_mismatch")
    assert payments.asked == []


# --- on approval ----------------------------------------------------------------------------------------


@CHANGES
def test_a_request_unlike_its_view_can_only_be_rejected(
    world: World, lead: User, change: Callable[[Action], dict[str, Any]]
) -> None:
    action = propose_refund(world.order(), 6_000)
    request = ApprovalRequest.objects.get(action=action)
    tamper(action, **change(action))
    shown = {"request_id": request.pk, "by": lead, "seen": deciding.seen_now(request)}
    for decide in (lambda: deciding.approve(**shown), lambda: deciding.edit(**shown, changes={"amount": 100})):
        with pytest.raises(Refused) as refused:
            decide()
        assert refused.value.code == "digest_mismatch"
    deciding.reject(**shown, reason="This is not what was shown.")
    assert Action.objects.get(pk=action.pk).status == states.REJECTED


def test_an_edit_freezes_the_new_bytes(world: World, lead: User) -> None:
    order = world.order()
    action = propose_refund(order, 6_000)
    request = ApprovalRequest.objects.get(action=action)
    deciding.edit(request_id=request.pk, by=lead, seen=deciding.seen_now(request), changes={"amount": 2_500})
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert [row["amount"] for row in world.refunds(order)] == [2_500]


# --- in PostgreSQL --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"params": {}},
        {"digest": "0" * 64},
        {"request": "{}"},
        {"amount": 1},
        {"currency": "EUR"},
        {"order_id": "#W1"},
        {"target": "#W1"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_an_approved_request_cannot_be_overwritten(world: World, fields: dict[str, Any]) -> None:
    action = propose_refund(world.order(), 2_000)
    assert action.status == states.APPROVED
    with pytest.raises(DatabaseError, match="approvals_action"), transaction.atomic():
        Action.objects.filter(pk=action.pk).update(**fields)


@pytest.mark.parametrize("to", [states.REJECTED, states.EXPIRED, states.BLOCKED])
def test_an_archived_request_cannot_be_changed(world: World, to: str) -> None:
    action = propose_refund(world.order(), 6_000)
    with pytest.raises(DatabaseError, match="approvals_action"), transaction.atomic():
        transitions.move(action, to, actor="lead", verb="action.rejected", amount=1)


@pytest.mark.parametrize(
    "fields",
    [{"idempotency_key": "x:refund:1"}, {"kind": "reply"}, {"sequence": 7}],
    ids=lambda fields: next(iter(fields)),
)
def test_an_actions_identity_never_changes(world: World, fields: dict[str, Any]) -> None:
    action = propose_refund(world.order(), 6_000)
    assert action.status == states.AWAITING_APPROVAL
    with pytest.raises(DatabaseError, match="approvals_action"), transaction.atomic():
        Action.objects.filter(pk=action.pk).update(**fields)


def test_a_cancellation_is_sent_to_the_approved_order(world: World) -> None:
    order, other = world.order("pending"), world.order("pending")
    action = propose(ticket_of(order), "cancel_order", {"order_id": order["order_id"], "reason": "Ordered twice."})
    tamper(action, order_id=other["order_id"])
    execution.execute(action.pk)
    assert world.now(other)["status"] == "pending"


# --- rows written before the digest covered the request -------------------------------------------------


def bind() -> None:
    with pgtrigger.ignore(*TRIGGERS):
        import_module("approvals.migrations.0009_digests_cover_the_request").bind(apps, None)


def as_before(action: Action) -> Action:
    """Give the action and its open request the old digest, of the parameters alone."""
    digest = kinds.json_digest(action.params)
    tamper(action, digest=digest)
    ApprovalRequest.objects.filter(action=action).update(digest=digest)
    return action


def proposed_before(world: World) -> list[Action]:
    order, pending = world.order(), world.order("pending")
    given: list[tuple[str, dict[str, Any]]] = [
        ("refund", {"order_id": order["order_id"], "amount": 6_000, "currency": "USD", "reason": "It is broken."}),
        ("change_account", {"name": "Kim Roe", "address": {"city": "York"}, "reason": "They moved and married."}),
        ("reply", {"text": "Thank you for your message.", "reason": "A greeting."}),
    ]
    actions = [propose(ticket_of(order), tool, arguments) for tool, arguments in given]
    cancelled = {"order_id": pending["order_id"], "reason": "Ordered twice."}
    return [as_before(action) for action in [*actions, propose(ticket_of(pending), "cancel_order", cancelled)]]


def test_an_old_proposal_is_bound_and_continues(world: World, lead: User) -> None:
    actions = proposed_before(world)
    bind()
    for action in actions:
        action.refresh_from_db()
        assert action.digest == payload.action_digest(action)
        for request in ApprovalRequest.objects.filter(action=action):
            deciding.approve(
                request_id=request.pk, by=lead, seen=replace(deciding.seen_now(request), digest=action.digest)
            )
        assert execution.execute(action.pk).status == states.SUCCEEDED


@pytest.mark.parametrize("change", [other_bytes, other_params])
def test_binding_does_not_repair_an_unapproved_old_request(
    world: World, payments: Script, change: Callable[[Action], dict[str, Any]]
) -> None:
    action = as_before(propose_refund(world.order(), 2_000))
    tamper(action, **change(action))
    bind()
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.FAILED, "digest_mismatch")
    assert payments.asked == []
