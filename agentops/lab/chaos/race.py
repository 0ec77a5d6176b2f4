"""One run of this system over many tickets, with its workers killed one after the other."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agentops.lab.chaos import figures, posting
from agentops.lab.chaos.kills import Kills, Victim, restart
from agentops.lab.chaos.ours import Ours, database_on, prepared
from agentops.lab.chaos.outside import Outside
from agentops.lab.local import programs
from agentops.management import intake
from agentops.management.progress import Progress

MOST_SECONDS = 600
RESTING = ("answered", "needs_person", "closed")


def run(folder: Path, *, tickets: int, seed: int, every: tuple[float, float], progress: Progress) -> figures.Figures:
    """Run all tickets through this system and return the figures."""
    with database_on(os.environ.get("DATABASE_URL")) as database, prepared(folder) as ours:
        outside = Outside(folder, ours.supervisor, tickets=tickets, seed=seed)
        ours.start(providers=outside.url, database=database)
        api = intake.Intake(ours.url, ours.intake_secret)
        poster = posting.Poster(api, outside.tickets)
        kills = Kills([Victim(ours.workers, every, restart(ours.supervisor), programs.takes_work)], seed)
        deadline = time.monotonic() + MOST_SECONDS
        while not (poster.done and at_rest(ours.progress(), len(poster.posted))) and time.monotonic() < deadline:
            kills.tick()
            progress.show("ours", resting(ours.progress()), tickets, f"tickets, kills: {kills.killed}")
            time.sleep(0.2)
        progress.show("ours", resting(ours.progress()), tickets, f"tickets, kills: {kills.killed}", last=True)
        wanted = [ticket["external_id"] for ticket in outside.tickets]
        return read_books(ours, outside, api, poster.posted, wanted=wanted)


def resting(status: dict[str, Any]) -> int:
    """Return the number of tickets that are answered or with a person."""
    return sum(status.get("tickets", {}).get(name, 0) for name in RESTING)


def at_rest(status: dict[str, Any], tickets: int) -> bool:
    """Return whether all tickets are at rest and no action is in progress."""
    return resting(status) >= tickets and status.get("under_way") == 0


def read_books(
    ours: Ours, outside: Outside, api: intake.Intake, posted: Iterable[intake.Posted], *, wanted: Iterable[str]
) -> figures.Figures:
    """Read the figures of all `wanted` tickets (external ids) from the providers' records, `posted` or not. A second
    delivery that a provider recognised counts as an absorbed duplicate."""
    outside.calm_down()
    again = sum(reply["deliveries"] - 1 for reply in outside.replies())
    ends = dict.fromkeys(wanted, figures.NOWHERE) | posting.ends(api, posted)
    return figures.read(outside, ends, absorbed=ours.progress().get("absorbed", 0) + again)
