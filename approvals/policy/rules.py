"""The rules of the policy, as a PolicyVersion stores them and people set them; `policy.verdicts` applies them. Pure."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    delivery; 0 means no window. `replies_per_day` is how many replies a ticket gets in 24 hours without a person, so
    that two machines can't answer each other forever; 0 means no limit. `acknowledge` says which runs send the customer
    the fixed text `acknowledgement`: those that `failed`, or all that end `with_person`. A blocked wish goes to a
    person, unless `agent_may_decline` lists its kind: then the agent may turn it down alone.
    """

    thresholds: list[Threshold] = Field(default_factory=list)
    share_of_order_percent: Annotated[int, Field(ge=0, le=100)] = 100
    refund_window_days: Annotated[int, Field(ge=0, le=3650)] = 0
    customer_30_days: list[CurrencyLimit] = Field(default_factory=list)
    customer_30_days_count: Annotated[int, Field(ge=0)] = 3
    agent_today: list[CurrencyLimit] = Field(default_factory=list)
    replies_need_approval: bool = False
    replies_per_day: Annotated[int, Field(ge=0, le=1000)] = 5
    approval_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 72
    agent_may_decline: list[dial.KindName] = Field(default_factory=list)
    acknowledge: Literal["never", "failed", "with_person"] = "never"
    acknowledgement: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")] = ACKNOWLEDGEMENT
    autonomy: dial.Dial = Field(default_factory=dial.Dial)
    lowering: dial.Lowering = Field(default_factory=dial.Lowering)

    @model_validator(mode="after")
    def one_row_each(self) -> "Rules":
        _unique([(row.kind, row.currency) for row in self.thresholds], "Limits per action", of="kind and currency")
        _unique([row.currency for row in self.customer_30_days], "Per customer in 30 days")
        _unique([row.currency for row in self.agent_today], "Auto-approved per day")
        _unique(self.agent_may_decline, "Blocked requests", of="kind")
        _unique([row.kind for row in self.autonomy.kinds], "Per action", of="kind")
        _unique([row.tag for row in self.autonomy.tags], "Per customer tag", of="tag")
        return self

    @property
    def named_kinds(self) -> set[str]:
        """The kinds of action that have a row of their own, or that the agent may decline."""
        rows = {row.kind for row in self.thresholds} | {row.kind for row in self.autonomy.kinds}
        return rows | set(self.agent_may_decline)


def _unique(keys: Sequence[object], what: str, of: str = "currency") -> None:
    if len(keys) != len(set(map(str, keys))):
        raise ValueError(f"{what}: two rows have the same {of}.")
