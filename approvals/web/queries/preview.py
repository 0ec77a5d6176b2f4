"""What a change of the policy would have meant for the last actions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from approvals.effects import facts as policy_facts
from approvals.models import Action
from approvals.policy.rules import Facts, Outcome, Rules, evaluate

SAMPLE = 5_000  # actions at most that a preview looks at, the newest


@dataclass
class Preview:
    """How the last actions would have been judged: counts by outcome now and then, and examples that change."""

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
    """The rules on the real actions of the last `days`, newest first, at most `SAMPLE`."""
    result = Preview()
    for action, facts in _judged(days):
        then = evaluate(rules, facts).outcome
        result.total += 1
        for outcome, suffix in ((Outcome(action.verdict), "now"), (then, "then")):
            name = f"{_NAMES[outcome]}_{suffix}"
            setattr(result, name, getattr(result, name) + 1)
        if then != action.verdict and len(result.examples) < 20:
            result.examples.append((action, action.verdict, then))
    return result


def _judged(days: int) -> Iterator[tuple[Action, Facts]]:
    actions: QuerySet[Action] = Action.objects.filter(created_at__gte=Now() - timedelta(days=days))
    for action in actions.order_by("-created_at", "-pk")[:SAMPLE]:  # the order of an index: bounded however many
        yield action, policy_facts.recorded(action)
