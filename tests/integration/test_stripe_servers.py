"""Two independent implementations of Stripe's API behind a lossy network: one refund at the server, whatever is
lost. The money moved is read from the server itself."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import override_settings
from pytest_django import Settings

from agentops.lib.errors import IdempotencyMismatch
from approvals import states
from approvals.effects import execution, lookup, pauses
from approvals.models import Action, Attempt
from approvals.providers import payments
from approvals.providers.payments import listing
from tests import world as worlds
from tests.live import Simulator
from tests.lossy import Lossy, lossy
from tests.services import services
from tests.stripe_servers import KEY, Deduping, Hostile, StripeServer
from tests.waiting import until
from tests.world import World, at_once, propose_refund

ORDERS = 12


@dataclass
class Side:
    """A shop whose payments are on a Stripe server, reached through a lossy relay."""

    world: World
    server: StripeServer
    relay: Lossy

    def approved(self, amount: int = 2_000) -> tuple[str, Action]:
        order = self.world.order()
        action = propose_refund(order, amount)
        assert action.status == states.APPROVED
        self.relay.posts = 0
        return order["payments"][0]["payment_id"], action


def shop_of(server: StripeServer, folder: Path) -> World:
    """Return a World of plain orders, each with its own payment on the server."""
    shelf = worlds.write_shop(folder)
    plain = [shelf["plain"].popleft() for _ in range(ORDERS)]
    for order in plain:
        order["payments"][0]["payment_id"] = server.payment(10_000)
    (folder / "orders.json").write_text(json.dumps(plain))
    return World(Simulator(logs=services().logs, data=folder), {"plain": deque(plain)})


def started(server: StripeServer, folder: Path) -> Iterator[tuple[World, StripeServer]]:
    try:
        world = shop_of(server, folder)
        yield world, server
        world.simulator.stop()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def deduping_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, StripeServer]]:
    yield from started(Deduping(), tmp_path_factory.mktemp("deduping"))


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, StripeServer]]:
    yield from started(Hostile(), tmp_path_factory.mktemp("hostile"))


def side(shop: tuple[World, StripeServer], **more: Any) -> Iterator[Side]:
    world, server = shop
    worlds.put_rules()
    with lossy(server.url) as relay:
        stripe = {"PAYMENTS_BACKEND": "stripe", "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": relay.url}
        with override_settings(**world.simulator.settings(), **stripe, RETRY_BASE_SECONDS=0.0001, **more):
            yield Side(world, server, relay)


@pytest.fixture
def deduping(live_database: str, deduping_shop: tuple[World, StripeServer]) -> Iterator[Side]:
    yield from side(deduping_shop)


@pytest.fixture
def hostile(live_database: str, hostile_shop: tuple[World, StripeServer]) -> Iterator[Side]:
    yield from side(hostile_shop, PAYMENTS_IDEMPOTENT=False)


def again(action: Action) -> Action:
    until(lambda: action.pk in execution.due(1000))
    return execution.execute(action.pk)


def outcomes(action: Action) -> list[str]:
    return list(action.attempts.order_by("number").values_list("outcome", flat=True))


def leave_behind(action: Action) -> None:
    """Leave the action as a worker does that was killed before it sent anything."""
    assert execution._claim(action.pk) is not None
    Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def make_quiet(action: Action) -> None:
    long_ago = Now() - timedelta(seconds=lookup.QUIET_SECONDS + 60)
    Attempt.objects.filter(action=action).update(started_at=long_ago, finished_at=long_ago)


# --- a server with idempotency keys ---------------------------------------------------------------------


def test_a_refund_carries_our_reference_to_the_server(deduping: Side) -> None:
    payment, action = deduping.approved()
    action = execution.execute(action.pk)
    [refund] = deduping.server.refunds(payment)
    assert (refund["amount"], refund["currency"], refund["metadata"]["reference"]) == (
        2_000,
        "usd",
        action.idempotency_key,
    )
    assert (action.status, action.provider_reference) == (states.SUCCEEDED, refund["id"])
    assert action.result is not None
    assert (action.result["amount"], action.result["currency"], action.result["status"]) == (2_000, "USD", "succeeded")


def test_a_lost_answer_is_retried_under_the_same_key(deduping: Side) -> None:
    payment, action = deduping.approved()
    deduping.relay.cut = 2
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "effect_unknown")
    again(action)
    action = again(action)
    assert (action.status, outcomes(action)) == (states.SUCCEEDED, ["effect_unknown", "effect_unknown", "succeeded"])
    assert (deduping.relay.posts, len(deduping.server.refunds(payment))) == (3, 1)


def test_a_lost_request_is_sent_again(deduping: Side) -> None:
    payment, action = deduping.approved()
    deduping.relay.swallow = 1
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    assert (deduping.relay.posts, len(deduping.server.refunds(payment))) == (2, 1)


def test_a_delayed_request_after_its_retry_does_nothing(deduping: Side, settings: Settings) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5
    payment, action = deduping.approved()
    deduping.relay.hold = 1
    execution.execute(action.pk)
    assert again(action).status == states.SUCCEEDED
    deduping.relay.release.set()
    assert deduping.relay.arrived.wait(10)
    assert len(deduping.server.refunds(payment)) == 1


def test_concurrent_workers_make_one_refund(deduping: Side) -> None:
    payment, action = deduping.approved()
    at_once(*[lambda: execution.execute(action.pk)] * 8)
    assert (deduping.relay.posts, len(deduping.server.refunds(payment))) == (1, 1)


def test_exhausted_attempts_are_settled_by_a_look_up(deduping: Side) -> None:
    payment, action = deduping.approved()
    deduping.relay.cut = 100
    action = execution.execute(action.pk)
    while action.status == states.APPROVED:
        action = again(action)
    assert action.status == states.UNRESOLVED
    assert lookup.settle_by_lookup(action.pk).status == states.SUCCEEDED
    assert len(deduping.server.refunds(payment)) == 1


def test_our_key_with_another_body_is_recognised(deduping: Side) -> None:
    _, action = deduping.approved()
    execution.execute(action.pk)
    with pytest.raises(IdempotencyMismatch):
        payments.send_refund(body=action.request.replace("2000", "1999"), key=action.idempotency_key)


def test_another_refund_of_the_same_payment_is_not_ours(deduping: Side) -> None:
    payment, action = deduping.approved()
    deduping.server.ask("POST", "/v1/refunds", data={"charge": payment})
    action = execution.execute(action.pk)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "charge_already_refunded")
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.FAILED
    assert len(deduping.server.refunds(payment)) == 1


def test_a_refused_refund_is_failed(deduping: Side) -> None:
    payment, action = deduping.approved()
    deduping.server.ask("POST", "/v1/refunds", data={"charge": payment, "amount": 9_000})
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.FAILED, "terminal")
    assert "greater than unrefunded" in action.error_message


def test_a_refused_key_pauses_stripe(deduping: Side, settings: Settings) -> None:
    settings.STRIPE_API_KEY = "sk_live_0123456789"
    _, action = deduping.approved()
    action = execution.execute(action.pk)
    assert (action.status, action.error_class) == (states.APPROVED, "unauthorized")
    assert pauses.paused_names() == {"payments"}
    assert pauses.resume_provider("payments", by="admin")
    settings.STRIPE_API_KEY = KEY
    assert again(action).status == states.SUCCEEDED


def test_all_refunds_of_the_provider_can_be_read(deduping: Side) -> None:
    _, action = deduping.approved()
    execution.execute(action.pk)
    receipts = {row.data["reference"]: row for row in listing.refunds_since(datetime.now(UTC) - timedelta(hours=1))}
    assert receipts[action.idempotency_key].data["amount"] == 2_000
    assert receipts[action.idempotency_key].data["created_at"]


# --- a server without -----------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_up_and_not_sent_twice(hostile: Side) -> None:
    payment, action = hostile.approved()
    hostile.relay.cut = 1
    assert execution.execute(action.pk).status == states.APPROVED
    action = again(action)
    [refund] = hostile.server.refunds(payment)
    assert (action.status, action.provider_reference) == (states.SUCCEEDED, refund["id"])
    assert hostile.relay.posts == 1


def test_a_refund_unknown_to_the_server_needs_a_person(hostile: Side) -> None:
    payment, action = hostile.approved()
    hostile.relay.swallow = 1
    execution.execute(action.pk)
    action = again(action)
    assert (action.status, action.error_code) == (states.UNRESOLVED, "not_sent_again")
    assert action.pk not in execution.due(1000)
    assert lookup.settle_by_lookup(action.pk).status == states.UNRESOLVED, "it may still be on its way"
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.FAILED
    assert (hostile.relay.posts, hostile.server.refunds(payment)) == (1, [])


def test_a_delayed_request_remains_the_only_one(hostile: Side, settings: Settings) -> None:
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5
    payment, action = hostile.approved()
    hostile.relay.hold = 1
    execution.execute(action.pk)
    assert again(action).status == states.UNRESOLVED
    hostile.relay.release.set()
    assert hostile.relay.arrived.wait(10)
    assert lookup.settle_by_lookup(action.pk).status == states.SUCCEEDED
    assert (hostile.relay.posts, len(hostile.server.refunds(payment))) == (1, 1)


def test_a_dead_workers_refund_is_looked_up_first(hostile: Side) -> None:
    payment, action = hostile.approved()
    leave_behind(action)
    action = execution.execute(action.pk)
    assert (action.status, outcomes(action)) == (states.UNRESOLVED, ["lost", "replayed_failure"])
    assert (hostile.relay.posts, hostile.server.refunds(payment)) == (0, [])


def test_without_the_setting_this_server_would_pay_twice(hostile: Side, settings: Settings) -> None:
    """This shows why the setting exists, and that the counts here would detect a double payment."""
    settings.PAYMENTS_IDEMPOTENT = True
    payment, action = hostile.approved()
    hostile.relay.cut = 1
    execution.execute(action.pk)
    again(action)
    assert len(hostile.server.refunds(payment)) == 2
