"""Provider records and our own records that disagree: refunds at the provider, actions of ours, unknown outcomes."""

import json
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from approvals import states
from approvals.effects import execution, lookup
from approvals.models import Action, Attempt
from approvals.providers.receipt import Receipt
from approvals.reconciliation import late_failures
from tests.integration.history_rows import a_ticket, an_action
from tests.scripted import Say, Script
from tests.world import World, propose_refund


def pay(world: World, order: dict[str, Any], amount: int, reference: str, *, key: str = "") -> dict[str, Any]:
    """Make a refund at the provider that we did not request, optionally under our own key."""
    body = {
        "payment_id": order["payments"][0]["payment_id"],
        "order_id": order["order_id"],
        "amount": amount,
        "currency": order["currency"],
        "reference": reference,
    }
    headers = {"Idempotency-Key": key or f"key-of-{reference}"}
    made = world.simulator.http.post("/refunds", json=body, headers=headers)
    return made.raise_for_status().json()


def fail(world: World, refund_id: str) -> None:
    """Mark the refund as failed at the provider, as if days later."""
    world.simulator.http.post(f"/refunds/{refund_id}/fail").raise_for_status()


def come_undone(action: Action) -> None:
    """Report the refund's late failure to us, as the provider's webhook does."""
    receipt = Receipt(reference=action.provider_reference, status="failed", data=theirs(action, "failed"))
    late_failures.record_late_failure(action, receipt, why="The card was closed.", happened_at=timezone.now())


def succeeded(order: dict[str, Any], amount: int = 2_000, **more: Any) -> Action:
    """Create an action that we recorded as succeeded, whatever the provider's records say."""
    params = {
        "order_id": order["order_id"],
        "payment_id": order["payments"][0]["payment_id"],
        "amount": amount,
        "currency": order["currency"],
        "reason": "It is broken.",
    }
    given = {"amount": amount, "currency": order["currency"], "order_id": order["order_id"], "params": params}
    return an_action(a_ticket(), **{**given, **more})


def refunded(world: World, amount: int = 2_000) -> Action:
    """Make a refund that succeeded on both sides."""
    action = execution.execute(propose_refund(world.order(), amount).pk)
    assert action.status == states.SUCCEEDED
    return action


def on_its_way(payments: Script, order: dict[str, Any], *, days: int = 0, amount: int = 2_000) -> Action:
    """Make a refund that the provider accepted this many days ago and has not yet confirmed."""
    action = propose_refund(order, amount)
    payments.will_say(Say(theirs(action, "pending"), 201))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    Action.objects.filter(pk=action.pk).update(settled_at=Now() - timedelta(days=days))
    return Action.objects.get(pk=action.pk)


def theirs(action: Action, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """Return the provider's row for the action's refund, in the contract's format."""
    return {
        **json.loads(action.request),
        "refund_id": f"re_{action.pk}",
        "status": status,
        "created_at": action.created_at.isoformat(),
        **changes,
    }


def page(*rows: dict[str, Any], cursor: str | None = None) -> Say:
    return Say({"refunds": rows, "next_cursor": cursor})


def unresolved_refund(world: World, *, happened: bool = True, amount: int = 2_000) -> Action:
    """Use up all attempts of a refund with server errors, so that its outcome is unknown."""
    action = propose_refund(world.order(), amount)
    world.faults("POST /refunds", "error_500_after" if happened else "error_500_before")
    with override_settings(RETRY_BASE_SECONDS=0.0):
        while action.status == states.APPROVED:
            action = execution.execute(action.pk)
    world.simulator.faults()
    assert action.status == states.UNRESOLVED
    return action


def make_quiet(action: Action) -> None:
    """Move the last attempt far into the past."""
    long_ago = Now() - timedelta(seconds=lookup.QUIET_SECONDS + 60)
    Attempt.objects.filter(action=action).update(started_at=long_ago, finished_at=long_ago)
