"""Random schedules are tested too: of a few seeds' schedules with a bug put in, some have to come upon it. Bugs that
need a death or a fault at one place exactly are the enumeration's (test_the_harness_catches)."""

from collections import defaultdict

import pytest

from tests.crash.checks import Finding
from tests.crash.conftest import playing
from tests.crash.plans import plan
from tests.crash.verdicts import judge

FIRST_SEED = 1_000_001
# In how many schedules each is looked for: the third and the fourth are come upon in few of them.
BUGS = {
    "a_key_per_attempt": 20,
    "decision_without_lock": 20,
    "retry_on_402": 40,
    "a_new_key_on_takeover": 70,
    "settled_without_an_attempt": 10,
    "intake_without_dedupe": 10,
}


@pytest.fixture(scope="module")
def findings(
    live_database: str, tmp_path_factory: pytest.TempPathFactory, record_crash_line: list[str]
) -> dict[str, list[Finding]]:
    """What was found with each bug; no two play the same seed, since a seed's tickets are there once."""
    bugs = [bug for bug, times in BUGS.items() for _ in range(times)]
    seeds = range(FIRST_SEED, FIRST_SEED + len(bugs))
    planned = [plan(seed, bug) for seed, bug in zip(seeds, bugs, strict=True)]
    with playing(live_database, tmp_path_factory.mktemp("bugs"), seeds) as player:
        found, _ = judge(planned, player.play(planned), player.simulator)
    by_bug: dict[str, list[Finding]] = defaultdict(list)
    caught: dict[str, int] = dict.fromkeys(BUGS, 0)
    for schedule, seen in found.items():
        by_bug[schedule.mutation] += seen
        caught[schedule.mutation] += 1
    told = ", ".join(f"{bug} {count} of {BUGS[bug]}" for bug, count in caught.items())
    record_crash_line.append(f"seeded bugs, caught in so many schedules: {told}")
    return by_bug


@pytest.mark.parametrize("bug", BUGS)
def test_some_schedule_comes_upon_a_seeded_bug(bug: str, findings: dict[str, list[Finding]]) -> None:
    assert findings[bug]
