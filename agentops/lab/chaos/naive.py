"""The naive loop in its own world, killed and restarted as often as our workers."""

import json
import os
import sys
import time
from pathlib import Path

from agentops.lab.chaos import figures
from agentops.lab.chaos.kills import Kills, Victim, restart
from agentops.lab.chaos.outside import Outside
from agentops.lab.local.processes import Program, Supervisor
from agentops.lab.local.programs import ROOT
from agentops.management.progress import Progress

THREADS = 16
TIMEOUT_SECONDS = 2
MOST_SECONDS = 90


def run(folder: Path, *, tickets: int, seed: int, every: tuple[float, float], progress: Progress) -> figures.Figures:
    """Run all tickets through the naive loop and return the figures."""
    folder.mkdir(parents=True)
    supervisor = Supervisor(folder / "log")
    try:
        outside = Outside(folder, supervisor, tickets=tickets, seed=seed)
        done = folder / "done.jsonl"
        kills = Kills([Victim([supervisor.start(loop(folder, outside, done))], every, restart(supervisor))], seed)
        deadline = time.monotonic() + MOST_SECONDS
        while len(ends := read_ends(done)) < len(outside.tickets) and time.monotonic() < deadline:
            kills.tick()
            progress.show("naive", len(ends), len(outside.tickets), f"tickets, kills: {kills.killed}")
            time.sleep(0.2)
        progress.show("naive", len(ends), len(outside.tickets), f"tickets, kills: {kills.killed}", last=True)
        outside.calm_down()
        moving = {ticket["external_id"]: figures.End(figures.MOVING) for ticket in outside.tickets}
        return figures.read(outside, moving | ends, absorbed=0)
    finally:
        supervisor.stop()


def loop(folder: Path, outside: Outside, done: Path) -> Program:
    tickets = folder / "tickets.json"
    tickets.write_text(json.dumps(outside.tickets))
    command = [sys.executable, "-m", "agentops.lab.simulator.naive", "--url", outside.url, "--tickets", str(tickets)]
    command += ["--done", str(done), "--threads", str(THREADS), "--timeout", str(TIMEOUT_SECONDS)]
    return Program("naive", command, dict(os.environ), ROOT)


def read_ends(done: Path) -> dict[str, figures.End]:
    """Return how the finished tickets ended, by external id."""
    if not done.exists():
        return {}
    lines = done.read_text().splitlines(keepends=True)
    # A line without an end was being written when its process was killed.
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return {row["external_id"]: figures.End(row["outcome"]) for row in rows}
