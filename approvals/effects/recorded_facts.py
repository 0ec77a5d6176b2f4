"""Read back the facts that an action was judged by, to judge it again by other rules."""

from agentops.lib.money import Money
from approvals.models import Action
from approvals.policy import dial
from approvals.policy.verdicts import Facts


def recorded_facts(action: Action) -> Facts:
    """Return the facts that the action was judged by. The dial position is computed again, because it never changes."""
    kept = {"kind": action.kind, **action.facts}
    kept["money"] = Money.of(kept.pop("amount", None), kept.pop("currency", None))
    kept["ungrounded"] = tuple(kept.get("ungrounded", ()))
    kept["position"] = dial.position(action.ticket_id)
    kept["tags"] = None if kept.get("tags") is None else tuple(kept["tags"])
    return Facts(**kept)
