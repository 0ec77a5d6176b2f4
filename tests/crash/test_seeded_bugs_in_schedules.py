"""Random schedules are tested too: with a seeded bug, some of a few schedules must detect it. Bugs that need a death
or a fault at one exact place are left to the enumeration (test_seeded_bugs)."""

from collections import defaultdict

import pytest

from tests.crash.checks import Finding
from tests.crash.conftest import playing
from tests.crash.plans import plan
from tests.crash.verdicts import judge

FIRST_SEED = 1_000_001
# In how many schedules each bug is searched: only few detect the third and the fourth.
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
    """Return the findings with each bug. No two play the same seed, since a seed's tickets exist only once."""
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
    counts = ", ".join(f"{bug} {count} of {BUGS[bug]}" for bug, count in caught.items())
    record_crash_line.append(f"seeded bugs, schedules that caught each: {counts}")
    return by_bug


@pytest.mark.parametrize("bug", BUGS)
def test_some_schedule_detects_a_seeded_bug(bug: str, findings: dict[str, list[Finding]]) -> None:
    assert findings[bug]
