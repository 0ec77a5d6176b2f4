"""The faults of the outside world, the same for both sides: rates per request, and how often a language model
misbehaves."""

from typing import Any

HANGS_SECONDS = 4.0  # longer than either side waits
SLOW_SECONDS = 1.0

# After `*_after`, lost, garbage and truncated answers the effect has happened.
ON_REFUNDS = {
    "timeout_after": 0.06,
    "lost_answer": 0.08,
    "error_500_after": 0.05,
    "garbage": 0.03,
    "truncated": 0.03,
    "reset": 0.04,
    "error_500_before": 0.03,
    "unavailable": 0.04,
    "rate_limited": 0.04,
}
EVERYWHERE = {
    "timeout_before": 0.01,
    "timeout_after": 0.01,
    "lost_answer": 0.015,
    "reset": 0.015,
    "error_500_before": 0.01,
    "error_500_after": 0.015,
    "unavailable": 0.015,
    "rate_limited": 0.015,
    "garbage": 0.01,
    "truncated": 0.01,
    "slow": 0.01,
}
MODEL = {
    "invented_order_id": 0.05,
    "tracking_as_order_id": 0.06,
    "malformed_arguments": 0.04,
    "unknown_tool": 0.03,
    "wrong_types": 0.04,
    "claim_without_action": 0.05,
    "undeclared_claim": 0.03,
    "loop": 0.01,
    "obey_injection": 1.0,
    "two_calls": 0.05,
    "empty_answer": 0.03,
    "cut_off": 0.02,
    "refusal": 0.02,
    "over_refund": 0.05,
}


def table() -> dict[str, Any]:
    """Return the table for the simulator's `--faults`. A fault hits the same request at most twice, so retries
    succeed."""
    return {"endpoints": {"POST /refunds": _rules(ON_REFUNDS), "*": _rules(EVERYWHERE)}, "model": MODEL}


def _rules(rates: dict[str, float]) -> list[dict[str, Any]]:
    return [_rule(fault, rate) for fault, rate in rates.items()]


def _rule(fault: str, rate: float) -> dict[str, Any]:
    rule: dict[str, Any] = {"fault": fault, "rate": rate, "times": 2}
    if fault.startswith("timeout"):
        rule["seconds"] = HANGS_SECONDS
    if fault == "slow":
        rule["seconds"] = SLOW_SECONDS
    return rule
