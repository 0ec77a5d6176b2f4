"""A world for one evaluation: simulator, database, workers. It is started, and discarded whatever happens."""

import json
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from agentops.lab.chaos.ours import Ours, database_on, prepared
from agentops.lab.evaluation.entries import Entry, Set
from agentops.lab.evaluation.models import Chosen
from agentops.lab.evaluation.observed import MOVING, Ticket
from agentops.lab.local import programs
from agentops.management import intake
from agentops.management.progress import Progress

INSIDE = "agentops.lab.evaluation.inside"
MODEL_LATENCY_SECONDS = "0.02"
QUIET_SECONDS = 240.0  # without a finished ticket; the remaining ones then count as moving


@dataclass(frozen=True)
class Happened:
    """The tickets by name, the providers' records (GET /ledger, GET /replies), and how long the tickets took,
    without starting the world."""

    tickets: dict[str, Ticket]
    ledger: dict[str, Any]
    replies: list[dict[str, Any]]
    seconds: float


def run(folder: Path, given: Set, chosen: Chosen, *, at_once: int, progress: Progress) -> Happened:
    """Run all tickets through this system. Raises LocalError or ProviderError."""
    with database_on(os.environ.get("DATABASE_URL")) as database, prepared(folder, office=INSIDE) as ours:
        progress.show("evaluate", 0, len(given.entries), "tickets, starting")
        given.shop.save(folder / "shop")
        (folder / "rules.json").write_text(given.shop.rules.model_dump_json())
        url = _simulator(folder, ours, chosen)
        ours.start(providers=url, database=database, settings=chosen.settings)
        started = time.monotonic()
        tickets = _work(ours, Resting(folder / "rest.jsonl"), given.entries, at_once, progress)
        seconds = time.monotonic() - started
        with httpx2.Client(base_url=url, timeout=30) as books:
            ledger = books.get("/ledger").raise_for_status().json()
            replies = books.get("/replies").raise_for_status().json()["replies"]
        return Happened(tickets, ledger, replies, seconds)


@dataclass
class Resting:
    """Read the lines that `inside` writes, each once."""

    file: Path
    _read: int = 0

    def new(self) -> list[Ticket]:
        if not self.file.exists():
            return []
        with self.file.open("rb") as lines:
            lines.seek(self._read)
            whole = [line for line in lines if line.endswith(b"\n")]
        self._read += sum(map(len, whole))
        return [Ticket.of(json.loads(line)) for line in whole]


def _simulator(folder: Path, ours: Ours, chosen: Chosen) -> str:
    """Its payments support idempotency keys and check nothing else: only our own checks stand between model and
    money."""
    faults = folder / "faults.json"
    faults.write_text(json.dumps(chosen.faults()))
    options = ["--data", str(folder / "shop"), "--faults", str(faults), "--trusting"]
    options += ["--model-latency", MODEL_LATENCY_SECONDS]
    return programs.simulator_url(ours.supervisor.start(programs.simulator(dict(os.environ), *options)))


def _work(
    ours: Ours, resting: Resting, entries: Iterable[Entry], at_once: int, progress: Progress
) -> dict[str, Ticket]:
    """Posts this many at a time. A customer's tickets are posted one after the other, so that totals are the same in
    every run."""
    waiting, under_way = deque(entries), dict[str, Entry]()
    posted, done, whole = dict[str, intake.Posted](), dict[str, Ticket](), len(waiting)
    api = intake.Intake(ours.url, ours.intake_secret)
    quiet_since = time.monotonic()
    while (waiting or under_way) and time.monotonic() - quiet_since < QUIET_SECONDS:
        while len(under_way) < at_once and (entry := _next(waiting, under_way)):
            posted[entry.name] = api.post(entry.ticket)
            under_way[entry.name] = entry
        for ticket in resting.new():
            del under_way[ticket.name]
            done[ticket.name] = ticket
            quiet_since = time.monotonic()
        ours.supervisor.heal()
        progress.show("evaluate", len(done), whole, _note(under_way))
        time.sleep(0.1)
    progress.show("evaluate", len(done), whole, "tickets", last=True)
    moving = {name: Ticket(name, each.ticket_id, MOVING) for name, each in posted.items() if name not in done}
    return done | moving


def _next(waiting: deque[Entry], under_way: dict[str, Entry]) -> Entry | None:
    """Return the first ticket whose customer has none in progress."""
    busy = {entry.ticket.customer_email.lower() for entry in under_way.values()}
    for entry in waiting:
        if entry.ticket.customer_email.lower() not in busy:
            waiting.remove(entry)
            return entry
    return None


def _note(under_way: dict[str, Entry]) -> str:
    return next(iter(under_way), "")
