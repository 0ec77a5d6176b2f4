"""Load the effects that a ticket's replies may mention, and make sure that replies declare them (docs/design.md,
5.10)."""

from collections.abc import Collection
from typing import Any

from agentops.lib.errors import Refused
from approvals import states
from approvals.grounding import check
from approvals.grounding.check import SucceededEffect
from approvals.models import Action

INCOMPLETE = "claims_incomplete"


def succeeded_effects(ticket_id: str) -> list[SucceededEffect]:
    """Return the ticket's succeeded actions, oldest first."""
    succeeded = Action.objects.filter(ticket=ticket_id, status=states.SUCCEEDED).order_by("pk")
    return [effect_from(row) for row in succeeded]


def effect_from(action: Action) -> SucceededEffect:
    """Describe a succeeded action, with the order's captured total from its snapshot."""
    payments = action.snapshot.get("payments")
    return SucceededEffect(
        kind=action.kind,
        order_id=action.order_id,
        money=action.money,
        key=action.idempotency_key,
        captured=sum(payment["captured"] for payment in payments) if payments else None,
    )


def require_complete(
    text: str, claims: list[dict[str, Any]], done: list[SucceededEffect], cancelled: Collection[str]
) -> None:
    """Raise Refused only for true statements that `claims` does not declare, because the model can correct that. False
    statements are left to the policy, which asks a person."""
    missing = check.find_ungrounded(text, claims, done, cancelled)
    if missing and not check.is_untrue(text, claims, done, cancelled):
        raise Refused(
            INCOMPLETE,
            " ".join(missing) + " List every effect that the text tells of in `claims`, each with its action's key.",
            valid=[check.claim_for(effect) for effect in done],
        )
