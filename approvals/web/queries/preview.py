"""Preview a policy change on recent actions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from approvals.effects.kinds import verdict_on
from approvals.effects.recorded_facts import recorded_facts
from approvals.models import Action
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Outcome

PREVIEW_SAMPLE = 5_000  # a preview judges no more than this many of the newest actions


@dataclass
class Preview:
    """Counts of recent actions by outcome: as judged (`_now`) and by the new rules (`_then`). `examples` are actions
    whose outcome changes, with both outcomes."""

    total: int = 0
    auto_now: int = 0
    auto_then: int = 0
    approval_now: int = 0
    approval_then: int = 0
    block_now: int = 0
    block_then: int = 0
    examples: list[tuple[Action, str, str]] = field(default_factory=list)


_NAMES = {
    Outcome.AUTO_APPROVE: "auto",
    Outcome.REQUIRE_APPROVAL: "approval",
    Outcome.BLOCK: "block",
}


def preview_of(*, rules: Rules, days: int) -> Preview:
    """Judge the newest actions of the last `days` by these rules, at most PREVIEW_SAMPLE of them."""
    result = Preview()
    for action, facts in _judged(days):
        then = verdict_on(facts, rules).outcome
        result.total += 1
        for outcome, suffix in ((Outcome(action.verdict), "now"), (then, "then")):
            name = f"{_NAMES[outcome]}_{suffix}"
            setattr(result, name, getattr(result, name) + 1)
        if then != action.verdict and len(result.examples) < 20:
            result.examples.append((action, action.verdict, then))
    return result


def _judged(days: int) -> Iterator[tuple[Action, Facts]]:
    actions: QuerySet[Action] = Action.objects.filter(created_at__gte=Now() - timedelta(days=days))
    # In the order of an index, so the limit bounds the cost of the query too.
    for action in actions.order_by("-created_at", "-pk")[:PREVIEW_SAMPLE]:
        yield action, recorded_facts(action)
