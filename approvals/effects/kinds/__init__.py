"""The kinds of action: one module and one row each."""

from approvals.effects.kinds.account_change import AccountChangeKind
from approvals.effects.kinds.cancel_order import CancelOrderKind
from approvals.effects.kinds.refund import RefundKind
from approvals.effects.kinds.registry import KINDS
from approvals.effects.kinds.reply import REPLY
from approvals.policy import rules
from approvals.policy.rules import Facts, Rules, Verdict

KINDS.add(RefundKind(), CancelOrderKind(), AccountChangeKind(), REPLY)


def verdict_on(facts: Facts, by: Rules) -> Verdict:
    """Return the policy's verdict. A kind that this release doesn't have is blocked."""
    kind = KINDS.get(facts.kind)
    own = (
        kind.judge(by, facts)
        if kind
        else [rules.block("unknown_kind", f"The policy doesn't know the action {facts.kind!r}")]
    )
    return rules.evaluate(by, facts, own)


__all__ = ["KINDS", "REPLY", "verdict_on"]
