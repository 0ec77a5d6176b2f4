"""Random schedules against a provider that keeps no keys: it pays again whatever comes again. Only looking before each
sending, and never sending by itself what may have happened, makes it once."""

import os
from pathlib import Path

import pytest

from tests.crash.checks import SORTS
from tests.crash.conftest import playing
from tests.crash.plans import plan
from tests.crash.verdicts import judge

FIRST_SEED, LEAST = 2_000_001, 40
COUNT = max(LEAST, int(os.environ.get("CRASH_SCHEDULES", "2000")) // 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("without-keys")


def test_whatever_dies_when_it_is_paid_once(live_database: str, folder: Path, record_crash_line: list[str]) -> None:
    planned = [plan(seed) for seed in range(FIRST_SEED, FIRST_SEED + COUNT)]
    seeds = [schedule.seed for schedule in planned]
    with playing(live_database, folder, seeds, forgetful=True, PAYMENTS_IDEMPOTENT="false") as player:
        played = player.play(planned)
        found, given_up = judge(planned, played, player.simulator)
    sorts = [sort for findings in found.values() for sort, _ in findings]
    record_crash_line.append(
        f"schedules without keys: {len(planned)} seeds, {sum(one.kills for one in played)} SIGKILLs; "
        f"{', '.join(f'{sort} {sorts.count(sort)}' for sort in SORTS)}; given up to a person {len(given_up)}"
    )
    assert not found, "\n".join(f"{schedule}\n  {findings}" for schedule, findings in found.items())
    assert len(given_up) < len(planned) / 2, "what is known is done"


def test_believing_that_it_keeps_them_is_found_out(live_database: str, folder: Path) -> None:
    seeds = range(FIRST_SEED + COUNT, FIRST_SEED + COUNT + LEAST)
    planned = [plan(seed) for seed in seeds]
    with playing(live_database, folder, seeds, forgetful=True) as player:
        found, _ = judge(planned, player.play(planned), player.simulator)
    assert "duplicate" in {sort for findings in found.values() for sort, _ in findings}
