"""Decide what an attempt does next, and what follows if it fails (docs/design.md, 5.6, 5.7 and 8).

Pure functions of the recorded attempts and the provider's properties. `execution` carries out the plan, and
`settlement` writes the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentops.lib import retry
from agentops.lib.errors import ProviderError, ReplayedFailure, Terminal, Unauthorized

# Outcomes after which an effect may exist: the attempt's worker died, or its answer did not arrive.
POSSIBLE_EFFECT = ("", "lost", "effect_unknown", "replayed_failure")
# Outcomes that sent nothing and wait for a person. They don't count against the number of attempts.
SENT_NOTHING = ("changed", Unauthorized.error_class)
# Providers' codes for "already refunded". Only a look-up by reference shows whether we or someone else did it.
ALREADY_DONE = ("already_refunded", "charge_already_refunded", "duplicate_reference")


@dataclass(frozen=True)
class Attempted:
    """An attempt before the current one. `outcome` as in models.Attempt."""

    outcome: str
    started_at: datetime


@dataclass(frozen=True)
class Send:
    """Send the frozen request. `again` means that an earlier attempt may have taken effect; `check` means to read the
    order first, because it may have changed since the last attempt."""

    again: bool
    check: bool


@dataclass(frozen=True)
class Unknown:
    """Send nothing: the effect may exist, and only a look-up or a person can settle it."""

    error: ProviderError


@dataclass(frozen=True)
class GiveUp:
    """Send nothing: there is no effect, and there will be none."""

    error: ProviderError


@dataclass(frozen=True)
class LookFirst:
    """Look the effect up first. If the provider doesn't have it, continue with `absent`."""

    absent: Send | Unknown


@dataclass(frozen=True)
class TryAgain:
    """Retry the action in `delay` seconds. `pause` means to pause the provider, because it rejects our credentials."""

    delay: float
    pause: bool = False


Plan = Send | LookFirst | Unknown | GiveUp


def plan(
    earlier: Sequence[Attempted], *, keeps_keys: bool, can_be_looked_up: bool, now: datetime, horizon: timedelta
) -> Plan:
    """Plan the current attempt. `keeps_keys` means that the provider replays its first answer for a known key, at least
    for `horizon`."""
    outcomes = [attempt.outcome for attempt in earlier]
    used_up = attempts_spent(outcomes) + 1 > retry.ACTION_RETRIES.attempts
    if not may_have_happened(outcomes):
        if used_up:
            return GiveUp(Terminal("overtaken", "Every attempt timed out before anything was sent."))
        first = Send(again=False, check=True)
        return first if keeps_keys or not can_be_looked_up else LookFirst(first)
    forgotten = any(attempt.started_at < now - horizon for attempt in earlier)
    if keeps_keys and not used_up and not forgotten:
        return Send(again=True, check=False)
    if not can_be_looked_up:
        return Unknown(ReplayedFailure("cannot_be_asked", "This may have gone through, and it can't be looked up."))
    if used_up:
        return LookFirst(Unknown(ReplayedFailure("attempts_used_up", "No attempt got a clear response.")))
    if not keeps_keys:  # an earlier request may still arrive, so a second one could cause a second effect
        why = "This may have gone through, and the provider doesn't support idempotency keys."
        return LookFirst(Unknown(ReplayedFailure("not_sent_again", why)))
    return LookFirst(Send(again=True, check=True))


def after(error: ProviderError, outcomes: Sequence[str], *, scale: float) -> TryAgain | Unknown | GiveUp:
    """Decide what follows `error`. `outcomes` are those of all attempts, including the failed one. `scale` is the base
    of the backoff in seconds."""
    if isinstance(error, Unauthorized):
        return TryAgain(0.0, pause=True)
    delay = retry.ACTION_RETRIES.delay(attempts_spent(outcomes), error, scale)
    if delay is not None:
        return TryAgain(delay)
    return Unknown(error) if may_have_happened(outcomes) or error.code in ALREADY_DONE else GiveUp(error)


def may_have_happened(outcomes: Sequence[str]) -> bool:
    """Return whether any of these attempts may have taken effect."""
    return any(outcome in POSSIBLE_EFFECT for outcome in outcomes)


def attempts_spent(outcomes: Sequence[str]) -> int:
    """Count the attempts that use up the limit of retry.ACTION_RETRIES."""
    return sum(outcome not in SENT_NOTHING for outcome in outcomes)
