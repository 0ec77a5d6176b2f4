"""What the dial would have meant: the real actions of the last days, judged again at every setting at once.

One pass over a bounded sample: an action that the other rules let pass runs alone from the setting on that reaches its
ticket's place, up to what is set for its kind and its customer's tags.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models.functions import Now

from approvals import states
from approvals.effects import facts as policy_facts
from approvals.models import Action, Decision
from approvals.policy import dial
from approvals.policy.rules import Facts, Outcome, Rules, evaluate
from approvals.web.queries.preview import SAMPLE

NAMES = ("alone", "decided", "edited", "rejected", "expired", "failed")


@dataclass
class Point:
    """At so many per cent: how many would have run alone; and of those how many people decided, edited and rejected,
    how many expired undecided, and how many came to nothing at the provider (or nobody knows)."""

    percent: int
    alone: int = 0
    decided: int = 0
    edited: int = 0
    rejected: int = 0
    expired: int = 0
    failed: int = 0


@dataclass
class Evidence:
    """A point for each of 0..100 per cent. `whole` is False where there were more actions than are looked at; `oldest`
    is when the first of those looked at was made. `untagged`: how many have no record of their customer's tags."""

    days: int
    actions: int = 0
    whole: bool = True
    oldest: datetime | None = None
    untagged: int = 0
    points: list[Point] = field(default_factory=lambda: [Point(percent) for percent in range(101)])


def evidence(rules: Rules, days: int) -> Evidence:
    """Of the agent's own proposals, the newest SAMPLE, by these rules. What people said is what they truly
    said then."""
    agents = Action.objects.filter(created_at__gte=Now() - timedelta(days=days), run_id__isnull=False)
    found = list(
        agents.only("ticket_id", "kind", "status", "facts", "created_at")
        .order_by("-created_at", "-pk")[: SAMPLE + 1]
    )  # fmt: skip
    looked_at = found[:SAMPLE]
    result = Evidence(days, len(looked_at), whole=len(found) == len(looked_at))
    result.oldest = looked_at[-1].created_at if looked_at else None
    said = _decisions([action.pk for action in looked_at])
    wide_open, caps = _apart(rules)
    for action in looked_at:
        facts = policy_facts.recorded(action)
        if facts.fixed:  # the policy's own words, no deed of the agent's
            result.actions -= 1
            continue
        result.untagged += facts.tags is None
        start = _from(wide_open, caps, facts)
        if start is not None:
            _count(result.points[start], action, said.get(action.pk, set()))
    for before, point in zip(result.points, result.points[1:], strict=False):
        for name in NAMES:
            setattr(point, name, getattr(point, name) + getattr(before, name))
    return result


def auto_approved_from(rules: Rules, facts: Facts) -> int | None:
    """The lowest setting of the dial at which the agent does this alone; None where it does at none. Where the
    customer's tags were not recorded it counts as without any: most customers are, and the page says how many."""
    return _from(*_apart(rules), facts)


def _apart(rules: Rules) -> tuple[Rules, dial.Dial]:
    """The rules with the dial wide open, and what is set for kinds and tags alone."""
    wide_open = rules.model_copy(update={"autonomy": dial.Dial()})
    return wide_open, rules.autonomy.model_copy(update={"percent": 100})


def _from(wide_open: Rules, caps: dial.Dial, facts: Facts) -> int | None:
    if facts.position is None or evaluate(wide_open, facts).outcome != Outcome.AUTO_APPROVE:
        return None
    most, _ = caps.share(facts.kind, facts.tags or ())
    needed = dial.lowest_covering_percent(facts.position)
    return needed if needed <= most else None


def _count(point: Point, action: Action, said: set[str]) -> None:
    point.alone += 1
    point.decided += bool(said)
    point.expired += action.status == states.EXPIRED
    point.edited += Decision.Verdict.EDIT in said
    point.rejected += Decision.Verdict.REJECT in said
    point.failed += action.status in (states.FAILED, states.UNRESOLVED)


def _decisions(actions: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    rows = Decision.objects.filter(request__action__in=actions).values_list("request__action_id", "verdict")
    for action_id, verdict in rows:
        found.setdefault(action_id, set()).add(verdict)
    return found
