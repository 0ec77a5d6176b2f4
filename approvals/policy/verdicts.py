"""Judge a proposed action: auto_approve, require_approval or block, with every reason that applies.

Pure: rules and facts in, verdict out (docs/design.md, 2). Amounts are in minor units. If a fact that a rule needs is
missing, the rule does not pass (docs/design.md, 5.17).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from agentops.lib.money import Money
from approvals.kinds import noun
from approvals.policy.rules import CurrencyLimit, Rules


class Outcome(StrEnum):
    AUTO_APPROVE = "auto_approve"
    REQUIRE_APPROVAL = "require_approval"
    BLOCK = "block"


class Reason(BaseModel):
    """A rule that applied: a stable code, a sentence for people, and the outcome it asks for."""

    model_config = ConfigDict(frozen=True)
    code: str
    message: str
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Facts:
    """What is known about an action when it is judged; None means unknown.

    Sums are minor units over approved and succeeded actions in `currency`, without this one. `captured` and
    `order_refunded` are the order's. `days_since_delivery` is 0 if the order is not delivered yet. `ungrounded` are the
    grounding check's findings on a reply, `replies_today` the ticket's automatic replies of a day. `written_since`: the
    customer wrote since the proposer read the ticket. `position` is the ticket's on the dial, `tags` the customer's.
    """

    kind: str
    money: Money | None = None
    captured: int | None = None
    order_refunded: int | None = None
    customer_30_days: int | None = None
    customer_30_days_count: int | None = None
    agent_today: int | None = None
    days_since_delivery: int | None = None
    further: bool = False
    written_since: bool = False
    fixed: bool = False  # the acknowledgement of the policy, whose text people have approved
    ungrounded: tuple[str, ...] = ()
    replies_today: int = 0
    position: int | None = None
    tags: tuple[str, ...] | None = None

    def stored(self) -> dict[str, Any]:
        """As an action's row keeps them: the amount and its currency apart."""
        kept = asdict(self)
        return {**(kept.pop("money") or {"amount": None, "currency": None}), **kept}


def evaluate(rules: Rules, facts: Facts, own: Sequence[Reason]) -> Verdict:
    """Return the strictest outcome, with every reason that fired. `own` are the reasons of the action's kind; what
    holds for every kind is added here."""
    reasons = list(own)
    if facts.further:
        reasons.append(person("further_effect", f"Another {noun(facts.kind)} on this ticket"))
    if facts.written_since:
        reasons.append(person("customer_wrote_since", "The customer has written since the agent read the ticket"))
    outside = "" if facts.fixed else rules.autonomy.excludes(facts.kind, facts.tags, facts.position)
    if outside:
        reasons.append(person("outside_autonomy", outside))
    asked = {reason.outcome for reason in reasons}
    strictest = next((each for each in (Outcome.BLOCK, Outcome.REQUIRE_APPROVAL) if each in asked), None)
    return Verdict(strictest or Outcome.AUTO_APPROVE, tuple(reasons))


def money(rules: Rules, facts: Facts, *checks: Callable[[Rules, Facts], list[Reason]]) -> list[Reason]:
    """The reasons for an action that moves money: its threshold, the kind's own checks, and the sums it adds to."""
    if facts.money is None:
        return [block("amount_unknown", "The amount or its currency is unknown")]
    reasons = _threshold(rules, facts.kind, facts.money)
    for check in checks:
        reasons += check(rules, facts)
    before, limit = facts.customer_30_days_count, rules.customer_30_days_count
    if before is None or before + 1 > limit:
        many = "An unknown number of" if before is None else before
        message = f"{many} refunds to this customer in the last 30 days (limit {limit})"
        reasons.append(person("customer_30_days_count", message))
    returned, alone = "refunded to this customer in 30 days", "auto-approved today"
    reasons += _total("customer_30_days", returned, rules.customer_30_days, facts.customer_30_days, facts.money)
    return reasons + _total("agent_today", alone, rules.agent_today, facts.agent_today, facts.money)


def _threshold(rules: Rules, kind: str, wanted: Money) -> list[Reason]:
    currency = wanted.currency
    row = next((row for row in rules.thresholds if (row.kind, row.currency) == (kind, currency)), None)
    if row is None:
        return [person("no_threshold", f"No {noun(kind)} limit is set for {currency}")]
    alone, most = Money(row.auto_up_to, currency), Money(row.block_above, currency)
    if wanted > most:
        return [block("above_ceiling", f"{wanted} is over the block limit of {most}")]
    return [person("above_threshold", f"Over the agent's {alone} limit")] if wanted > alone else []


def share(rules: Rules, facts: Facts) -> list[Reason]:
    """How much of the order would be returned."""
    if facts.money is None or facts.captured is None or facts.order_refunded is None:
        return [person("share_of_order", "The share of the order is unknown")]
    total, most = facts.money.amount + facts.order_refunded, rules.share_of_order_percent
    if total * 100 <= most * facts.captured:
        return []
    percent = total * 100 // max(facts.captured, 1)
    return [person("share_of_order", f"{percent}% of the order would be refunded (limit {most}%)")]


def window(rules: Rules, facts: Facts) -> list[Reason]:
    """How long ago the order was delivered."""
    days, most = facts.days_since_delivery, rules.refund_window_days
    if not most or (days is not None and days <= most):
        return []
    told = "The delivery date is unknown" if days is None else f"Delivered {days} days ago"
    return [person("refund_window", f"{told} (limit {most} days)")]


def _total(code: str, what: str, limits: list[CurrencyLimit], before: int | None, added: Money) -> list[Reason]:
    limit = next((row.up_to for row in limits if row.currency == added.currency), None)
    if limit is None or before is None:
        missing = "No limit is set for" if limit is None else "Unknown total of"
        return [person(code, f"{missing} {added.currency} {what}")]
    total, most = Money(before, added.currency) + added, Money(limit, added.currency)
    return [person(code, f"{total} would be {what} (limit {most})")] if total > most else []


def person(code: str, message: str) -> Reason:
    """A reason to ask a person."""
    return Reason(code=code, message=message, outcome=Outcome.REQUIRE_APPROVAL)


def block(code: str, message: str) -> Reason:
    """A reason to refuse."""
    return Reason(code=code, message=message, outcome=Outcome.BLOCK)
