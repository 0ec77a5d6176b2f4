"""The real process over HTTP: contracts, network faults, restarts."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx2
import openai
import pytest

from tests.integration.simulator_world import World, code, path_of
from tests.waiting import until

RETAIL = Path(__file__).parents[3] / "shared" / "data" / "retail"
type Start = Callable[..., World]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[World] = []

    def begin(*options: str, environment: dict[str, str] | None = None) -> World:
        running.append(World(*options, environment=environment))
        return running[-1]

    yield begin
    for world in running:
        if world.process.poll() is None:
            world.stop()


@pytest.fixture
def world(start: Start) -> World:
    return start("--faults", "none")


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_immediately_and_silently(world: World, number: int) -> None:
    world.get("/health")
    assert world.stop(number) == (0, "")


def test_a_refund_appears_on_the_order_and_in_the_ledger(world: World) -> None:
    order = world.order(status="delivered", currency="USD")
    refund = world.refund(order)
    assert refund.status_code == 201
    assert refund.json() | {"status": "succeeded", "amount": 100, "reference": "t1:refund:1"} == refund.json()
    assert world.get(path_of(order))["payments"][0]["refunded"] == 100
    assert world.get("/refunds?reference=t1%3Arefund%3A1")["refunds"] == [refund.json()]
    ledger = world.get("/ledger")
    assert ledger["refunds"][0]["idempotency_key"] == "t1:refund:1"
    assert (ledger["totals"], ledger["duplicates"]) == ({"USD": 100}, [])


def test_concurrent_requests_with_one_key_move_money_once(shared: World) -> None:
    order = shared.order(status="delivered")
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: shared.refund(order, "one").status_code, range(48)))
    assert set(statuses) <= {201, 409}
    assert shared.effects("one") == 1


def test_concurrent_keys_never_return_more_than_was_captured(shared: World) -> None:
    order = shared.order(status="delivered")
    captured = order["payments"][0]["captured"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: shared.refund(order, f"many{n}:refund:1", amount=captured // 3 + 1), range(12))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[422] * 10]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert code(refused) == "amount_exceeds_refundable"
    assert refused.json()["error"]["details"]["captured"] == captured


def test_invalid_refunds_are_refused_as_in_the_contract(shared: World) -> None:
    order, cancelled = shared.order(status="delivered", currency="USD"), shared.order(status="pending")
    shared.http.post(f"{path_of(cancelled)}/cancel", json={"reference": "c"}, headers={"Idempotency-Key": "c"})
    refusals = {
        "missing": shared.http.post("/refunds", json={"amount": 1}),
        "unknown": shared.refund(order, "a", payment_id="pay_none"),
        "currency": shared.refund(order, "b", currency="EUR"),
        "cancelled": shared.refund(cancelled, "d"),
        "text": shared.refund(order, "e", amount="1"),
        "extra": shared.refund(order, "f", note="x"),
        "zero": shared.refund(order, "g", amount=0),
    }
    assert {name: (answer.status_code, code(answer)) for name, answer in refusals.items()} == {
        "missing": (400, "invalid_request"),
        "unknown": (404, "not_found"),
        "currency": (422, "currency_mismatch"),
        "cancelled": (422, "not_refundable"),
        "text": (400, "invalid_request"),
        "extra": (400, "invalid_request"),
        "zero": (400, "invalid_request"),
    }
    assert refusals["text"].json()["error"]["details"]["fields"][0]["field"] == "amount"


def test_refunds_are_listed_newest_first_by_pages(shared: World) -> None:
    order = shared.order(status="delivered")
    for number in range(105):
        assert shared.refund(order, f"page{number}:refund:1", amount=1).status_code == 201
    first = shared.get(f"/refunds?order_id={quote(order['order_id'])}")
    second = shared.get(f"/refunds?order_id={quote(order['order_id'])}&cursor={first['next_cursor']}")
    references = [row["reference"] for row in first["refunds"] + second["refunds"]]
    assert references == [f"page{number}:refund:1" for number in reversed(range(105))]
    assert second["next_cursor"] is None
    newest = first["refunds"][0]["created_at"]
    assert shared.get(f"/refunds?created_after={quote(newest)}")["refunds"] == []
    assert shared.http.get("/refunds?created_after=yesterday").status_code == 400


def test_a_cancellation_returns_the_remainder(world: World) -> None:
    order = world.order(status="pending")
    total = order["total"]
    world.refund(order, amount=100)
    cancel = f"{path_of(order)}/cancel"
    first, again, other = (
        world.http.post(cancel, json={"reference": "t1:cancel_order:1"}, headers={"Idempotency-Key": key})
        for key in ("k1", "k1", "k2")
    )
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert (other.status_code, code(other)) == (422, "not_cancellable")
    ledger = world.get("/ledger")
    assert [(row["amount"], row["reference"]) for row in ledger["cancellations"]] == [
        (total - 100, "t1:cancel_order:1")
    ]
    assert ledger["totals"] == {order["currency"]: total}


def test_after_an_account_change_the_orders_are_still_found(world: World) -> None:
    order = world.order()
    customer = f"/customers/{order['customer_id']}"
    changed = world.http.patch(customer, json={"email": "new@example.com"}, headers={"Idempotency-Key": "k"})
    assert changed.json()["email"] == world.get(customer)["email"] == "new@example.com"
    for email in ("new@example.com", order["customer_email"]):
        found = world.get(f"/orders?customer_email={quote(email)}")["orders"]
        assert order["order_id"] in [row["order_id"] for row in found]
    assert world.get("/ledger")["account_changes"][0]["changes"] == {"email": "new@example.com"}
    assert world.http.patch(customer, json={}, headers={"Idempotency-Key": "l"}).status_code == 400


def test_reading_missing_objects_returns_404(shared: World) -> None:
    assert code(shared.http.get("/orders/%23W0")) == "not_found"
    assert code(shared.http.get("/customers/nobody")) == "not_found"
    assert shared.get("/orders?customer_email=nobody%40example.com") == {"orders": []}
    assert shared.http.get("/orders").status_code == 400
    assert shared.http.get("/elsewhere").status_code == 404


def test_a_reply_is_received_once(shared: World) -> None:
    sent = {"ticket_id": "t1", "body": "Hi"}
    answers = [shared.http.post("/replies", json=sent, headers={"webhook-id": "t1:reply:1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    (reply,) = shared.get("/replies")["replies"]
    assert reply | sent | {"webhook_id": "t1:reply:1", "deliveries": 2} == reply


def test_a_restart_loses_nothing(start: Start, tmp_path: Path) -> None:
    state = ("--faults", "none", "--state", str(tmp_path / "state.sqlite3"))
    before = start(*state)
    order = before.order(status="delivered")
    first = before.refund(order)
    ledger = before.get("/ledger")
    before.stop(signal.SIGKILL)
    after = start(*state)
    replayed = after.refund(order)
    assert (replayed.json(), replayed.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert after.get("/ledger") == ledger


def test_it_ends_with_its_parent() -> None:
    starter = (
        "import subprocess, sys; "
        "command = [sys.executable, '-m', 'agentops.lab.simulator', '--faults', 'none', '--die-with-parent']; "
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True); "
        "print(child.stdout.readline(), end='')"
    )
    command = [sys.executable, "-c", starter]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    url = json.loads(said)["listening"]

    def gone() -> bool:
        try:
            httpx2.get(f"{url}/health", timeout=2)
        except httpx2.TransportError:
            return True
        return False

    until(gone)


def test_faults_also_affect_the_model(shared: World) -> None:
    shared.fault("*", fault="rate_limited")
    client = openai.OpenAI(base_url=f"{shared.url}/v1", api_key="x", max_retries=0)
    with client, pytest.raises(openai.RateLimitError) as limited:
        client.models.list()
    assert limited.value.response.headers["Retry-After"] == "1"
    assert shared.get("/health") == {"status": "ok"}


def test_the_openai_client_can_read_an_answer(shared: World) -> None:
    order = shared.order(status="delivered")
    text = f"Ticket 1 from Ada <a@example.com>\nSubject: x\n\nPlease refund {order['order_id']}."
    with openai.OpenAI(base_url=f"{shared.url}/v1", api_key="x", max_retries=0) as client:
        completion = client.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": text}],
            tools=[{"type": "function", "function": {"name": "get_order"}}],
        )
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"order_id": order["order_id"]}
    assert completion.usage
    assert completion.usage.completion_tokens_details


def test_a_transcript_with_an_unanswered_call_is_refused(shared: World) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    answer = shared.http.post("/v1/chat/completions", json={"model": "m", "messages": messages})
    assert answer.status_code == 400
    assert "c1" in answer.json()["error"]["message"]


def test_a_configured_token_is_required(start: Start) -> None:
    world = start("--faults", "none", environment={"SIMULATOR_TOKEN": "secret"})
    assert world.http.get("/ledger").status_code == 401
    assert world.http.get("/ledger", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert world.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--faults", "missing.json"], "missing.json: No such file"),
        (["--data", "/nowhere"], "orders.json: No such file"),
    ],
)
def test_an_invalid_command_line_gets_one_clear_line(options: list[str], expected: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agentops.lab.simulator", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not RETAIL.is_dir(), reason="the retail data set is not here")
def test_a_data_folder_is_served(start: Start) -> None:
    world = start("--faults", "none", "--data", str(RETAIL))
    assert world.get("/orders?tracking_number=490313116609")["orders"][0]["order_id"] == "#W4817420"
    assert 24 <= len(world.get("/demo/tickets")) <= 30
