"""Choose the model for a step: a pure function of the recorded steps, so a resumed run is routed the same way.

The cheap model does triage and simple cases. The expert model takes over when a signal asks for it, and keeps the
run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agentops.llm.tiers import PLAIN, Tier
from agentops.runs import turn
from agentops.runs.turn import Recorded, Triage

UNREADABLE = "unreadable_triage"
SIGNS = {
    "ambiguous": "Triage: ambiguous ticket",
    "risk_signs": "Triage: signs of risk",
    "refused_call": "Tool call rejected for wrong arguments or references",
    "no_call": "Response without a tool call",
}
POLICY_CODES = {
    "above_threshold": "Amount over the agent's limit",
    "above_ceiling": "Amount over the block limit",
    "no_threshold": "No limit set for the currency",
    "share_of_order": "Share of the order over its limit",
    "customer_30_days": "Customer's 30-day total over its limit",
    "customer_30_days_count": "Customer's 30-day refund count over its limit",
    "agent_today": "Auto-approved total today over its limit",
    "further_effect": "Another action of the same kind on the ticket",
    "claim_without_ground": "Unverified claim in a reply",
    "account_change": "Account change",
}
CODES = SIGNS | POLICY_CODES


class RoutingRules(BaseModel):
    """The signals that select the expert model. An unreadable triage always selects it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    expert_on: tuple[str, ...] = Field(
        default=(*SIGNS, "above_threshold", "above_ceiling", "further_effect", "claim_without_ground")
    )

    @field_validator("expert_on")
    @classmethod
    def known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(given) - set(CODES):
            raise ValueError(f"{', '.join(sorted(unknown))}: no sign of that name; valid are {', '.join(CODES)}")
        return tuple(code for code in CODES if code in given)


@dataclass(frozen=True)
class Route:
    """`code` is `plain` or the signal that selected the expert model; `why` is a sentence for people."""

    tier: Tier
    code: str
    why: str


FIRST = Route("plain", PLAIN, "The standard model reads every ticket first.")


def choose_route(steps: Sequence[Recorded], rules: RoutingRules) -> Route:
    """Return the route of the model call after `steps`. Once selected, the expert model keeps the run."""
    for step in steps:
        if step.kind == turn.LLM and step.routed not in ("", PLAIN):
            return Route("expert", step.routed, step.why)
    for code, what in _signs(steps):
        if code == UNREADABLE or code in rules.expert_on:
            return Route("expert", code, what)
    return Route("plain", PLAIN, "Simple ticket: no rule asks for the larger model.")


def _signs(steps: Sequence[Recorded]) -> Iterator[tuple[str, str]]:
    for step in steps:
        match step.kind:
            case turn.TRIAGE:
                yield from _of_triage(step)
            case turn.LLM if step.status == turn.DONE and not turn.calls_of(step.output or {}):
                yield "no_call", "The standard model responded without a tool call."
            case turn.TOOL:
                yield from _of_tool(step)


def _of_triage(step: Recorded) -> Iterator[tuple[str, str]]:
    output = step.output.get("triage") if isinstance(step.output, Mapping) else None
    if step.error_code or output is None:
        yield UNREADABLE, "Triage failed."
        return
    triage = Triage.model_validate(output)
    if triage.ambiguous:
        yield "ambiguous", "Triage found it unclear what the customer wants."
    if triage.risk_signs:
        yield "risk_signs", f"Triage saw signs of risk: {', '.join(triage.risk_signs)[:200]}."


def _of_tool(step: Recorded) -> Iterator[tuple[str, str]]:
    if step.error_class == "refused":
        yield "refused_call", f"The {step.name} call was rejected: {step.error_code}."
    for code in step.reasons:
        if code in POLICY_CODES:
            yield code, f"Policy for {step.name}: {POLICY_CODES[code].lower()}."
