"""Judge a proposed action: auto_approve, require_approval or block, with every reason that applies.

Pure: rules and facts in, verdict out (docs/design.md, 2). Amounts are in minor units. If a fact that a rule needs is
missing, the rule does not pass (docs/design.md, 5.17).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agentops.lib.money import Money, display
from approvals.kinds import noun
from approvals.policy import dial

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Limit = Annotated[int, Field(ge=0, le=10**15)]
ACKNOWLEDGEMENT = "Thank you for your message. A colleague of mine will read it and answer you."


class PolicyPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(PolicyPart):
    """Auto-approve amounts up to `auto_up_to`, ask a person up to `block_above`, and block anything above."""

    kind: dial.KindName
    currency: Currency
    auto_up_to: Limit
    block_above: Limit

    @model_validator(mode="after")
    def ordered(self) -> "Threshold":
        if self.auto_up_to > self.block_above:
            raise ValueError("auto_up_to must not be above block_above")
        return self


class CurrencyLimit(PolicyPart):
    currency: Currency
    up_to: Limit


class Rules(PolicyPart):
    """The rules of a PolicyVersion.

    An amount in a currency that a limit doesn't list needs approval. `refund_window_days` counts whole days after the
    delivery; 0 means no window. `acknowledge` says which runs send the customer the fixed text `acknowledgement`: those
    that `failed`, or all that end `with_person`.
    """

    thresholds: list[Threshold] = Field(default_factory=list)
    share_of_order_percent: Annotated[int, Field(ge=0, le=100)] = 100
    refund_window_days: Annotated[int, Field(ge=0, le=3650)] = 0
    customer_30_days: list[CurrencyLimit] = Field(default_factory=list)
    customer_30_days_count: Annotated[int, Field(ge=0)] = 3
    agent_today: list[CurrencyLimit] = Field(default_factory=list)
    replies_need_approval: bool = False
    approval_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 72
    acknowledge: Literal["never", "failed", "with_person"] = "never"
    acknowledgement: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")] = ACKNOWLEDGEMENT
    autonomy: dial.Dial = Field(default_factory=dial.Dial)
    lowering: dial.Lowering = Field(default_factory=dial.Lowering)

    @model_validator(mode="after")
    def one_row_each(self) -> "Rules":
        _unique([(row.kind, row.currency) for row in self.thresholds], "Limits per action", of="kind and currency")
        _unique([row.currency for row in self.customer_30_days], "Per customer in 30 days")
        _unique([row.currency for row in self.agent_today], "Auto-approved per day")
        _unique([row.kind for row in self.autonomy.kinds], "Per action", of="kind")
        _unique([row.tag for row in self.autonomy.tags], "Per customer tag", of="tag")
        return self


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
    grounding check's findings on a reply. `position` is the ticket's on the dial, `tags` are the customer's.
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
    fixed: bool = False  # the acknowledgement of the policy, whose text people have approved
    ungrounded: tuple[str, ...] = ()
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
    reasons += _autonomy(rules.autonomy, facts)
    outcomes = {reason.outcome for reason in reasons}
    for strictest in (Outcome.BLOCK, Outcome.REQUIRE_APPROVAL):
        if strictest in outcomes:
            return Verdict(strictest, tuple(reasons))
    return Verdict(Outcome.AUTO_APPROVE, tuple(reasons))


def money(rules: Rules, facts: Facts, *checks: Callable[[Rules, Facts], list[Reason]]) -> list[Reason]:
    """The reasons for an action that moves money: its threshold, the kind's own checks, and the sums it adds to."""
    if facts.money is None:
        return [block("amount_unknown", "The amount or its currency is unknown")]
    amount, currency = facts.money.amount, facts.money.currency
    reasons = _threshold(rules, facts.kind, amount, currency)
    for check in checks:
        reasons += check(rules, facts)
    before = facts.customer_30_days_count
    if before is None or before + 1 > rules.customer_30_days_count:
        reasons.append(
            person(
                "customer_30_days_count",
                f"{'An unknown number of' if before is None else before} refunds to this customer in the last 30 days "
                f"(limit {rules.customer_30_days_count})",
            )
        )
    reasons += _total("customer_30_days", "refunded to this customer in 30 days", rules.customer_30_days,
                      facts.customer_30_days, amount, currency)  # fmt: skip
    reasons += _total("agent_today", "auto-approved today", rules.agent_today,
                      facts.agent_today, amount, currency)  # fmt: skip
    return reasons


def _threshold(rules: Rules, kind: str, amount: int, currency: str) -> list[Reason]:
    row = next((row for row in rules.thresholds if (row.kind, row.currency) == (kind, currency)), None)
    if row is None:
        return [person("no_threshold", f"No {noun(kind)} limit is set for {currency}")]
    shown = display(amount, currency)
    if amount > row.block_above:
        return [block("above_ceiling", f"{shown} is over the block limit of {display(row.block_above, currency)}")]
    if amount > row.auto_up_to:
        limit = display(row.auto_up_to, currency)
        return [person("above_threshold", f"Over the agent's {limit} limit")]
    return []


def share(rules: Rules, facts: Facts) -> list[Reason]:
    """How much of the order would be returned."""
    if facts.money is None or facts.captured is None or facts.order_refunded is None:
        return [person("share_of_order", "The share of the order is unknown")]
    total = facts.money.amount + facts.order_refunded
    if total * 100 > rules.share_of_order_percent * facts.captured:
        percent = total * 100 // max(facts.captured, 1)
        return [person("share_of_order", f"{percent}% of the order would be refunded "
                        f"(limit {rules.share_of_order_percent}%)")]  # fmt: skip
    return []


def window(rules: Rules, facts: Facts) -> list[Reason]:
    """How long ago the order was delivered."""
    days, most = facts.days_since_delivery, rules.refund_window_days
    if not most or (days is not None and days <= most):
        return []
    told = "The delivery date is unknown" if days is None else f"Delivered {days} days ago"
    return [person("refund_window", f"{told} (limit {most} days)")]


def _total(
    code: str, what: str, limits: list[CurrencyLimit], before: int | None, amount: int, currency: str
) -> list[Reason]:
    limit = next((row.up_to for row in limits if row.currency == currency), None)
    if limit is None or before is None:
        missing = "No limit is set for" if limit is None else "Unknown total of"
        return [person(code, f"{missing} {currency} {what}")]
    if before + amount > limit:
        total = display(before + amount, currency)
        return [person(code, f"{total} would be {what} (limit {display(limit, currency)})")]
    return []


def reply(rules: Rules, facts: Facts) -> list[Reason]:
    """What a reply says without ground, and whether people read every reply."""
    reasons = [person("claim_without_ground", sentence) for sentence in facts.ungrounded]
    if rules.replies_need_approval and not facts.fixed:
        reasons.append(person("replies_need_approval", "Every reply needs approval"))
    return reasons


def _autonomy(set_to: dial.Dial, facts: Facts) -> list[Reason]:
    percent, why = set_to.share(facts.kind, facts.tags)
    if facts.fixed or percent == 100 or (facts.position is not None and dial.covers(percent, facts.position)):
        return []
    where = f" ({why})" if why else ""
    message = f"Not among the {percent}% of tickets{where} that the agent handles without approval"
    return [person("outside_autonomy", message)]


def person(code: str, message: str) -> Reason:
    """A reason to ask a person."""
    return Reason(code=code, message=message, outcome=Outcome.REQUIRE_APPROVAL)


def block(code: str, message: str) -> Reason:
    """A reason to refuse."""
    return Reason(code=code, message=message, outcome=Outcome.BLOCK)


def _unique(keys: Sequence[object], what: str, of: str = "currency") -> None:
    if len(keys) != len(set(map(str, keys))):
        raise ValueError(f"{what}: two rows have the same {of}.")
