"""Faults as a client sees them on the network."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.integration.simulator_world import World, code
from tests.waiting import until


@pytest.fixture(scope="module")
def shared_process() -> Iterator[World]:
    world = World("--faults", "none")
    yield world
    world.stop()


@pytest.fixture
def shared(shared_process: World) -> World:
    """A simulator shared by tests that use only orders and keys of their own."""
    shared_process.http.post("/faults", json={}).raise_for_status()
    return shared_process


WITH_EFFECT = ("timeout_after", "lost_answer", "error_500_after", "garbage", "truncated", "already_refunded")
WITHOUT_EFFECT = (
    "timeout_before",
    "reset",
    "rate_limited",
    "error_500_before",
    "unavailable",
    "unauthorized",
    "too_early",
    "in_progress",
    "key_mismatch",
)


def spoiled(world: World, order: dict[str, Any], key: str) -> str:
    """Return what a client sees of the first request: the error's name, or the status and whether it was readable."""
    try:
        answer = world.refund(order, key)
    except httpx2.TransportError as error:
        return type(error).__name__
    try:
        answer.json()
    except ValueError:
        return f"{answer.status_code} unreadable"
    return str(answer.status_code)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("timeout_after", "RemoteProtocolError"),
        ("lost_answer", "RemoteProtocolError"),
        ("error_500_after", "500"),
        ("garbage", "200 unreadable"),
        ("truncated", "RemoteProtocolError"),
        ("timeout_before", "RemoteProtocolError"),
        ("reset", "ReadError"),
        ("rate_limited", "429"),
        ("error_500_before", "500"),
        ("unavailable", "503"),
        ("unauthorized", "401"),
        ("too_early", "425"),
        ("in_progress", "409"),
        ("key_mismatch", "422"),
        ("already_refunded", "422"),
        ("refused_by_bank", "402"),
        ("slow", "201"),
    ],
)
def test_a_fault_is_visible_on_the_network(shared: World, fault: str, seen: str) -> None:
    order = shared.order(status="delivered")
    shared.fault("POST /refunds", fault=fault, times=1, seconds=0.1)
    assert spoiled(shared, order, fault) == seen
    assert shared.effects(fault) == (fault in WITH_EFFECT or fault == "slow")
    assert shared.get("/faults")["hits"] == {f"POST /refunds {fault}": 1}
    again = shared.refund(order, fault)
    assert again.status_code == {"error_500_after": 500, "refused_by_bank": 402}.get(fault, 201)
    assert ("Idempotent-Replayed" in again.headers) == (fault not in WITHOUT_EFFECT)
    assert shared.effects(fault) == (fault != "refused_by_bank")


def test_a_second_request_during_a_slow_first_gets_a_conflict(shared: World) -> None:
    order = shared.order(status="delivered")
    shared.fault("POST /refunds", fault="slow", times=1, seconds=1)
    first = threading.Thread(target=shared.refund, args=(order, "while"))
    first.start()
    until(lambda: shared.get("/faults")["hits"] == {"POST /refunds slow": 1})
    second = shared.refund(order, "while")
    first.join()
    assert (second.status_code, code(second)) == (409, "idempotency_in_progress")
    assert shared.effects("while") == 1
