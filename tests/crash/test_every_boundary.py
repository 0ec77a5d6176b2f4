"""Exactly once, whatever dies where: a process is killed at every boundary, under every fault, and what survives
goes on; then the provider's ledger and the help desk's inbox are read.

`CRASH_CASES=pairs` plays every boundary x fault, where the attempt and the race take turns; `all` plays every boundary
x fault x attempt x race. Otherwise each boundary is played at least once, and the other three take turns.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.crash.cases import ALONE, EVERYTHING, FAULTS, OVERTAKEN, PAIRS, SCENARIOS, TWIN, Case, Fault, Scenario
from tests.crash.checks import SORTS, Finding, check
from tests.crash.conftest import Numbers
from tests.crash.harness import Harness, Played
from tests.crash.registry import REGISTERED, SCHEDULES_ALONE, SWEEP_ALONE

BATCH = 600
ATTEMPTS = (1, 2)


@dataclass
class Tally:
    """What was tried, and what was found."""

    cases: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    found: dict[Case, list[Finding]] = field(default_factory=dict)
    tried: set[tuple[str, str, int, str]] = field(default_factory=set)

    def add(self, batch: Sequence[Case], played: Played, found: dict[Case, list[Finding]]) -> None:
        self.cases += len(batch)
        self.kills.update(played.killed)
        self.seen.update(itertools.chain.from_iterable(played.passed.values()))
        self.found |= found
        self.tried |= {(case.boundary, case.fault.name, case.attempt, case.race) for case in batch if case.boundary}

    def line(self) -> str:
        sorts = Counter(sort for findings in self.found.values() for sort, _ in findings)
        boundaries, faults = {row[0] for row in self.tried}, {row[1] for row in self.tried}
        zeroes = ", ".join(f"{sort} {sorts[sort]}" for sort in SORTS)
        return (
            f"crash: {len(boundaries)} boundaries x {len(faults)} faults x {len(ATTEMPTS)} attempts: "
            f"{self.cases} cases ({len(self.tried)} combinations), {sum(self.kills.values())} SIGKILLs; {zeroes}"
        )


@pytest.fixture(scope="module")
def tally(harness: Harness, numbers: Numbers, record_crash_line: list[str]) -> Tally:
    """Everything played: first without a death, to see who passes where."""
    tally = Tally()
    dry = [numbers.case(scenario, fault) for scenario, fault in without_a_death()]
    played = harness.play(dry)
    tally.add(dry, played, check(dry, played, harness.simulator))
    passes = who_passes(dry, played)
    for cases in (chosen(passes, numbers), missed(passes, numbers, tally)):
        for batch in itertools.batched(cases, BATCH):
            played = harness.play(batch)
            tally.add(batch, played, check(batch, played, harness.simulator))
    record_crash_line.append(tally.line())
    return tally


def without_a_death() -> Iterator[tuple[Scenario, Fault]]:
    """Every scenario under every fault; in the sample each fault with two scenarios, and each scenario without one."""
    scenarios = list(SCENARIOS.values())
    for place, fault in enumerate(FAULTS.values()):
        for turn, scenario in enumerate(scenarios):
            if EVERYTHING or PAIRS or fault.name == "none" or (turn - place) % len(scenarios) < 2:
                yield scenario, fault


Passes = dict[tuple[str, str], list[Scenario]]


def who_passes(dry: Sequence[Case], played: Played) -> Passes:
    """Which scenarios pass a boundary under a fault."""
    passes: Passes = defaultdict(list)
    for case in dry:
        for boundary in sorted(set(played.passed[case.name])):
            passes[boundary, case.fault.name].append(case.scenario)
    return passes


def chosen(passes: Passes, numbers: Numbers) -> Iterator[Case]:
    """The cases to play; each boundary in a scenario that passes it under the fault."""
    boundaries = sorted({boundary for boundary, _ in passes})
    combinations = list(itertools.product(ATTEMPTS, (ALONE, TWIN)))
    for place, boundary in enumerate(boundaries):
        faults = [fault for fault in FAULTS.values() if passes[boundary, fault.name]]
        if not (EVERYTHING or PAIRS):  # the fault takes turns, and every second time the attempt and the race as well
            faults = [faults[place % len(faults)], *([faults[-1 - place % len(faults)]] if place % 2 else [])]
        for turn, fault in enumerate(faults):
            for attempt, race in combinations if EVERYTHING else [combinations[(place + turn) % len(combinations)]]:
                yield _case(numbers, boundary, fault, passes, place + turn + attempt, attempt, race)
    yield from overtaken(boundaries, passes, numbers)


def missed(passes: Passes, numbers: Numbers, tally: Tally) -> Iterator[Case]:
    """Where nobody has died yet, since the victim came another way this time: under every fault that leads there."""
    for boundary, fault in sorted(passes):
        if boundary not in tally.kills:
            for turn in range(len(passes[boundary, fault])):
                yield _case(numbers, boundary, FAULTS[fault], passes, turn, 1, ALONE)


def overtaken(boundaries: Sequence[str], passes: Passes, numbers: Numbers) -> Iterator[Case]:
    """A process that stands still for longer than its lease and then goes on, where it holds no transaction."""
    free = [boundary for boundary in boundaries if not boundary.endswith("commit before")]
    for place, boundary in enumerate(free if EVERYTHING else free[::2] if PAIRS else free[::5]):
        for fault in (FAULTS["none"], FAULTS["lost_answer"]):
            if passes[boundary, fault.name]:
                yield _case(numbers, boundary, fault, passes, place, 1, OVERTAKEN)


def _case(
    numbers: Numbers,
    boundary: str,
    fault: Fault,
    passes: Passes,
    turn: int,
    attempt: int,
    race: str,
) -> Case:
    scenarios = passes[boundary, fault.name]
    scenario = scenarios[turn % len(scenarios)]
    return numbers.case(scenario, fault, boundary=boundary, attempt=attempt, race=race)


def test_nothing_is_done_twice_lost_stuck_or_invented(tally: Tally) -> None:
    assert not tally.found, "\n".join(f"{case}: {findings}" for case, findings in tally.found.items())


def test_every_boundary_is_registered(tally: Tally) -> None:
    assert sorted(tally.seen - REGISTERED) == []


def test_every_registered_boundary_is_passed(tally: Tally) -> None:
    assert sorted(REGISTERED - SCHEDULES_ALONE - tally.seen) == []


def test_a_process_died_at_every_boundary(tally: Tally) -> None:
    assert sorted(REGISTERED - SWEEP_ALONE - SCHEDULES_ALONE - set(tally.kills)) == []
