"""What an attempt does next, and what follows when it fails: pure functions of the recorded attempts and of the
provider's properties (docs/design.md, 5.6, 5.7 and 8).

`execution` carries out the plan; `settlement` writes its result.
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
# Codes by which providers say that the money was returned before: by us or by others, only the reference tells.
ALREADY_DONE = ("already_refunded", "charge_already_refunded", "duplicate_reference")


@dataclass(frozen=True)
class Attempted:
    """An attempt before the current one. `outcome` as in models.Attempt."""

    outcome: str
    started_at: datetime


@dataclass(frozen=True)
class Send:
    """Send the frozen request. `again`: an earlier attempt may have taken effect. `check`: read the order first, since
    it may have changed while nobody was looking."""

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
    """Ask the provider for the effect; where it has none, do what `absent` says."""

    absent: Send | Unknown


@dataclass(frozen=True)
class TryAgain:
    """Put the action back, due in `delay` seconds. `pause`: stop the provider, which refuses our credentials."""

    delay: float
    pause: bool = False


Plan = Send | LookFirst | Unknown | GiveUp


def plan(
    earlier: Sequence[Attempted], *, keeps_keys: bool, can_be_looked_up: bool, now: datetime, horizon: timedelta
) -> Plan:
    """Plan the current attempt. `keeps_keys`: the provider answers a known key with its first answer, for `horizon`
    at least."""
    outcomes = [attempt.outcome for attempt in earlier]
    used_up = spent(outcomes) + 1 > retry.ACTION_RETRIES.attempts
    if not may_have_happened(outcomes):
        if used_up:
            return GiveUp(Terminal("overtaken", "Every attempt's lease expired before anything was sent."))
        first = Send(again=False, check=True)
        return first if keeps_keys or not can_be_looked_up else LookFirst(first)
    forgotten = any(attempt.started_at < now - horizon for attempt in earlier)
    if keeps_keys and not used_up and not forgotten:
        return Send(again=True, check=False)
    if not can_be_looked_up:
        return Unknown(ReplayedFailure("cannot_be_asked", "It may have happened, and it cannot be looked up."))
    if used_up:
        return LookFirst(Unknown(ReplayedFailure("attempts_used_up", "Every attempt was lost. We keep looking it up.")))
    if not keeps_keys:  # an earlier request may still arrive, and a second one would be a second effect
        return LookFirst(
            Unknown(
                ReplayedFailure(
                    "not_sent_again", "This may have gone through, and the provider doesn't support idempotency keys."
                )
            )
        )
    return LookFirst(Send(again=True, check=True))


def after(error: ProviderError, outcomes: Sequence[str], *, scale: float) -> TryAgain | Unknown | GiveUp:
    """What follows `error`. `outcomes` are those of all attempts, the one that failed included; `scale` stretches the
    backoff."""
    if isinstance(error, Unauthorized):
        return TryAgain(0.0, pause=True)
    delay = retry.ACTION_RETRIES.delay(spent(outcomes), error, scale)
    if delay is not None:
        return TryAgain(delay)
    return Unknown(error) if may_have_happened(outcomes) or error.code in ALREADY_DONE else GiveUp(error)


def may_have_happened(outcomes: Sequence[str]) -> bool:
    """Whether one of these attempts may have taken effect."""
    return any(outcome in POSSIBLE_EFFECT for outcome in outcomes)


def spent(outcomes: Sequence[str]) -> int:
    """The attempts that count against retry.ACTION.attempts."""
    return sum(outcome not in SENT_NOTHING for outcome in outcomes)
