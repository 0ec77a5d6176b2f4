"""Exactly once, whatever dies where: processes are killed at every boundary, under every fault, and what survives goes
on; then the provider's ledger and the help desk's inbox are read.

The whole is every boundary x fault x attempt x race: of each story one process after the other dies, at one boundary
after the other, and where nobody came a story is played for that place alone. `CRASH_PART=3/20` plays the third of
twenty parts of these stories, and of every boundary that is not in them at least one.
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
from tests.crash.registry import REGISTERED, SCHEDULES_ALONE, SWEEP_ALONE

BATCH = 300
ATTEMPTS = (1, 2)
RACES = (ALONE, TWIN)
# At most so many places at which one story's processes die; twins may both die at one, and more often.
DEATHS = {ALONE: 5, TWIN: 3}
LAST_TRIES = 3  # stories for one place alone
DRY_ROUNDS = 3  # at most, until every boundary was passed
MISSED_TRIES = 8  # rounds of stories for boundaries at which nobody has died yet
FAULTS_A_TURN = 3
MOST_LEFT = 0.15  # of the combinations that are wanted, by attempt and race: twins may part at another place


Combination = tuple[str, str, int, str]  # boundary, fault, attempt, race
# Which scenarios pass a boundary under a fault; boundaries in the order in which they are come to.
Passes = dict[tuple[str, str], list[Scenario]]


@dataclass
class Tally:
    """What was tried, who passed where, and what was found. `wanted`: the combinations that are to be died in; `died`:
    those in which a process died; `once`: those of a second attempt at which one did and whoever took it up came by
    no more."""

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
            f"races: {len(self.died)} combinations in which a process died, {self.cases} stories, "
            f"{sum(self.kills.values())} SIGKILLs; {zeroes}. Of {len(self.wanted)} combinations that were wanted "
            f"{len((self.wanted - self.died) & self.once)} end with the first attempt, {len(self.left)} nobody came to"
        )


@pytest.fixture(scope="module")
def tally(harness: Harness, numbers: Numbers, show: Callable[[str], None], record_crash_line: list[str]) -> Tally:
    """Everything played: first without a death, to see who passes where."""
    tally = Tally(harness, numbers, show)
    for _ in range(DRY_ROUNDS):
        tally.play(itertools.starmap(Case, itertools.product(SCENARIOS.values(), FAULTS.values())))
        if tally.seen >= REGISTERED - SCHEDULES_ALONE - SWEEP_ALONE:
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
    """Every boundary x fault x attempt x race. Each boundary in one of the scenarios that pass it under the fault, and
    those of one scenario in stories of a few deaths, which lie as far apart as can be: a step or an effect at which
    too many die is given up, as it should be."""
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
    """A process that stands still for longer than its lease and then goes on, where it holds no transaction."""
    boundaries = sorted({boundary for boundary, _ in passes if not boundary.endswith("commit before")})
    for place, boundary in enumerate(boundaries):
        for fault in (FAULTS["none"], FAULTS["lost_answer"]):
            if passes[boundary, fault.name]:
                yield _case(boundary, fault, passes, place, 1, OVERTAKEN)


def combinations(case: Case) -> list[Combination]:
    """Those in which the case's processes are to die; who is overtaken stands still instead."""
    deaths = case.deaths if case.race != OVERTAKEN else ()
    return [(boundary, case.fault.name, case.attempt, case.race) for boundary in deaths]


def alone(left: Iterable[Combination], passes: Passes, turn: int) -> Iterator[Case]:
    """A story for each of these combinations."""
    for boundary, fault, attempt, race in sorted(left):
        yield _case(boundary, FAULTS[fault], passes, turn, attempt, race)


def missed(passes: Passes, kills: Container[str], turn: int) -> Iterator[Case]:
    """Where nobody has died yet, since the victim came another way this time: under the next few of the faults that
    lead there."""
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


@pytest.mark.parametrize(("attempt", "race"), [*itertools.product(ATTEMPTS, RACES)])
def test_next_to_all_that_was_wanted_was_died_in(tally: Tally, attempt: int, race: str) -> None:
    wanted = [row for row in tally.wanted if row[2:] == (attempt, race)]
    left = [row for row in tally.left if row[2:] == (attempt, race)]
    assert len(left) <= MOST_LEFT * len(wanted), sorted(left)
