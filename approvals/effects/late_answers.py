"""Handle what providers report about an action after it was settled, or after its attempt was given up."""

import logging
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from agentops.lib import redact
from approvals import states, ticket_status
from approvals.audit import events
from approvals.effects import settlement
from approvals.effects.kinds import KINDS
from approvals.kinds import noun
from approvals.models import Action
from approvals.providers.receipt import FAILED, PENDING, Receipt

log = logging.getLogger(__name__)
LATE = "answered_late"  # error code of an attempt that was given up, but had succeeded


def apply_late_answer(action: Action, receipt: Receipt) -> None:
    """Store the answer of an attempt whose action was taken over in the meantime.

    An unresolved action is looked up now, or has succeeded if it can't be looked up. If we recorded the action as not
    done, its ticket goes to a person.
    """
    kind = KINDS.of(action)
    late = action.attempts.filter(number=action.fence)
    action.refresh_from_db()
    late.update(http_status=receipt.http_status, answer=redact.text(receipt.answer)[:20_000])
    another = action.provider_reference not in ("", receipt.stored()["provider_reference"])
    if receipt.status == FAILED:  # no effect, so there is nothing to correct
        return
    late.update(error_code=LATE, error_message="This went through. The response arrived after we stopped waiting.")
    # The action is attempted again under the same key, so leave its outcome to that attempt.
    if action.status in (states.APPROVED, states.EXECUTING):
        return
    if action.status == states.UNRESOLVED and not kind.can_be_looked_up:
        answered = {"answered_late": receipt.reference}
        settlement.close(action, states.SUCCEEDED, "action.reconciled", answered, receipt=receipt)
    elif action.status == states.UNRESOLVED:
        Action.objects.filter(pk=action.pk).update(not_before=Now())
    elif action.status != states.SUCCEEDED or another:
        report_contradiction(action, reference=receipt.reference, status=receipt.status, who="The provider")


def report_contradiction(action: Action, *, reference: str, status: str, who: str) -> None:
    """Hand the ticket to a person, because the provider has an effect under our key that our records don't show."""
    log.error("%s is %s, and %s has %s for it: %s", action, action.status, who, reference, status)
    events.record_action_event(
        action,
        "action.contradicted",
        before={"status": action.status},
        after={"provider_reference": reference, "provider_status": status},
    )
    what = noun(action.kind)
    reason = f"{who} has the {what} {reference} ({status}) for {action}, which is {action.status} here."
    ticket_status.hand_to_person(action.ticket_id, reason, keep=True)


def record_arrival(action: Action, result: dict[str, Any]) -> bool:
    """Record that a pending effect is complete, and return whether that is new. The status doesn't change, because the
    action counts as succeeded once the provider has accepted it. `result` is the provider's current record."""
    known = action.result or {}
    if known.get("status") != PENDING:  # read before: the usual case takes no transaction
        return False
    on_its_way = Action.objects.filter(pk=action.pk, status=states.SUCCEEDED, result__status=PENDING)
    with transaction.atomic():
        if not on_its_way.update(result={**known, **result}):
            return False
        events.record_action_event(
            action,
            "action.arrived",
            before={"status": action.status},
            after={
                "provider_reference": action.provider_reference,
                "provider_status": result.get("provider_status", result["status"]),
            },
        )
    return True
