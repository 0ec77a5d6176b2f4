"""Show what other dial settings would have meant: judge recent actions again at every setting at once.

One pass over a bounded sample is enough. An action that the other rules auto-approve runs without approval from the
setting that covers its ticket's position, unless the share for its kind or its customer's tags is lower.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models.functions import Now

from approvals import states
from approvals.effects.kinds import verdict_on
from approvals.effects.recorded_facts import recorded_facts
from approvals.models import Action, Decision
from approvals.policy import dial
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Outcome
from approvals.web.queries.preview import PREVIEW_SAMPLE

NAMES = ("alone", "decided", "edited", "rejected", "expired", "failed")


@dataclass
class Point:
    """The dial at `percent`: how many actions would have been auto-approved (`alone`), and how many of those people had
    decided, edited or rejected, how many expired, and how many failed or are unresolved."""

    percent: int
    alone: int = 0
    decided: int = 0
    edited: int = 0
    rejected: int = 0
    expired: int = 0
    failed: int = 0


@dataclass
class Evidence:
    """A point for each percentage from 0 to 100. `whole` is False if there were more actions than the sample holds, and
    `oldest` is when the oldest in the sample was proposed. `untagged` counts actions without recorded customer tags."""

    days: int
    actions: int = 0
    whole: bool = True
    oldest: datetime | None = None
    untagged: int = 0
    points: list[Point] = field(default_factory=lambda: [Point(percent) for percent in range(101)])


def evidence(rules: Rules, days: int, *, sample: int = PREVIEW_SAMPLE) -> Evidence:
    """Judge the agent's newest `sample` proposals of the last `days` by these rules. The decisions counted are the real
    ones."""
    agents = Action.objects.filter(created_at__gte=Now() - timedelta(days=days), run_id__isnull=False)
    found = list(
        agents.only("ticket_id", "kind", "status", "facts", "created_at").order_by("-created_at", "-pk")[: sample + 1]
    )
    looked_at = found[:sample]
    result = Evidence(days, len(looked_at), whole=len(found) == len(looked_at))
    result.oldest = looked_at[-1].created_at if looked_at else None
    verdicts = _decisions([action.pk for action in looked_at])
    wide_open, caps = _apart(rules)
    for action in looked_at:
        facts = recorded_facts(action)
        if facts.fixed:  # an acknowledgement, which the policy sends, not the agent
            result.actions -= 1
            continue
        result.untagged += facts.tags is None
        start = _from(wide_open, caps, facts)
        if start is not None:
            _count(result.points[start], action, verdicts.get(action.pk, set()))
    # Each point has the actions that start at exactly its percentage; sum them up, since a higher dial covers them too.
    for before, point in zip(result.points, result.points[1:], strict=False):
        for name in NAMES:
            setattr(point, name, getattr(point, name) + getattr(before, name))
    return result


def auto_approved_from(rules: Rules, facts: Facts) -> int | None:
    """Return the lowest dial setting at which this action is auto-approved, or None. Unrecorded customer tags count as
    no tags, because most customers have none; the page shows how many were unrecorded."""
    return _from(*_apart(rules), facts)


def _apart(rules: Rules) -> tuple[Rules, dial.Dial]:
    """Return the rules with the dial at 100%, and the dial with only its shares for kinds and tags."""
    wide_open = rules.model_copy(update={"autonomy": dial.Dial()})
    return wide_open, rules.autonomy.model_copy(update={"percent": 100})


def _from(wide_open: Rules, caps: dial.Dial, facts: Facts) -> int | None:
    if facts.position is None or verdict_on(facts, wide_open).outcome != Outcome.AUTO_APPROVE:
        return None
    most, _ = caps.share(facts.kind, facts.tags or ())
    needed = dial.lowest_covering_percent(facts.position)
    return needed if needed <= most else None


def _count(point: Point, action: Action, verdicts: set[str]) -> None:
    point.alone += 1
    point.decided += bool(verdicts)
    point.expired += action.status == states.EXPIRED
    point.edited += Decision.Verdict.EDIT in verdicts
    point.rejected += Decision.Verdict.REJECT in verdicts
    point.failed += action.status in (states.FAILED, states.UNRESOLVED)


def _decisions(actions: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    rows = Decision.objects.filter(request__action__in=actions).values_list("request__action_id", "verdict")
    for action_id, verdict in rows:
        found.setdefault(action_id, set()).add(verdict)
    return found
