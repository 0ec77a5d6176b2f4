import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from agentops.lab.simulator.idempotency import Forgetful, Idempotency
from agentops.lab.simulator.store import KEY_LIFETIME, SECOND, Store
from agentops.lab.simulator.wire import Answer, BadRequest, Request


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def request(key: str = "k", path: str = "/refunds", **body: object) -> Request:
    return Request("POST", path, "POST /refunds", {}, {}, {"idempotency-key": key}, json.dumps(body).encode())


class Desk:
    """Work that counts how often it ran."""

    def __init__(self, clock: Clock | None = None, file: Path | None = None) -> None:
        self.store = Store(file, clock or Clock())
        self.keys = Idempotency(self.store)
        self.done = 0

    def run(self, asked: Request, status: int = 201) -> Answer:
        def work(key: str) -> Answer:
            self.done += 1
            return Answer(status, {"done": self.done})

        return self.keys.run(asked, work)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Desk]:
    desk = Desk(clock)
    yield desk
    desk.store.close()


def code(answer: Answer) -> str:
    return str(answer.body["error"]["code"])


def test_the_same_key_and_body_replays_the_answer(desk: Desk) -> None:
    first, second = desk.run(request(amount=1)), desk.run(request(amount=1))
    assert (first.body, first.headers) == ({"done": 1}, {})
    assert (second.body, second.headers) == ({"done": 1}, {"Idempotent-Replayed": "true"})
    assert desk.done == 1


def test_field_order_does_not_change_the_body(desk: Desk) -> None:
    desk.run(request(amount=1, currency="USD"))
    assert desk.run(request(currency="USD", amount=1)).headers == {"Idempotent-Replayed": "true"}


@pytest.mark.parametrize("other", [request(amount=2), request(amount=1, path="/orders/1/cancel")])
def test_the_same_key_for_another_body_is_refused(desk: Desk, other: Request) -> None:
    desk.run(request(amount=1))
    answer = desk.run(other)
    assert (answer.status, code(answer)) == (422, "idempotency_mismatch")
    assert desk.done == 1


def test_a_second_request_during_the_first_gets_a_conflict(desk: Desk) -> None:
    started, go_on = Event(), Event()

    def slow(key: str) -> Answer:
        started.set()
        assert go_on.wait(5)
        return Answer(201, {})

    first = Thread(target=desk.keys.run, args=(request(amount=1), slow))
    first.start()
    assert started.wait(5)
    same, other = desk.run(request(amount=1)), desk.run(request(amount=2))
    go_on.set()
    first.join(5)
    assert (same.status, code(same)) == (409, "idempotency_in_progress")
    assert (other.status, code(other)) == (422, "idempotency_mismatch")
    assert desk.run(request(amount=1)).headers == {"Idempotent-Replayed": "true"}
    assert desk.done == 0


def test_a_business_refusal_is_replayed_too(desk: Desk) -> None:
    desk.run(request(amount=1), status=422)
    assert desk.run(request(amount=1)).status == 422
    assert desk.done == 1


def test_a_key_is_forgotten_after_a_day(desk: Desk, clock: Clock) -> None:
    desk.run(request(amount=1))
    clock.now += KEY_LIFETIME / SECOND
    assert desk.run(request(amount=1)).body == {"done": 2}


def test_failed_work_leaves_neither_effect_nor_answer(desk: Desk) -> None:

    def breaks(key: str) -> Answer:
        desk.store.insert("returned", payment_id="p", amount=5)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        desk.keys.run(request(amount=1), breaks)
    assert desk.store.returned("p") == 0
    assert desk.run(request(amount=1)).body == {"done": 1}


def test_an_error_after_the_effect_is_replayed(desk: Desk) -> None:
    asked = request(amount=1)
    asked.after = Answer(500, {"error": {"code": "internal"}})
    assert desk.run(asked).status == 500
    replayed = desk.run(request(amount=1))
    assert (replayed.status, replayed.headers) == (500, {"Idempotent-Replayed": "true"})
    assert desk.done == 1


def test_a_refusal_before_the_work_is_replayed_without_effect(desk: Desk) -> None:
    asked = request(amount=1)
    asked.instead = Answer(402, {})
    assert desk.run(asked).status == 402
    assert desk.run(request(amount=1)).status == 402
    assert desk.done == 0


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": ""}, {"idempotency-key": "x" * 256}])
def test_a_missing_or_overlong_key_is_a_bad_request(desk: Desk, headers: dict[str, str]) -> None:
    asked = Request("POST", "/refunds", "POST /refunds", {}, {}, headers, b"{}")
    with pytest.raises(BadRequest) as refused:
        desk.run(asked)
    assert refused.value.answer.status == 400


def test_answers_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite3"
    before = Desk(file=file)
    before.run(request(amount=1))
    before.store.close()
    after = Desk(file=file)
    assert after.run(request(amount=1)).headers == {"Idempotent-Replayed": "true"}
    assert after.done == 0
    after.store.close()


def test_a_server_without_idempotency_repeats_the_work(desk: Desk) -> None:
    desk.keys = Forgetful(desk.store)
    assert [desk.run(request(amount=1)).body for _ in range(2)] == [{"done": 1}, {"done": 2}]
    with pytest.raises(BadRequest):
        desk.run(request(key=""))
