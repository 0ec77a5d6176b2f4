"""Exactly once, whatever dies where: processes are killed at every boundary, under every fault, and the survivors
finish; then the provider's ledger and the help desk's inbox are checked.

The full set is every boundary x fault x attempt x race. In each story one process after the other dies, at one
boundary after the other; combinations that no process reached get a story of their own. `CRASH_PART=3/20` plays the
third of twenty parts of these stories, and at least one story of every boundary outside it.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from tests.crash.cases import ALONE, FAULTS, OVERTAKEN, PART, PARTS, SCENARIOS, TWIN, Case, Fault, Scenario
from tests.crash.checks import SORTS, Finding, check
from tests.crash.conftest import Numbers
from tests.crash.harness import Harness, Played
from tests.crash.registry import FAILURES_ALONE, REGISTERED, SCHEDULES_ALONE, SWEEP_ALONE

BATCH = 300
ATTEMPTS = (1, 2)
RACES = (ALONE, TWIN)
# The maximum number of places at which processes of one story die. Twins may both die at one, and more often.
DEATHS = {ALONE: 5, TWIN: 3}
LAST_TRIES = 3  # stories for a single place
DRY_ROUNDS = 3  # at most, until every boundary was passed
MISSED_TRIES = 8  # rounds of stories for boundaries at which nothing has died yet
FAULTS_A_TURN = 3
MOST_LEFT = 0.15  # share of the wanted combinations, by attempt and race: twins may diverge at another place


Combination = tuple[str, str, int, str]  # boundary, fault, attempt, race
# Which scenarios pass a boundary under a fault; boundaries in the order in which they are reached.
Passes = dict[tuple[str, str], list[Scenario]]


@dataclass
class Tally:
    """What was tried, what passed where, and what was found. `wanted`: combinations in which a process should die.
    `died`: those in which one did. `once`: second attempts at which one did and its successor did not pass again."""

    harness: Harness
    numbers: Numbers
    show: Callable[[str], None]
    cases: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    passes: Passes = field(default_factory=lambda: defaultdict(list))
    found: dict[Case, list[Finding]] = field(default_factory=dict)
    of_sweeps: list[str] = field(default_factory=list)
    wanted: set[Combination] = field(default_factory=set)
    died: set[Combination] = field(default_factory=set)
    once: set[Combination] = field(default_factory=set)

    @property
    def left(self) -> set[Combination]:
        return self.wanted - self.died - self.once

    def play(self, cases: Iterable[Case]) -> None:
        for some in itertools.batched(cases, BATCH):
            batch = list(map(self.numbers.give, some))
            played = self.harness.play(batch)
            found = check(batch, played, self.harness.simulator)
            self.add(batch, played, found)
            for case, findings in found.items():
                self.show(f"{case}: {findings}")
            self.show(self.line())

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
                # A process that dies once dies at its first attempt; its successor dies there at the second.
                self.died.add((boundary, case.fault.name, min(deaths, case.attempt), case.race))
                if deaths < case.attempt:
                    self.once.add((boundary, case.fault.name, case.attempt, case.race))

    def line(self) -> str:
        sorts = Counter(sort for findings in self.found.values() for sort, _ in findings)
        boundaries, faults = {row[0] for row in self.died}, {row[1] for row in self.died}
        zeroes = ", ".join(f"{sort} {sorts[sort]}" for sort in SORTS)
        return (
            f"crash: {len(boundaries)} boundaries x {len(faults)} faults x {len(ATTEMPTS)} attempts x {len(RACES)} "
            f"races: {len(self.died)} combinations in which a process died, {self.cases} stories, "
            f"{sum(self.kills.values())} SIGKILLs; {zeroes}. Of {len(self.wanted)} combinations that were wanted "
            f"{len((self.wanted - self.died) & self.once)} end with the first attempt, {len(self.left)} nobody came to"
        )


@pytest.fixture(scope="module")
def tally(harness: Harness, numbers: Numbers, show: Callable[[str], None], record_crash_line: list[str]) -> Tally:
    """Everything played, first without a death, to see what passes where."""
    tally = Tally(harness, numbers, show)
    for _ in range(DRY_ROUNDS):
        tally.play(itertools.starmap(Case, itertools.product(SCENARIOS.values(), FAULTS.values())))
        if tally.seen >= REGISTERED - SCHEDULES_ALONE - SWEEP_ALONE - FAILURES_ALONE:
            break
    passes = deepcopy(tally.passes)
    stories = [*chains(passes), *overtaken(passes)][PART - 1 :: PARTS]
    tally.wanted = set(itertools.chain.from_iterable(map(combinations, stories)))
    tally.play(stories)
    for turn in range(LAST_TRIES):
        tally.play(alone(tally.left, passes, turn))
    for turn in range(MISSED_TRIES):
        tally.play(missed(tally.passes, tally.kills, turn))
    record_crash_line.append(tally.line())
    return tally


def chains(passes: Passes) -> Iterator[Case]:
    """Build every boundary x fault x attempt x race. Each boundary is in one of the scenarios that pass it under the
    fault. A scenario's boundaries are spread over stories of a few deaths, as far apart as possible: a step or an
    effect at which too many processes die is given up, as it should be."""
    for fault in FAULTS.values():
        for turn, (attempt, race) in enumerate(itertools.product(ATTEMPTS, RACES)):
            for scenario, boundaries in _shared_out(passes, fault, turn).items():
                stories = max(2, -(-len(boundaries) // DEATHS[race]))
                for place in range(min(stories, len(boundaries))):
                    yield Case(scenario, fault, tuple(boundaries[place::stories]), attempt, race)


def _shared_out(passes: Passes, fault: Fault, turn: int) -> dict[Scenario, list[str]]:
    shares: dict[Scenario, list[str]] = defaultdict(list)
    for place, ((boundary, name), scenarios) in enumerate(passes.items()):
        if name == fault.name:
            shares[scenarios[(place + turn) % len(scenarios)]].append(boundary)
    return shares


def overtaken(passes: Passes) -> Iterator[Case]:
    """A process that is suspended for longer than its lease and then continues, outside a transaction."""
    boundaries = sorted({boundary for boundary, _ in passes if not boundary.endswith("commit before")})
    for place, boundary in enumerate(boundaries):
        for fault in (FAULTS["none"], FAULTS["lost_answer"]):
            if passes[boundary, fault.name]:
                yield _case(boundary, fault, passes, place, 1, OVERTAKEN)


def combinations(case: Case) -> list[Combination]:
    """Combinations in which the case's processes should die. An overtaken one is suspended instead."""
    deaths = case.deaths if case.race != OVERTAKEN else ()
    return [(boundary, case.fault.name, case.attempt, case.race) for boundary in deaths]


def alone(left: Iterable[Combination], passes: Passes, turn: int) -> Iterator[Case]:
    """Build a story for each of these combinations."""
    for boundary, fault, attempt, race in sorted(left):
        yield _case(boundary, FAULTS[fault], passes, turn, attempt, race)


def missed(passes: Passes, kills: Container[str], turn: int) -> Iterator[Case]:
    """Return the boundaries at which nothing has died yet, because the victim took another path, with the next few
    faults that lead there."""
    faults: dict[str, list[str]] = defaultdict(list)
    for boundary, fault in sorted(passes):
        if boundary not in kills:
            faults[boundary].append(fault)
    for boundary, names in faults.items():
        for place in range(turn * FAULTS_A_TURN, (turn + 1) * FAULTS_A_TURN):
            yield _case(boundary, FAULTS[names[place % len(names)]], passes, place // len(names), 1, ALONE)


def _case(boundary: str, fault: Fault, passes: Passes, turn: int, attempt: int, race: str) -> Case:
    scenarios = passes[boundary, fault.name]
    return Case(scenarios[turn % len(scenarios)], fault, (boundary,), attempt, race)


def test_no_sweep_had_an_unexpected_error(tally: Tally) -> None:
    assert tally.of_sweeps == []


def test_nothing_is_duplicated_lost_stuck_or_invented(tally: Tally) -> None:
    assert not tally.found, "\n".join(f"{case}: {findings}" for case, findings in tally.found.items())


def test_every_passed_boundary_is_registered(tally: Tally) -> None:
    assert sorted(tally.seen - REGISTERED) == []


def test_every_registered_boundary_is_passed(tally: Tally) -> None:
    assert sorted(REGISTERED - SCHEDULES_ALONE - FAILURES_ALONE - tally.seen) == []


def test_a_process_died_at_every_boundary(tally: Tally) -> None:
    assert sorted(REGISTERED - SCHEDULES_ALONE - FAILURES_ALONE - set(tally.kills)) == []


@pytest.mark.parametrize(("attempt", "race"), [*itertools.product(ATTEMPTS, RACES)])
def test_nearly_all_planned_deaths_happened(tally: Tally, attempt: int, race: str) -> None:
    wanted = [row for row in tally.wanted if row[2:] == (attempt, race)]
    left = [row for row in tally.left if row[2:] == (attempt, race)]
    assert len(left) <= MOST_LEFT * len(wanted), sorted(left)
