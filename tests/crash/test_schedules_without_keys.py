"""Random schedules against a provider without idempotency keys, which pays every request again. Looking up before
each sending, and never resending automatically what may have happened, makes each refund happen once."""

import os
from pathlib import Path

from approvals.models import Action
from tests.crash.checks import SORTS
from tests.crash.conftest import playing
from tests.crash.plans import Schedule, plan
from tests.crash.verdicts import judge

FIRST_SEED, LEAST = 2_000_001, 40
NOT_SENT = [("lost", "no refund in the ledger")]
COUNT = max(LEAST, int(os.environ.get("CRASH_SCHEDULES", "2000")) // 10)


def test_refunds_are_paid_once_despite_random_deaths(
    live_database: str, tmp_path: Path, record_crash_line: list[str]
) -> None:
    planned = [plan(seed) for seed in range(FIRST_SEED, FIRST_SEED + COUNT)]
    seeds = [schedule.seed for schedule in planned]
    with playing(live_database, tmp_path, seeds, forgetful=True, PAYMENTS_IDEMPOTENT="false") as player:
        played = player.play(planned)
        found, given_up = judge(planned, played, player.simulator)
    unsent = {
        schedule.seed for schedule in found if found[schedule] == NOT_SENT and known_not_to_have_happened(schedule)
    }
    found = {schedule: findings for schedule, findings in found.items() if schedule.seed not in unsent}
    sorts = [sort for findings in found.values() for sort, _ in findings]
    record_crash_line.append(
        f"schedules without keys: {len(planned)} seeds, {sum(one.kills for one in played)} SIGKILLs; "
        f"{', '.join(f'{sort} {sorts.count(sort)}' for sort in SORTS)}; given up to a person {len(given_up)}, "
        f"found not to have happened and said so {len(unsent)}"
    )
    assert not found, "\n".join(f"{schedule}\n  {findings}" for schedule, findings in found.items())
    assert len(given_up) + len(unsent) < len(planned) / 2, "every known outcome is settled"


def known_not_to_have_happened(schedule: Schedule) -> bool:
    """Return whether the records say that a refund did not happen: it may have happened, was not resent, and was not
    found."""
    refunds = Action.objects.filter(ticket__customer__email=schedule.email, kind="refund")
    return refunds.filter(status="failed", error_code="never_happened").exists()
