"""manage.py chaos and soak on a small scale, the oracle that both count with, and the page that shows the last run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.test import Client, override_settings
from django.urls import reverse

from agentops.lab.chaos import figures, naive
from agentops.lab.chaos.outside import Outside
from agentops.lab.local.processes import Supervisor, run
from agentops.lab.local.programs import ROOT
from tests.integration.history_rows import signed_in
from tests.services import ENVIRONMENT

UNSET = {"DJANGO_SETTINGS_MODULE", "DATA_DIR", *ENVIRONMENT, "DATABASE_URL", "REDIS_URL"}
KEYS = {
    "tickets",
    "answered",
    "with_person",
    "refunded_twice",
    "over_captured",
    "unknown_order_effects",
    "invented_replies",
    "lost",
    "stuck",
    "money_lost",
    "duplicates_absorbed",
}
HARMLESS = dict.fromkeys(("refunded_twice", "over_captured", "unknown_order_effects", "invented_replies"), 0)


def manage(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in UNSET} | settings
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment | {"DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_chaos_shows_both_sides_next_to_each_other(tmp_path: Path) -> None:
    done = manage(tmp_path, "chaos", "--tickets", "20", "--seed", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result.keys() == {"naive", "ours"}
    assert all(side.keys() == KEYS for side in result.values())
    ours = result["ours"]
    assert ours | HARMLESS | {"lost": 0, "stuck": 0, "money_lost": {}} == ours
    assert ours["answered"] + ours["with_person"] == ours["tickets"] == 20
    assert "20/20" in done.stderr
    kept = json.loads((tmp_path / "chaos.json").read_text())
    assert (kept["tickets"], kept["seed"], kept["result"]) == (20, 2, result)


def test_refused_tickets_are_lost_and_the_exit_status_says_so(tmp_path: Path) -> None:
    done = manage(tmp_path, "chaos", "--tickets", "2", "--json", HTTPS="1")  # so it refuses the race's plain HTTP
    assert done.returncode == 1
    ours = json.loads(done.stdout)["ours"]
    assert (ours["tickets"], ours["lost"]) == (2, 2)
    assert "Promises broken: {'lost': 2}" in done.stderr


def test_a_soak_accounts_for_everything(tmp_path: Path) -> None:
    done = manage(tmp_path, "soak", "--minutes", "0.25", "--json")
    assert done.returncode == 0, done.stderr
    soaked = json.loads(done.stdout)
    assert soaked.keys() > KEYS
    assert soaked["killed"]["workers"] >= 1
    assert soaked["answered"] + soaked["with_person"] == soaked["tickets"] > 0


def test_a_soak_without_kills_says_that_it_proves_nothing(tmp_path: Path) -> None:
    done = manage(tmp_path, "soak", "--minutes", "0.01", "--json")
    assert done.returncode == 1
    soaked = json.loads(done.stdout)
    assert (soaked["killed"], soaked["lost"], soaked["stuck"]) == ({}, 0, 0)
    assert "This soak proves nothing: no process was killed." in done.stderr


# --- the oracle must detect each kind of harm ---------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    supervisor = Supervisor(tmp_path / "log")
    world = Outside(tmp_path, supervisor, tickets=6, seed=1)
    world.calm_down()
    yield world
    world.close()
    supervisor.stop()


@pytest.fixture
def order(outside: Outside) -> dict[str, Any]:
    """Return an order that can be refunded in full."""
    emails = [ticket["customer_email"] for ticket in outside.tickets]
    orders = [
        row for email in emails for row in get(outside, "/orders", customer_email=email)["orders"] if is_whole(row)
    ]
    return orders[0]


def is_whole(order: dict[str, Any]) -> bool:
    return len(order["payments"]) == 1 and not order["payments"][0]["refunded"]


def get(outside: Outside, path: str, **query: str) -> Any:
    return httpx2.get(outside.url + path, params=query).raise_for_status().json()


def refund(outside: Outside, order: dict[str, Any], amount: int, *, key: str, **changes: str) -> None:
    body = {"payment_id": order["payments"][0]["payment_id"], "order_id": order["order_id"], "amount": amount}
    body |= {"currency": order["currency"], "reference": key, **changes}
    httpx2.post(f"{outside.url}/refunds", json=body, headers={"Idempotency-Key": key}).raise_for_status()


def reply(outside: Outside, text: str) -> None:
    body = {"external_id": "demo-1", "to": outside.tickets[0]["customer_email"], "body": text}
    httpx2.post(f"{outside.url}/replies", json=body, headers={"webhook-id": text[:20]}).raise_for_status()


def test_one_refund_and_a_true_reply_are_harmless(outside: Outside, order: dict[str, Any]) -> None:
    refund(outside, order, 100, key="one")
    refund(outside, order, 100, key="one")  # the key is known: nothing moves
    reply(outside, f"We have refunded {written(100, order)} for order {order['order_id']} to your card.")
    found = figures.read(outside, {"demo-1": figures.End(figures.ANSWERED)}, absorbed=0)
    assert not found.broken
    assert (found.answered, found.money_lost) == (1, {})


def test_a_second_refund_and_an_overpayment_are_detected(outside: Outside, order: dict[str, Any]) -> None:
    refund(outside, order, order["total"], key="one")
    refund(outside, order, order["total"], key="two")
    found = figures.read(outside, {}, absorbed=0)
    assert found.broken == {"refunded_twice": 1, "over_captured": 1}
    assert found.money_lost == {order["currency"]: order["total"]}


def test_a_refund_of_an_invented_order_is_detected(outside: Outside, order: dict[str, Any]) -> None:
    refund(outside, order, 100, key="one", order_id="#W0")
    found = figures.read(outside, {}, absorbed=0)
    assert found.broken == {"unknown_order_effects": 1}
    assert found.money_lost == {order["currency"]: 100}


@pytest.mark.parametrize(
    "text",
    [
        "Good news: your refund of {amount} for order {order} is on its way to you.",
        "We have refunded {amount} for order {order} to your original payment method.",
        "Order {order} is cancelled and {amount} goes back to your original payment method.",
        "We have changed your default address as you asked.",
    ],
)
def test_a_false_reply_is_detected(outside: Outside, order: dict[str, Any], text: str) -> None:
    reply(outside, text.format(amount=written(100, order), order=order["order_id"]))
    assert figures.read(outside, {"demo-1": figures.End(figures.ANSWERED)}, absorbed=0).broken == {
        "invented_replies": 1
    }


def test_a_ticket_without_a_reply_is_lost(outside: Outside) -> None:
    hows = {"demo-1": figures.ANSWERED, "demo-2": figures.UNKNOWN, "demo-3": figures.MOVING}
    ends = {external_id: figures.End(how) for external_id, how in hows.items()}
    assert figures.read(outside, ends, absorbed=0).broken == {"lost": 2, "stuck": 1}


def test_a_missing_approved_effect_is_detected(outside: Outside, order: dict[str, Any]) -> None:
    refund(outside, order, 100, key="t1:refund:1")
    kept = figures.End(figures.WITH_PERSON, frozenset({"t1:refund:1"}))
    gone = figures.End(figures.WITH_PERSON, frozenset({"t1:refund:1", "t1:cancel_order:1"}))
    assert not figures.read(outside, {"demo-1": kept}, absorbed=0).broken
    assert figures.read(outside, {"demo-1": gone}, absorbed=0).broken == {"lost": 1}


def test_the_naive_loop_refunds_again_without_an_answer(outside: Outside, tmp_path: Path) -> None:
    """It makes a new key for each attempt, so the race's faults hit it by chance; here the fault is certain."""
    faults = {"endpoints": {"POST /refunds": [{"fault": "lost_answer", "rate": 1.0}]}, "model": {}}
    httpx2.post(f"{outside.url}/faults", json=faults).raise_for_status()
    done = tmp_path / "done.jsonl"
    run(naive.loop(tmp_path, outside, done), logs=tmp_path / "log")
    assert figures.read(outside, naive.read_ends(done), absorbed=0).refunded_twice > 0


def written(amount: int, order: dict[str, Any]) -> str:
    digits = {"JPY": 0, "KWD": 3}.get(order["currency"], 2)
    return f"{amount / 10**digits:.{digits}f} {order['currency']}"


# --- the page ----------------------------------------------------------------------------------------


@pytest.fixture
def maya(db: None) -> Client:
    return signed_in()


def test_without_a_run_the_page_explains_how_to_start_one(maya: Client, tmp_path: Path) -> None:
    with override_settings(DATA_DIR=tmp_path):
        assert "manage.py chaos --tickets 200" in maya.get(reverse("chaos")).content.decode()


def test_the_page_shows_the_last_run(maya: Client, tmp_path: Path) -> None:
    side = dict.fromkeys(KEYS, 0) | {"tickets": 200, "money_lost": {}}
    naive = side | {"refunded_twice": 43, "money_lost": {"USD": 123_456}}
    kept = {"at": "2026-03-14T15:09:00+00:00", "tickets": 200, "seed": 1, "result": {"naive": naive, "ours": side}}
    (tmp_path / "chaos.json").write_text(json.dumps(kept))
    with override_settings(DATA_DIR=tmp_path):
        page = maya.get(reverse("chaos")).content.decode()
    assert "$1,234.56" in page
    assert 'class="c-naive" width="100.0%"' in page
    assert 'class="c-ours" width="0.0%"' in page
