"""What an attempt does next, for every outcome and every kind of provider (docs/design.md, 5.6, 5.7 and 8)."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from agentops.lib import retry
from agentops.lib.errors import (
    EffectUnknown,
    IdempotencyMismatch,
    ProviderError,
    ReplayedFailure,
    Terminal,
    Transient,
    Unauthorized,
)
from approvals.effects.attempt_plan import (
    ALREADY_DONE,
    Attempted,
    GiveUp,
    LookFirst,
    Plan,
    Send,
    TryAgain,
    Unknown,
    after,
    attempts_spent,
    may_have_happened,
    plan,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HORIZON = timedelta(hours=20)
MOST = retry.ACTION_RETRIES.attempts
WITHOUT_EFFECT = ("transient", "terminal", "idempotency_mismatch", "overtaken", "changed", "unauthorized")
POSSIBLE = ("", "lost", "effect_unknown", "replayed_failure")
PROVIDERS = list(itertools.product((True, False), repeat=2))  # keeps_keys, can_be_looked_up


def planned(*outcomes: str, keys: bool = True, asked: bool = True, age: timedelta = timedelta(minutes=1)) -> Plan:
    earlier = [Attempted(outcome, NOW - age) for outcome in outcomes]
    return plan(earlier, keeps_keys=keys, can_be_looked_up=asked, now=NOW, horizon=HORIZON)


def conclusion(step: Plan | TryAgain) -> ProviderError:
    if isinstance(step, LookFirst):
        step = step.absent
    assert isinstance(step, (Unknown, GiveUp))
    return step.error


def code(step: Plan | TryAgain) -> str:
    return conclusion(step).code


# --- nothing can have happened ---------------------------------------------------------------------------


@pytest.mark.parametrize("outcomes", [(), *((outcome,) for outcome in WITHOUT_EFFECT), WITHOUT_EFFECT[:4]])
@pytest.mark.parametrize(("keys", "asked"), PROVIDERS)
def test_a_first_sending_reads_the_order(outcomes: tuple[str, ...], keys: bool, asked: bool) -> None:
    first = Send(again=False, check=True)
    expected = LookFirst(first) if asked and not keys else first
    assert planned(*outcomes, keys=keys, asked=asked) == expected


@pytest.mark.parametrize(("keys", "asked"), PROVIDERS)
def test_leases_that_always_run_out_end_the_action(keys: bool, asked: bool) -> None:
    assert isinstance(planned(*["overtaken"] * (MOST - 1), keys=keys, asked=asked), (Send, LookFirst))
    step = planned(*["overtaken"] * MOST, keys=keys, asked=asked)
    assert isinstance(step, GiveUp)
    assert isinstance(step.error, Terminal)
    assert code(step) == "overtaken"


@pytest.mark.parametrize("outcome", ["changed", "unauthorized"])
def test_attempts_that_waited_for_a_person_are_not_counted(outcome: str) -> None:
    assert planned(*[outcome] * (MOST + 3)) == Send(again=False, check=True)


def test_a_first_sending_may_be_older_than_the_horizon() -> None:
    assert planned("transient", age=HORIZON * 2) == Send(again=False, check=True)


# --- something may have happened ---------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", POSSIBLE)
@pytest.mark.parametrize("asked", [True, False])
def test_a_provider_that_keeps_keys_is_sent_the_same_again(outcome: str, asked: bool) -> None:
    assert planned(outcome, asked=asked) == Send(again=True, check=False)
    assert planned("transient", outcome, "unauthorized", asked=asked) == Send(again=True, check=False)


@pytest.mark.parametrize("outcome", POSSIBLE)
def test_a_key_that_may_be_forgotten_is_looked_up(outcome: str) -> None:
    assert planned(outcome, age=HORIZON) == Send(again=True, check=False)
    assert planned(outcome, age=HORIZON + timedelta(seconds=1)) == LookFirst(Send(again=True, check=True))


def test_the_oldest_attempt_decides_whether_the_key_is_known() -> None:
    earlier = [Attempted("transient", NOW - HORIZON * 2), Attempted("lost", NOW)]
    assert plan(earlier, keeps_keys=True, can_be_looked_up=True, now=NOW, horizon=HORIZON) == LookFirst(
        Send(again=True, check=True)
    )


@pytest.mark.parametrize("outcome", POSSIBLE)
@pytest.mark.parametrize("age", [timedelta(0), HORIZON * 2])
def test_a_provider_without_keys_is_never_sent_it_again(outcome: str, age: timedelta) -> None:
    step = planned(outcome, keys=False, age=age)
    assert isinstance(step, LookFirst)
    assert isinstance(step.absent, Unknown)
    assert isinstance(step.absent.error, ReplayedFailure)
    assert code(step) == "not_sent_again"


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("outcome", POSSIBLE)
def test_lost_attempts_are_bounded(outcome: str, keys: bool) -> None:
    step = planned(*[outcome] * MOST, keys=keys)
    assert isinstance(step, LookFirst)
    assert isinstance(step.absent, Unknown)
    assert code(step) == "attempts_used_up"


@pytest.mark.parametrize("outcome", POSSIBLE)
@pytest.mark.parametrize(
    ("count", "keys", "age"),
    [(1, False, timedelta(0)), (MOST, True, timedelta(0)), (1, True, HORIZON * 2), (MOST, False, HORIZON * 2)],
)
def test_what_cannot_be_looked_up_is_unknown(outcome: str, count: int, keys: bool, age: timedelta) -> None:
    step = planned(*[outcome] * count, keys=keys, asked=False, age=age)
    assert isinstance(step, Unknown)
    assert isinstance(step.error, ReplayedFailure)
    assert code(step) == "cannot_be_asked"


@pytest.mark.parametrize(
    ("outcomes", "keys", "asked", "message"),
    [
        (["overtaken"] * MOST, True, True, "Every attempt timed out before anything was sent."),
        (["lost"], False, False, "This may have gone through, and it can't be looked up."),
        (["lost"] * MOST, True, True, "No attempt got a clear response."),
        (
            ["lost"],
            False,
            True,
            "This may have gone through, and the provider doesn't support idempotency keys.",
        ),
    ],
)
def test_an_outcome_without_a_sending_says_why(outcomes: list[str], keys: bool, asked: bool, message: str) -> None:
    assert conclusion(planned(*outcomes, keys=keys, asked=asked)).message == message


# --- after a failure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcomes", [["unauthorized"], ["lost"] * MOST + ["unauthorized"]])
def test_refused_credentials_pause_the_provider(outcomes: list[str]) -> None:
    assert after(Unauthorized("http_401", "no"), outcomes, scale=1.0) == TryAgain(0.0, pause=True)


@pytest.mark.parametrize("error", [Transient("http_503", "busy"), EffectUnknown("timeout", "no answer")])
def test_what_may_heal_is_tried_again_within_bounds(error: ProviderError) -> None:
    for count in range(1, MOST):
        step = after(error, [error.error_class] * count, scale=0.0)
        assert step == TryAgain(0.0)
    last = after(error, [error.error_class] * MOST, scale=0.0)
    assert last == (Unknown(error) if isinstance(error, EffectUnknown) else GiveUp(error))


def test_a_servers_own_time_is_obeyed() -> None:
    error = Transient("http_429", "slow down", retry_after=90.0)
    assert after(error, ["transient"], scale=0.0) == TryAgain(90.0)


@pytest.mark.parametrize("outcome", [*WITHOUT_EFFECT, *POSSIBLE])
@pytest.mark.parametrize("error", [Terminal("card_declined", "no"), IdempotencyMismatch("idempotency_mismatch", "?")])
def test_a_refusal_ends_it_unless_an_earlier_attempt_may_have_worked(error: ProviderError, outcome: str) -> None:
    step = after(error, [outcome, error.error_class], scale=1.0)
    assert step == (Unknown(error) if outcome in POSSIBLE else GiveUp(error))


@pytest.mark.parametrize("already", ALREADY_DONE)
def test_already_done_is_looked_up(already: str) -> None:
    error = Terminal(already, "it was refunded")
    assert after(error, ["terminal"], scale=1.0) == Unknown(error)


def test_a_failure_that_only_repeats_is_not_tried_again() -> None:
    error = ReplayedFailure("http_500", "the same again")
    assert after(error, ["replayed_failure"], scale=1.0) == Unknown(error)


# --- the two counts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [*WITHOUT_EFFECT, *POSSIBLE, "succeeded"])
def test_what_each_outcome_counts_as(outcome: str) -> None:
    assert may_have_happened([outcome]) is (outcome in POSSIBLE)
    assert attempts_spent([outcome]) == (outcome not in ("changed", "unauthorized"))
    assert not may_have_happened([])
    assert attempts_spent([]) == 0
