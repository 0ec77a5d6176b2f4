"""Lower the autonomy dial when the rate of rejections or failures reaches the limit that the policy sets.

Only events after the last change of the dial count, so the same evidence never lowers it twice, and an admin who raises
it again starts with a clean slate.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Now

from agentops.lib.errors import Refused
from approvals import states
from approvals.audit import events
from approvals.models import Action, Attempt, Decision, DialLowering, PolicyVersion
from approvals.policy import versions
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Outcome

log = logging.getLogger(__name__)
_SAMPLE = 1_000  # a rate looks at no more than this many of the newest cases
SHOWN = 3  # a note names no more than this many parts of the dial
SAYS = {"rejected": "decisions were rejections", "failed": "auto-approved actions failed"}


@dataclass(frozen=True)
class Rate:
    """`part` of `whole` cases. `limit` is a percentage; None means that the policy doesn't watch this rate."""

    what: str
    part: int
    whole: int
    limit: int | None
    at_least: int

    @property
    def reached(self) -> bool:
        return self.limit is not None and self.whole >= self.at_least and self.part * 100 >= self.limit * self.whole

    @property
    def percent(self) -> int:
        return round(100 * self.part / self.whole) if self.whole else 0

    @property
    def so_far(self) -> str:
        return f"{self.part} of {self.whole} {SAYS[self.what]} ({self.percent}%)"

    def __str__(self) -> str:
        return f"{self.part} of {self.whole} {SAYS[self.what]} ({self.percent}%, limit {self.limit}%)"


def rates(version: PolicyVersion, rules: Rules) -> list[Rate]:
    """Return the current rates of rejections and failures, measured since the dial in `version` was set."""
    rule = rules.lowering
    since, window = _dial_set_at(version), timedelta(days=rule.window_days)
    decisions = Decision.objects.filter(
        Q(decided_at__gt=since), decided_at__gt=Now() - window, request__action__run_id__isnull=False
    )
    verdicts = list(decisions.order_by("-decided_at").values_list("verdict", flat=True)[:_SAMPLE])
    failed = _failed_alone(since, window)
    rejected = verdicts.count(Decision.Verdict.REJECT)
    return [
        Rate("rejected", rejected, len(verdicts), rule.rejected_percent, rule.at_least),
        Rate("failed", sum(failed), len(failed), rule.failed_percent, rule.at_least),
    ]


def due() -> list[int]:
    """Return the id of the version in force if its dial has to be lowered, else nothing."""
    version = versions.current_policy()
    return [version.pk] if _reached(version) else []


def lower_dial(version_id: int) -> PolicyVersion | None:
    """Save a version with a lower dial, its reason and its audit event. Returns None if `version_id` is no longer in
    force or no rate reaches its limit."""
    with transaction.atomic():
        # Judge again under the lock: an admin may have saved a version since the sweep looked.
        versions.lock_policy()
        version = versions.current_policy()
        reached = _reached(version) if version.pk == version_id else []
        if not reached:
            return None
        rules = versions.policy_rules(version)
        lowered = rules.autonomy.lowered(rules.lowering.step, rules.lowering.floor)
        before, after = rules.autonomy.percent, lowered.percent
        fell = _all(lowered.falls_from(rules.autonomy))
        why = "; ".join(map(str, reached))
        made = versions.save_policy(
            rules=rules.model_copy(update={"autonomy": lowered}),
            by=None,
            note=f"Dial lowered automatically {fell}: {why}.",
        )
        figures = [asdict(rate) for rate in reached]
        DialLowering.objects.create(version=made, before=before, after=after, figures=figures, why=f"{why}.")
        events.record_event(
            actor=events.SYSTEM,
            verb="dial.lowered",
            object_type="policy",
            object_id=made.pk,
            before={"percent": before},
            after={"percent": after, "fell": fell, "why": why, "figures": figures},
        )
    log.warning("dial lowered automatically %s: %s", fell, why)
    return made


def unseen_lowering() -> DialLowering | None:
    """Return the last lowering if the dial is still at that setting and no admin has acknowledged it."""
    last = DialLowering.objects.select_related("version").order_by("-version_id").first()
    if last is None or last.acknowledged_at is not None:
        return None
    return last if last.version.rules.get("autonomy") == versions.current_policy().rules.get("autonomy") else None


def acknowledge_lowering(*, version_id: int, by: User) -> bool:
    """Record that an admin has seen the lowering. Returns False if one already had."""
    with transaction.atomic():
        unseen = DialLowering.objects.filter(version=version_id, acknowledged_at__isnull=True)
        seen = unseen.update(acknowledged_at=Now(), acknowledged_by=by)
        if seen:
            events.record_event(
                actor=by.get_username(), verb="dial.acknowledged", object_type="policy", object_id=version_id
            )
    return bool(seen)


def _all(falls: list[str]) -> str:
    """Join the first few for a note, which has limited room."""
    more = f", and {len(falls) - SHOWN} more" if len(falls) > SHOWN else ""
    return ", ".join(falls[:SHOWN]) + more


def _reached(version: PolicyVersion) -> list[Rate]:
    try:
        rules = versions.policy_rules(version)
    except Refused:  # unreadable rules approve nothing automatically, so there is nothing to lower
        return []
    rule, dial = rules.lowering, rules.autonomy
    if not rule.watches or dial.lowered(rule.step, rule.floor) == dial:
        return []
    return [rate for rate in rates(version, rules) if rate.reached]


def _failed_alone(since: datetime, window: timedelta) -> list[bool]:
    """Return whether each auto-approved action that ended in the window failed, newest first.

    An unresolved action counts as failed from the moment it became unresolved. If the provider later confirms the
    failure, that is the same event and does not count again.
    """
    last = Attempt.objects.filter(action=OuterRef("pk")).order_by("-number")
    ended_at = Case(
        When(Q(status=states.SUCCEEDED) | Q(last_outcome="succeeded"), then=F("settled_at")),
        default=Coalesce(Subquery(last.values("finished_at")[:1]), F("settled_at")),
    )
    own = Action.objects.filter(run_id__isnull=False, verdict=Outcome.AUTO_APPROVE)
    own = own.filter(Q(facts__fixed__isnull=True) | Q(facts__fixed=False))
    ended = own.annotate(last_outcome=Subquery(last.values("outcome")[:1])).annotate(ended_at=ended_at)
    ended = ended.filter(Q(ended_at__gt=since), ended_at__gt=Now() - window)
    settled = ended.filter(  # repeats the window on `settled_at`, because that column has an index
        Q(settled_at__gt=since), settled_at__gt=Now() - window, status__in=(states.SUCCEEDED, states.FAILED)
    ).order_by("-settled_at", "-pk")
    unknown = ended.filter(status=states.UNRESOLVED).order_by("-ended_at", "-pk")
    rows = [*settled.values_list("ended_at", "status")[:_SAMPLE], *unknown.values_list("ended_at", "status")[:_SAMPLE]]
    return [status != states.SUCCEEDED for _, status in sorted(rows, reverse=True)[:_SAMPLE]]


def _dial_set_at(version: PolicyVersion) -> datetime:
    """Return when the dial was set to its value in this version."""
    same = Q(rules__autonomy=version.rules.get("autonomy"))
    other = PolicyVersion.objects.filter(~same | Q(rules__autonomy__isnull=True), pk__lt=version.pk).order_by("-pk")
    last_other = other.values_list("pk", flat=True).first() or 0
    first = PolicyVersion.objects.filter(pk__gt=last_other).order_by("pk").values_list("created_at", flat=True).first()
    return first or version.created_at
