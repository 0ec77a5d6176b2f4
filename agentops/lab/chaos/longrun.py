"""The soak: the full stack under load, with every killable process killed at random, for as long as requested."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentops.lab.chaos import figures, posting
from agentops.lab.chaos.kills import Kills, Victim, restart
from agentops.lab.chaos.ours import Ours, prepared
from agentops.lab.chaos.outside import Outside
from agentops.lab.chaos.proxy import Proxy
from agentops.lab.chaos.race import at_rest, read_books, resting
from agentops.management import intake
from agentops.management.progress import Progress

TICKETS_A_SECOND = 1.0
WORKER_SECONDS, SERVER_SECONDS, NEVER = (3.0, 10.0), (5.0, 40.0), (1e9, 1e9)
# After the kills, leases, backoffs and the provider's quiet time have to expire.
DRAIN_SECONDS = 180.0


@dataclass(frozen=True)
class Soaked:
    """`killed`: SIGKILLs by victim. `spoilt`: pieces of streams that the network lost."""

    figures: figures.Figures
    minutes: float
    killed: dict[str, int]
    spoilt: int
    drained_seconds: float

    @property
    def proves_nothing(self) -> str:
        """Return why the run proves nothing; empty if it does."""
        if not self.figures.tickets:
            return "no ticket was posted"
        return "" if self.killed else "no process was killed"

    def as_dict(self) -> dict[str, Any]:
        details = {"minutes": self.minutes, "killed": self.killed, "network_faults": self.spoilt}
        return details | {"drained_seconds": round(self.drained_seconds, 1)} | self.figures.as_dict()


def run(folder: Path, *, minutes: float, seed: int, progress: Progress) -> Soaked:
    """Run the soak, always on servers of its own, because they are killed."""
    with prepared(folder, durable=True) as ours:
        outside = Outside(folder, ours.supervisor, tickets=int(minutes * 60 * TICKETS_A_SECOND) + 1, seed=seed)
        proxy = Proxy(outside.url, seed=seed)
        ours.start(providers=proxy.url, database=None)
        api = intake.Intake(ours.url, ours.intake_secret)
        victims = victims_of(ours)
        kills = Kills(list(victims.values()), seed)
        poster = posting.Poster(api, outside.tickets, seconds=1 / TICKETS_A_SECOND)

        def show(title: str, passed: float, whole: float, *, last: bool = False) -> None:
            killed = ", ".join(f"{name} {victim.killed}" for name, victim in victims.items() if victim.killed)
            note = f"s, {resting(ours.progress())} of {len(poster.started)} tickets at rest; killed: {killed or 'none'}"
            progress.show(title, int(passed), int(whole), note, last=last)

        def soak(passed: float) -> None:
            kills.tick()
            show("soak", passed, minutes * 60)

        def drain(passed: float) -> None:
            kills.heal()
            show("drain", passed, DRAIN_SECONDS)

        until(minutes * 60, lambda: False, soak)
        show("soak", minutes * 60, minutes * 60, last=True)
        poster.stop()
        proxy.calm = True  # what is still in progress after this is our fault, not the network's
        drained = until(DRAIN_SECONDS, lambda: poster.done and at_rest(ours.progress(), len(poster.posted)), drain)
        show("drain", drained, DRAIN_SECONDS, last=True)
        books = read_books(ours, outside, api, poster.posted, wanted=poster.started)
        proxy.close()
        killed = {name: victim.killed for name, victim in victims.items() if victim.killed}
        return Soaked(books, minutes, killed, proxy.spoilt, drained)


def victims_of(ours: Ours) -> dict[str, Victim]:
    """Return the processes to kill, by name."""
    # A PostgreSQL that starts while its predecessor's shared memory still exists exits at once, and is started again.
    again = restart(ours.supervisor)
    return {
        "workers": Victim(ours.workers, WORKER_SECONDS, again),
        "postgres": Victim([ours.database], SERVER_SECONDS, again),
        "valkey": Victim([ours.broker], SERVER_SECONDS, again),
        "web": Victim([ours.web], NEVER, again),
        "office": Victim([ours.office], NEVER, again),
    }


def until(seconds: float, over: Callable[[], bool], each: Callable[[float], None]) -> float:
    """Call `each` with the seconds passed, until `over` or the time is up. Returns the seconds that took."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds and not over():
        each(passed)
        time.sleep(0.2)
    return passed
