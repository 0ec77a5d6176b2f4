"""Circuit breakers: all workers skip a model that keeps failing, and probe it until it recovers.

A closed breaker costs one query per call and no write. Times are the database's.
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
_MAX_PAUSE_SECONDS = 600


@dataclass(frozen=True)
class Target:
    """A model at a provider: `primary` is OPENAI_BASE_URL, `fallback` LLM_FALLBACK_BASE_URL."""

    provider: str
    model: str

    def __str__(self) -> str:
        return self.model if self.provider == "primary" else f"{self.model} ({self.provider})"


@dataclass(frozen=True)
class Choice:
    """The chosen target.

    `passed` has one sentence for each target that was skipped before it. `probe` is true when the target's own breaker
    was open and this call tests it.
    """

    target: Target
    passed: tuple[str, ...] = ()
    probe: bool = False


def choose(targets: Sequence[Target], refusal: Callable[[Target], Held | None] = lambda _: None) -> Choice:
    """Return the first target whose breaker is closed or due for a probe.

    Once a target has been skipped, targets for which `refusal` returns an error are skipped too. Raises the first of
    those errors, or PassedOver if every breaker is open.
    """
    rows = {Target(row.provider, row.model): row for row in Breaker.objects.filter(failures__gt=0)}
    passed: list[str] = []
    refused: list[Held] = []
    for target in targets:
        # The first target is taken as it is: if it has no price or room, the run waits for that and isn't rerouted.
        if passed and (held := refusal(target)):
            refused.append(held)
            passed.append(held.reason)
            continue
        row = rows.get(target)
        if row is None or row.state == Breaker.State.CLOSED:
            return Choice(target, tuple(passed))
        if _may_probe(row):
            return Choice(target, tuple(passed), probe=True)
        passed.append(f"{target} failed {row.failures} times: {row.last_error.rstrip('.')}")
    if refused:
        refused[0].reason += f" It also continues when {targets[0]} responds again."
        raise refused[0]
    problem = f"No language model is available: {'; '.join(passed)}."
    raise PassedOver(targets[0].model, problem, "when one of them responds again")


def calls_allowed(targets: Sequence[Target]) -> int | None:
    """Return how many calls the breakers allow now: one for each probe that is due, or None for no limit."""
    rows = Breaker.objects.filter(failures__gt=0).exclude(state=Breaker.State.CLOSED)
    open_breakers = {Target(row.provider, row.model) for row in rows}
    if any(target not in open_breakers for target in targets):
        return None
    due = rows.filter(probe_at__lte=Now())
    return sum(Target(row.provider, row.model) in targets for row in due)


def count_failure(target: Target, error: str) -> None:
    """Count a failure. Open the breaker at LLM_BREAKER_FAILURES in a row, or when a probe failed."""
    with transaction.atomic():
        # Lock the row: failures of several workers must all count, or the breaker would open late.
        Breaker.objects.get_or_create(provider=target.provider, model=target.model)
        row = Breaker.objects.select_for_update().get(provider=target.provider, model=target.model)
        row.failures += 1
        row.last_error = error[:300]
        previous = row.state
        if previous == Breaker.State.HALF_OPEN or row.failures >= settings.LLM_BREAKER_FAILURES:
            row.state = Breaker.State.OPEN
            row.probe_at = Now() + timedelta(seconds=_pause(row.probes))
        if previous == Breaker.State.CLOSED and row.state == Breaker.State.OPEN:
            row.opened_at = Now()
            _report(target, "breaker.opened", row)
        row.save()


def reset(target: Target) -> None:
    """Close the breaker and reset its failures, including those of calls sent after this one."""
    marked = Breaker.objects.filter(provider=target.provider, model=target.model, failures__gt=0)
    if not marked.exists():  # the usual case, so don't open a transaction
        return
    with transaction.atomic():
        row = marked.select_for_update().first()
        if row is None:
            return
        if row.state != Breaker.State.CLOSED:
            _report(target, "breaker.closed", row)
        marked.update(state=Breaker.State.CLOSED, failures=0, probes=0, opened_at=None, probe_at=None)


def _may_probe(row: Breaker) -> bool:
    """Take the probe that is due. Of several workers only one succeeds: the guard on `probes` fails for the others."""
    due = Breaker.objects.filter(pk=row.pk, probes=row.probes, probe_at__lte=Now()).exclude(state=Breaker.State.CLOSED)
    taken = due.update(
        state=Breaker.State.HALF_OPEN,
        probes=F("probes") + 1,
        # If the probing worker dies, nobody reports a result; another probe is due after the longest call.
        probe_at=Now() + timedelta(seconds=settings.LLM_TIMEOUT_SECONDS + settings.LLM_BREAKER_SECONDS),
    )
    return bool(taken)


def _pause(probes: int) -> float:
    """Return the seconds until the next probe, which double with each failed probe up to _MAX_PAUSE_SECONDS."""
    seconds: float = settings.LLM_BREAKER_SECONDS
    # The exponent is bounded because a float overflows after about a thousand failed probes.
    return min(seconds * 2.0 ** min(probes, 20), _MAX_PAUSE_SECONDS)


def _report(target: Target, verb: str, row: Breaker) -> None:
    log.warning("%s: %s after %s failures (%s)", verb, target, row.failures, row.last_error)
    events.record_event(
        actor=events.SYSTEM,
        verb=verb,
        object_type="breaker",
        object_id=str(target)[:60],
        after={"failures": row.failures, "last_error": row.last_error},
    )
