"""One run of this system over many tickets, its workers killed one after the other."""

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
    """The figures of all tickets through this system."""
    with database_on(os.environ.get("DATABASE_URL")) as database, prepared(folder) as ours:
        outside = Outside(folder, ours.supervisor, tickets=tickets, seed=seed)
        ours.start(providers=outside.url, database=database)
        api = intake.Intake(ours.url, ours.intake_secret)
        poster = posting.Poster(api, outside.tickets)
        kills = Kills([Victim(ours.workers, every, restart(ours.supervisor), programs.takes_work)], seed)
        deadline = time.monotonic() + MOST_SECONDS
        while not (poster.done and at_rest(ours.standing(), len(poster.posted))) and time.monotonic() < deadline:
            kills.tick()
            progress.show("ours", resting(ours.standing()), tickets, f"killed {kills.killed} times")
            time.sleep(0.2)
        progress.show("ours", resting(ours.standing()), tickets, f"killed {kills.killed} times", last=True)
        wanted = [ticket["external_id"] for ticket in outside.tickets]
        return read_books(ours, outside, api, poster.posted, wanted=wanted)


def resting(standing: dict[str, Any]) -> int:
    """How many tickets are answered or with a person."""
    return sum(standing.get("tickets", {}).get(status, 0) for status in RESTING)


def at_rest(standing: dict[str, Any], tickets: int) -> bool:
    """Whether that is all of them, and nothing is under way."""
    return resting(standing) >= tickets and standing.get("under_way") == 0


def read_books(
    ours: Ours, outside: Outside, api: intake.Intake, posted: Iterable[intake.Posted], *, wanted: Iterable[str]
) -> figures.Figures:
    """What the providers' books say now of the tickets that were `wanted`, by external id, `posted` or not. A second
    delivery that a provider recognised is a duplicate absorbed."""
    outside.calm_down()
    again = sum(reply["deliveries"] - 1 for reply in outside.replies())
    ends = dict.fromkeys(wanted, figures.NOWHERE) | posting.ends(api, posted)
    return figures.read(outside, ends, absorbed=ours.standing().get("absorbed", 0) + again)
