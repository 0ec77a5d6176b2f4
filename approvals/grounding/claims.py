"""What a ticket's replies may tell of: its succeeded actions, and whether a reply names them (docs/design.md, 5.10)."""

from collections.abc import Collection
from typing import Any

from agentops.lib.errors import Refused
from approvals import states
from approvals.grounding import check
from approvals.grounding.check import Effect
from approvals.models import Action

INCOMPLETE = "claims_incomplete"


def effects(ticket_id: str) -> list[Effect]:
    """The ticket's succeeded actions, replies apart, oldest first."""
    succeeded = Action.objects.filter(ticket=ticket_id, status=states.SUCCEEDED).exclude(kind="reply").order_by("pk")
    return [effect_of(row) for row in succeeded]


def effect_of(action: Action) -> Effect:
    """What a succeeded action did, and to an order that was paid with how much when it was judged."""
    payments = action.snapshot.get("payments")
    return Effect(
        kind=action.kind,
        order_id=action.order_id,
        amount=action.amount,
        currency=action.currency,
        key=action.idempotency_key,
        captured=sum(payment["captured"] for payment in payments) if payments else None,
    )


def require_complete(text: str, claims: list[dict[str, Any]], done: list[Effect], cancelled: Collection[str]) -> None:
    """Raises Refused where a reply is true but does not say on which actions it rests: the model can mend that. What
    did not happen is no slip of form, and is left to the policy, which has a person read it."""
    missing = check.ungrounded(text, claims, done, cancelled)
    if missing and not check.untrue(text, claims, done, cancelled):
        raise Refused(
            INCOMPLETE,
            " ".join(missing) + " List every effect that the text tells of in `claims`, each with its action's key.",
            valid=[check.claim_of(effect) for effect in done],
        )
