"""Exactly once, whatever dies where: processes are killed at every boundary, under every fault, and what survives goes
on; then the provider's ledger and the help desk's inbox are read.

`CRASH_CASES=all` plays every boundary x fault x attempt x race: of each story one process after the other dies, at one
boundary after the other, and where nobody came a story is played for that place alone. `pairs` plays every boundary x
fault with one death to a story, where the attempt and the race take turns. Otherwise each boundary is played at least
once, and the other three take turns.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from tests.crash.cases import ALONE, EVERYTHING, FAULTS, OVERTAKEN, PAIRS, SCENARIOS, TWIN, Case, Fault, Scenario
from tests.crash.checks import SORTS, Finding, check
from tests.crash.conftest import Numbers
from tests.crash.harness import Harness, Played
from tests.crash.registry import REGISTERED, SCHEDULES_ALONE, SWEEP_ALONE

BATCH = 600
ATTEMPTS = (1, 2)
RACES = (ALONE, TWIN)
# At most so many places at which one story's processes die; twins may both die at one, and more often.
DEATHS = {ALONE: 5, TWIN: 3}
LAST_TRIES = 3  # stories for one place alone
MISSED_TRIES = 8  # rounds of stories for boundaries at which nobody has died yet


Combination = tuple[str, str, int, str]  # boundary, fault, attempt, race
# Which scenarios pass a boundary under a fault; boundaries in the order in which they are come to.
Passes = dict[tuple[str, str], list[Scenario]]


@dataclass
class Tally:
    """What was tried, who passed where, and what was found. `died`: the combinations in which a process died; `once`:
    those of a second attempt at which one did and whoever took it up came by no more."""

    cases: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    passes: Passes = field(default_factory=lambda: defaultdict(list))
    found: dict[Case, list[Finding]] = field(default_factory=dict)
    of_sweeps: list[str] = field(default_factory=list)
    died: set[Combination] = field(default_factory=set)
    once: set[Combination] = field(default_factory=set)
    wanted: set[Combination] = field(default_factory=set)

    def play(self, cases: Iterable[Case], harness: Harness) -> None:
        for batch in itertools.batched(cases, BATCH):
            played = harness.play(batch)
            self.add(batch, played, check(batch, played, harness.simulator))

    def add(self, batch: Sequence[Case], played: Played, found: dict[Case, list[Finding]]) -> None:
        self.cases += len(batch)
        self.seen.update(itertools.chain.from_iterable(played.passed.values()))
        self.kills.update(itertools.chain.from_iterable(played.died.values()))
        self.found |= found
        self.of_sweeps += played.troubles.get("", [])
        for case in batch:
            for boundary in dict.fromkeys(played.passed[case.name]):
                if case.scenario not in self.passes[boundary, case.fault.name]:
                    self.passes[boundary, case.fault.name].append(case.scenario)
            for boundary, deaths in Counter(played.died[case.name]).items():
                # What dies once and is then taken up dies at its first attempt; what dies there again, at its second.
                self.died.add((boundary, case.fault.name, min(deaths, case.attempt), case.race))
                if deaths < case.attempt:
                    self.once.add((boundary, case.fault.name, case.attempt, case.race))

    def line(self) -> str:
        sorts = Counter(sort for findings in self.found.values() for sort, _ in findings)
        boundaries, faults = {row[0] for row in self.died}, {row[1] for row in self.died}
        zeroes = ", ".join(f"{sort} {sorts[sort]}" for sort in SORTS)
        return (
            f"crash: {len(boundaries)} boundaries x {len(faults)} faults x {len(ATTEMPTS)} attempts x {len(RACES)} "
            f"races: {len(self.died)} combinations in which a process died{self._rest()}, {self.cases} stories, "
            f"{sum(self.kills.values())} SIGKILLs; {zeroes}"
        )

    def _rest(self) -> str:
        rest = self.wanted - self.died
        return f" ({len(rest)} that nobody comes to)" if rest else ""


@pytest.fixture(scope="module")
def tally(harness: Harness, numbers: Numbers, record_crash_line: list[str]) -> Tally:
    """Everything played: first without a death, to see who passes where."""
    tally = Tally()
    for pairs in without_a_death():
        dry = [numbers.case(scenario, fault) for scenario, fault in pairs]
        played = harness.play(dry)
        tally.add(dry, played, check(dry, played, harness.simulator))
        if {boundary for boundary, _ in tally.passes} >= REGISTERED - SCHEDULES_ALONE - SWEEP_ALONE:
            break
    passes = deepcopy(tally.passes)
    if EVERYTHING:
        tally.wanted = {(*place, attempt, race) for place in passes for attempt in ATTEMPTS for race in RACES}
        tally.play(chains(passes, numbers), harness)
        tally.play(overtaken(passes, numbers), harness)
        for turn in range(LAST_TRIES):
            left = tally.wanted - tally.died - tally.once
            tally.play(alone(left, passes, numbers, turn), harness)
    else:
        tally.play(chosen(passes, numbers), harness)
        for _ in range(MISSED_TRIES):
            tally.play(missed(deepcopy(tally.passes), numbers, tally), harness)
    record_crash_line.append(tally.line())
    return tally


def without_a_death() -> Iterator[list[tuple[Scenario, Fault]]]:
    """Every scenario under every fault. Of the sample first each without one, and three of the plain ones under each;
    then, as long as there is a boundary that none of their processes came by, the others."""
    everything = list(itertools.product(SCENARIOS.values(), FAULTS.values()))
    if EVERYTHING or PAIRS:
        yield everything
        return
    plain = [scenario for scenario in SCENARIOS.values() if not scenario.also]
    first = [(scenario, FAULTS["none"]) for scenario in SCENARIOS.values()]
    for place, fault in enumerate(list(FAULTS.values())[1:]):
        first += [(plain[(place + turn) % len(plain)], fault) for turn in range(3)]
    rest = [pair for pair in everything if pair not in first]
    yield first
    yield [pair for pair in rest if pair[0] in plain]
    yield [pair for pair in rest if pair[0] not in plain]


def chains(passes: Passes, numbers: Numbers) -> Iterator[Case]:
    """Every boundary x fault x attempt x race. Each boundary in one of the scenarios that pass it under the fault, and
    those of one scenario in stories of a few deaths, which lie as far apart as can be: a step or an effect at which
    too many die is given up, as it should be."""
    for fault in FAULTS.values():
        for turn, (attempt, race) in enumerate(itertools.product(ATTEMPTS, RACES)):
            for scenario, boundaries in _shared_out(passes, fault, turn).items():
                stories = max(2, -(-len(boundaries) // DEATHS[race]))
                for place in range(min(stories, len(boundaries))):
                    deaths = tuple(boundaries[place::stories])
                    yield numbers.case(scenario, fault, deaths=deaths, attempt=attempt, race=race)


def _shared_out(passes: Passes, fault: Fault, turn: int) -> dict[Scenario, list[str]]:
    shares: dict[Scenario, list[str]] = defaultdict(list)
    for place, ((boundary, name), scenarios) in enumerate(passes.items()):
        if name == fault.name:
            shares[scenarios[(place + turn) % len(scenarios)]].append(boundary)
    return shares


def alone(left: Iterable[Combination], passes: Passes, numbers: Numbers, turn: int) -> Iterator[Case]:
    """A story for each of these combinations."""
    for boundary, fault, attempt, race in sorted(left):
        yield _case(numbers, boundary, FAULTS[fault], passes, turn, attempt, race)


def chosen(passes: Passes, numbers: Numbers) -> Iterator[Case]:
    """Of the pairs or the sample, one death to a story; each boundary in a scenario that passes it under the fault."""
    boundaries = sorted({boundary for boundary, _ in passes})
    combinations = list(itertools.product(ATTEMPTS, RACES))
    for place, boundary in enumerate(boundaries):
        faults = [fault for fault in FAULTS.values() if passes[boundary, fault.name]]
        if not PAIRS:  # the fault takes turns, and every second time the attempt and the race as well
            faults = [faults[place % len(faults)], *([faults[-1 - place % len(faults)]] if place % 2 else [])]
        for turn, fault in enumerate(faults):
            attempt, race = combinations[(place + turn) % len(combinations)]
            yield _case(numbers, boundary, fault, passes, place + turn + attempt, attempt, race)
    yield from overtaken(passes, numbers)


def missed(passes: Passes, numbers: Numbers, tally: Tally) -> Iterator[Case]:
    """Where nobody has died yet, since the victim came another way this time: under every fault that leads there."""
    for boundary, fault in sorted(passes):
        if boundary not in tally.kills:
            for turn in range(len(passes[boundary, fault])):
                yield _case(numbers, boundary, FAULTS[fault], passes, turn, 1, ALONE)


def overtaken(passes: Passes, numbers: Numbers) -> Iterator[Case]:
    """A process that stands still for longer than its lease and then goes on, where it holds no transaction."""
    boundaries = sorted({boundary for boundary, _ in passes})
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
    return numbers.case(scenario, fault, deaths=(boundary,), attempt=attempt, race=race)


def test_no_sweep_ran_into_trouble(tally: Tally) -> None:
    assert tally.of_sweeps == []


def test_nothing_is_done_twice_lost_stuck_or_invented(tally: Tally) -> None:
    assert not tally.found, "\n".join(f"{case}: {findings}" for case, findings in tally.found.items())


def test_every_boundary_is_registered(tally: Tally) -> None:
    assert sorted(tally.seen - REGISTERED) == []


def test_every_registered_boundary_is_passed(tally: Tally) -> None:
    assert sorted(REGISTERED - SCHEDULES_ALONE - tally.seen) == []


def test_a_process_died_at_every_boundary(tally: Tally) -> None:
    assert sorted(REGISTERED - SCHEDULES_ALONE - set(tally.kills)) == []
