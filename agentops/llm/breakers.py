"""Circuit breakers: a model that fails over and over is passed over by every worker, and tried again in time.

Closed, nothing is written: a success after no failure costs a look. Times are the database's.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agentops.llm.holds import Held, PassedOver
from agentops.models import Breaker
from approvals.audit import events

log = logging.getLogger(__name__)
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Target:
    """A model at a provider: `primary` is OPENAI_BASE_URL, `fallback` LLM_FALLBACK_BASE_URL."""

    provider: str
    model: str

    def __str__(self) -> str:
        return self.model if self.provider == "primary" else f"{self.model} ({self.provider})"


@dataclass(frozen=True)
class Choice:
    """`passed` has a sentence for each target before it that is passed over; `probe`: so was this one until now."""

    target: Target
    passed: tuple[str, ...] = ()
    probe: bool = False


def choose(targets: Sequence[Target], refusal: Callable[[Target], Held | None] = lambda _: None) -> Choice:
    """The first that is not passed over. A breaker whose time has come lets this one call through. Where the first
    target is passed over, so is one that `refusal` has something against. Raises PassedOver, or the first refusal."""
    rows = {Target(row.provider, row.model): row for row in Breaker.objects.filter(failures__gt=0)}
    passed: list[str] = []
    refused: list[Held] = []
    for target in targets:
        if passed and (held := refusal(target)):
            refused.append(held)
            passed.append(held.reason)
            continue
        row = rows.get(target)
        if row is None or row.state == Breaker.State.CLOSED:
            return Choice(target, tuple(passed))
        if _may_probe(row):
            return Choice(target, tuple(passed), probe=True)
        passed.append(f"{target} has failed {row.failures} times: {row.last_error}")
    if refused:
        refused[0].reason += f" It also goes on when {targets[0]} answers again."
        raise refused[0]
    told = f"No language model answers, so every one is passed over: {'; '.join(passed)}."
    raise PassedOver(targets[0].model, told, "by itself when one of them answers again")


def openings(targets: Sequence[Target]) -> int | None:
    """How many calls would be let through now: one for each probe that is due; None: any number."""
    rows = Breaker.objects.filter(failures__gt=0).exclude(state=Breaker.State.CLOSED)
    shut = {Target(row.provider, row.model) for row in rows}
    if any(target not in shut for target in targets):
        return None
    due = rows.filter(probe_at__lte=Now())
    return sum(Target(row.provider, row.model) in targets for row in due)


def failed(target: Target, error: str) -> None:
    """Counts a failure; opens the breaker at the LLM_BREAKER_FAILURES-th in a row, and again where a probe failed."""
    with transaction.atomic():
        Breaker.objects.get_or_create(provider=target.provider, model=target.model)
        row = Breaker.objects.select_for_update().get(provider=target.provider, model=target.model)
        row.failures += 1
        row.last_error = error[:300]
        was = row.state
        if was == Breaker.State.HALF_OPEN or row.failures >= settings.LLM_BREAKER_FAILURES:
            row.state = Breaker.State.OPEN
            row.probe_at = Now() + timedelta(seconds=_pause(row.probes))
        if was == Breaker.State.CLOSED and row.state == Breaker.State.OPEN:
            row.opened_at = Now()
            _tell(target, "breaker.opened", row)
        row.save()


def succeeded(target: Target) -> None:
    """Closes the breaker, or forgets its failures, where it has any: those of calls that left after this one too."""
    marked = Breaker.objects.filter(provider=target.provider, model=target.model, failures__gt=0)
    if not marked.exists():  # nearly always: no transaction for it
        return
    with transaction.atomic():
        row = marked.select_for_update().first()
        if row is None:
            return
        if row.state != Breaker.State.CLOSED:
            _tell(target, "breaker.closed", row)
        marked.update(state=Breaker.State.CLOSED, failures=0, probes=0, opened_at=None, probe_at=None)


def _may_probe(row: Breaker) -> bool:
    """One call takes the probe that is due: whoever comes next sees it taken."""
    due = Breaker.objects.filter(pk=row.pk, probes=row.probes, probe_at__lte=Now()).exclude(state=Breaker.State.CLOSED)
    taken = due.update(
        state=Breaker.State.HALF_OPEN,
        probes=F("probes") + 1,
        probe_at=Now() + timedelta(seconds=settings.LLM_TIMEOUT_SECONDS + settings.LLM_BREAKER_SECONDS),
    )
    return bool(taken)


def _pause(probes: int) -> float:
    """Seconds until the next probe: twice as many after each that failed."""
    seconds: float = settings.LLM_BREAKER_SECONDS
    return min(seconds * 2.0 ** min(probes, 20), LONGEST_SECONDS)


def _tell(target: Target, verb: str, row: Breaker) -> None:
    log.warning("%s: %s after %s failures (%s)", verb, target, row.failures, row.last_error)
    events.record(
        actor=events.SYSTEM,
        verb=verb,
        object_type="breaker",
        object_id=str(target)[:60],
        after={"failures": row.failures, "last_error": row.last_error},
    )
