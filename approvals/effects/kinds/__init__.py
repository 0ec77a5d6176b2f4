"""The kinds of action: one module and one row each."""

from approvals.effects.kinds.account_change import AccountChangeKind
from approvals.effects.kinds.cancel_order import CancelOrderKind
from approvals.effects.kinds.refund import RefundKind
from approvals.effects.kinds.registry import KINDS
from approvals.effects.kinds.reply import REPLY
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Verdict

KINDS.add(RefundKind(), CancelOrderKind(), AccountChangeKind(), REPLY)


def verdict_on(facts: Facts, by: Rules) -> Verdict:
    """Return the policy's verdict. A kind that this release doesn't have is blocked."""
    return verdicts.evaluate(by, facts, KINDS.named(facts.kind).judge(by, facts))


__all__ = ["KINDS", "REPLY", "verdict_on"]
