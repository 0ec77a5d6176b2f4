"""The harness itself is tested: bugs that would cost money are seeded, and each must be detected."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from tests.crash.cases import FAULTS, SCENARIOS, Case
from tests.crash.checks import Finding, check
from tests.crash.conftest import Numbers
from tests.crash.harness import Harness
from tests.crash.mutations import MUTATIONS, Mutation, without

# The sweeps' work on all tickets is shared, and so is the database: bugs there are played on their own.
APART = [mutation for mutation in MUTATIONS if mutation.sweeps or mutation.missing]
TOGETHER = [mutation for mutation in MUTATIONS if mutation not in APART]
PATIENCE = 6.0


def case_of(mutation: Mutation, numbers: Numbers) -> Case:
    return numbers.give(
        Case(
            SCENARIOS[mutation.scenario],
            FAULTS[mutation.fault],
            deaths=(mutation.boundary,) if mutation.boundary else (),
            attempt=mutation.attempt,
            race=mutation.race,
            mutation=mutation.name,
        )
    )


@pytest.fixture(scope="module")
def findings(harness: Harness, numbers: Numbers) -> dict[str, list[Finding]]:
    """Return the findings by mutation name, and under "" those of the same cases without a mutation."""
    harness.patience = PATIENCE
    batch = [case_of(mutation, numbers) for mutation in TOGETHER]
    found = {case.mutation: seen for case, seen in check(batch, harness.play(batch), harness.simulator).items()}
    for mutation in APART:
        case = case_of(mutation, numbers)
        with without(mutation.missing) if mutation.missing else nullcontext():
            played = harness.play([case], mutation.name if mutation.sweeps else "")
        found[mutation.name] = check([case], played, harness.simulator).get(case, [])
    return found


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_seeded_bug_is_caught(mutation: Mutation, findings: dict[str, list[Finding]]) -> None:
    seen = findings.get(mutation.name, [])
    wanted = [expected for expected in (mutation.caught, mutation.otherwise) if expected]
    assert any(sort == found and words in said for found, said in seen for sort, words in wanted), seen


def test_the_same_cases_without_bugs_have_no_findings(harness: Harness, numbers: Numbers) -> None:
    batch = [replace(case_of(mutation, numbers), mutation="") for mutation in MUTATIONS]
    played = harness.play(batch)
    found = check(batch, played, harness.simulator)
    assert not found, "\n".join(f"{case}: {seen}" for case, seen in found.items())
