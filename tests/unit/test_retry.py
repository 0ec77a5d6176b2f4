"""When to retry, and when not to."""

import pytest

from agentops.lib.errors import (
    EffectUnknown,
    IdempotencyMismatch,
    ProviderError,
    ReplayedFailure,
    Terminal,
    Transient,
    Unauthorized,
)
from agentops.lib.retry import ACTION_RETRIES, MODEL_RETRIES, READ_RETRIES, RetryPolicy


def longest(low: float, high: float) -> float:
    return high


def shortest(low: float, high: float) -> float:
    return low


POLICY = RetryPolicy(attempts=6, base=1.0, cap=10.0)


@pytest.mark.parametrize("kind", [Transient, EffectUnknown])
def test_transient_failures_are_retried(kind: type[ProviderError]) -> None:
    assert POLICY.delay(1, kind("x", "x"), uniform=longest) == 1.0


@pytest.mark.parametrize("kind", [Terminal, Unauthorized, IdempotencyMismatch, ReplayedFailure, ProviderError])
def test_terminal_failures_are_never_retried(kind: type[ProviderError]) -> None:
    assert POLICY.delay(1, kind("x", "x"), uniform=longest) is None


def test_the_delay_doubles_up_to_its_cap() -> None:
    error = Transient("x", "x")
    assert [POLICY.delay(attempt, error, uniform=longest) for attempt in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 10.0]


def test_the_jitter_covers_the_whole_delay() -> None:
    assert POLICY.delay(5, Transient("x", "x"), uniform=shortest) == 0.0


def test_the_number_of_attempts_is_bounded() -> None:
    error = Transient("x", "x", retry_after=3.0)
    assert POLICY.delay(5, error) is not None
    assert POLICY.delay(6, error) is None
    assert POLICY.delay(7, error) is None


def test_retry_after_is_obeyed_even_beyond_the_cap() -> None:
    assert POLICY.delay(1, Transient("x", "x", retry_after=45.0), uniform=longest) == 45.0
    assert POLICY.delay(4, Transient("x", "x", retry_after=2.0), uniform=longest) == 8.0


def test_only_our_own_backoff_gets_jitter() -> None:
    assert POLICY.delay(1, Transient("x", "x"), 3.0, longest) == 3.0
    assert POLICY.delay(1, Transient("x", "x", retry_after=45.0), 3.0, longest) == 45.0
    assert POLICY.delay(1, Transient("x", "x", retry_after=45.0), 0.0001, longest) == 45.0


@pytest.mark.parametrize("policy", [MODEL_RETRIES, READ_RETRIES, ACTION_RETRIES])
def test_every_policy_in_use_is_bounded_and_capped(policy: RetryPolicy) -> None:
    assert 1 < policy.attempts <= 10
    assert policy.delay(policy.attempts - 1, Transient("x", "x"), uniform=longest) <= policy.cap
