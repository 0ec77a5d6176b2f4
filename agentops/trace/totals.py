"""A run's totals: time with and without people, calls, tokens and cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agentops.models import Step
from agentops.trace import Span, Tokens, merged


@dataclass(frozen=True)
class Totals:
    """Totals of a run. `human_wait` is the part of `duration` spent waiting for people; overlapping waits count once.

    `attempts` counts calls to providers, and `absorbed` the failures that a retry recovered from.
    """

    duration: timedelta
    human_wait: timedelta
    turns: int
    llm_calls: int
    attempts: int
    absorbed: int
    errors: int
    tokens: Tokens
    cost_usd: Decimal

    @property
    def working(self) -> timedelta:
        return self.duration - self.human_wait


def add_up(found: Sequence[Span], now: datetime) -> Totals:
    """Return the totals of the spans. Open spans count until `now`."""
    started = min((span.started_at for span in found), default=now)
    ended = max((span.finished_at or now for span in found), default=now)
    waits = merged([(span.started_at, span.finished_at or now) for span in found if span.kind == "human"])
    calls = [span for span in found if span.kind == "llm"]
    providers = [span for span in found if span.kind == "provider"]
    retried = [span for span in providers if span.status == "error" and _healed(span, providers)]
    return Totals(
        duration=ended - started,
        human_wait=sum((end - start for start, end in waits), timedelta()),
        turns=sum(span.attributes.get("kind") == Step.Kind.LLM for span in calls),
        llm_calls=len(calls),
        attempts=len(providers),
        # A step records its failed calls itself; an action's failed attempts are spans.
        absorbed=sum(span.absorbed for span in found) + len(retried),
        errors=sum(span.status == "error" for span in found),
        tokens=sum((span.tokens for span in found), Tokens()),
        cost_usd=sum((span.cost_usd for span in found), Decimal(0)),
    )


def _healed(span: Span, providers: Sequence[Span]) -> bool:
    return any(other.parent == span.parent and other.status == "ok" for other in providers)
