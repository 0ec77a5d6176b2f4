"""Random schedules: at least three processes of every seed are killed, at random boundaries and moments, under random
faults, while people decide, contradict each other and let requests expire. Then the ledger is checked.

`CRASH_SEED=1234` plays only that seed, `CRASH_SCHEDULES=500` that many from it, or from the first one.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.crash import plans
from tests.crash.checks import SORTS, Finding
from tests.crash.conftest import playing
from tests.crash.plans import LEAST_KILLS, Schedule
from tests.crash.registry import OUTSIDE, REGISTERED, SCHEDULES_ALONE
from tests.crash.schedules import Played, Player
from tests.crash.verdicts import judge

SEED = int(os.environ.get("CRASH_SEED", "0"))
COUNT = int(os.environ.get("CRASH_SCHEDULES", "1" if SEED else "2000"))
SEEDS = range(max(SEED, 1), max(SEED, 1) + COUNT)
AGAIN = "CRASH_SEED={} .venv/bin/python -m pytest tests/crash/test_schedules.py"
ENOUGH = 100
# The share that may be given up and handed to a person: only after many deaths and faults at one place.
MOST_GIVEN_UP = 0.02


@dataclass
class Outcome:
    planned: list[Schedule]
    played: list[Played]
    found: dict[Schedule, list[Finding]]
    given_up: list[Schedule]
    seconds: float

    @property
    def passed(self) -> set[str]:
        return set().union(*(one.passed for one in self.played))

    def line(self) -> str:
        kills, idle = sum(one.kills for one in self.played), sum(one.idle for one in self.played)
        places = {place for one in self.played for place in one.killed}
        sorts = [sort for findings in self.found.values() for sort, _ in findings]
        zeroes = ", ".join(f"{sort} {sorts.count(sort)}" for sort in SORTS)
        return (
            f"schedules: {len(self.planned)} seeds, {kills} SIGKILLs ({idle} with nothing left to do) at "
            f"{len(places)} places in {self.seconds:.0f} s; {zeroes}; given up to a person {len(self.given_up)}"
        )


@pytest.fixture(scope="module")
def player(live_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    with playing(live_database, tmp_path_factory.mktemp("schedules"), SEEDS) as player:
        yield player


@pytest.fixture(scope="module")
def outcome(player: Player, record_crash_line: list[str]) -> Outcome:
    planned = [plans.plan(seed) for seed in SEEDS]
    began = time.monotonic()
    played = player.play(planned)
    found, given_up = judge(planned, played, player.simulator)
    outcome = Outcome(planned, played, found, given_up, time.monotonic() - began)
    record_crash_line.append(outcome.line())
    return outcome


def test_everything_happens_once_despite_random_deaths(outcome: Outcome) -> None:
    assert not outcome.found, "\n".join(
        f"{schedule}\n  {findings}\n  again: {AGAIN.format(schedule.seed)}"
        for schedule, findings in outcome.found.items()
    )


def test_every_schedule_killed_three_processes(outcome: Outcome) -> None:
    assert [
        one.seed for one, seen in zip(outcome.planned, outcome.played, strict=True) if seen.kills < LEAST_KILLS
    ] == []


def test_every_boundary_passed_by_schedules_is_registered(outcome: Outcome) -> None:
    assert sorted(outcome.passed - REGISTERED - OUTSIDE) == []


@pytest.mark.skipif(COUNT < ENOUGH, reason="So few schedules need not come by everywhere.")
def test_schedules_pass_the_boundaries_left_by_the_enumeration(outcome: Outcome) -> None:
    assert sorted(SCHEDULES_ALONE - outcome.passed) == []


def test_almost_nothing_is_given_up(outcome: Outcome) -> None:
    assert len(outcome.given_up) <= max(1, MOST_GIVEN_UP * len(outcome.planned)), [str(one) for one in outcome.given_up]
