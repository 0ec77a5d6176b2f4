"""Settle attempts: the outcome, the guarded move and the AuditEvent in one transaction, fenced by the attempt's number,
so that a slow worker can't overwrite a newer attempt (docs/design.md, 5.4 and 8)."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from agentops.lib import redact
from agentops.lib.errors import IdempotencyMismatch, ProviderError, Terminal
from approvals import states, ticket_status, transitions
from approvals.audit import events
from approvals.effects import attempt_plan, pauses
from approvals.effects.kinds import KINDS
from approvals.kinds import noun
from approvals.models import Action
from approvals.policy import versions
from approvals.providers.receipt import FAILED, Receipt

log = logging.getLogger(__name__)
OVERTAKEN = "overtaken"  # the attempt's lease expired before it sent anything


def settle_success(action: Action, receipt: Receipt) -> None:
    """Record a provider's answer: the effect exists, or the provider says that it failed."""
    outcome = "terminal" if receipt.status == FAILED else "succeeded"
    _finish_attempt(action, outcome, receipt.http_status, receipt.answer)
    kept = receipt.stored()
    if receipt.status == FAILED:
        return _fail(action, Terminal("provider_failed", "The provider reports that this failed."), **kept)
    told = {"provider_reference": kept["provider_reference"], "replayed": receipt.replayed}
    _close(action, states.SUCCEEDED, "action.succeeded", told, not_before=None, **kept)
    return KINDS.of(action).succeeded(action)


def settle_failure(action: Action, error: ProviderError) -> None:
    """Record a failed attempt and apply what follows from it. A provider that refuses our credentials is paused."""
    described = error_fields(error)
    _finish_attempt(action, described.pop("error_class"), error.http_status, error.body, **described)
    if isinstance(error, IdempotencyMismatch):
        log.error(
            "%s: the provider has this key for a different request; this is a bug in AgentOps", action.idempotency_key
        )
        events.record_event(
            actor=events.SYSTEM,
            verb="action.key_mismatch",
            object_type="action",
            object_id=action.pk,
            before={"status": states.EXECUTING},
            after={"key": action.idempotency_key, "error": described["error_code"]},
        )
    outcomes = list(action.attempts.values_list("outcome", flat=True))
    match attempt_plan.after(error, outcomes, scale=settings.RETRY_BASE_SECONDS):
        case attempt_plan.TryAgain(delay, pause):
            if pause:
                pauses.pause_provider(error.provider or KINDS.of(action).providers[0], error.message)
            due = Now() + timedelta(seconds=delay)
            told = {"in_seconds": round(delay, 1)}
            _close(action, states.APPROVED, "action.retry_scheduled", told, error, not_before=due)
        case attempt_plan.Unknown():
            _unresolved(action, error)
        case attempt_plan.GiveUp():
            _fail(action, error)


def close_expired_attempt(action: Action) -> None:
    """Record that the attempt sent nothing, even if a newer attempt has already marked it as lost."""
    action.attempts.filter(number=action.fence, outcome__in=("", "lost")).update(
        outcome=OVERTAKEN,
        finished_at=Now(),
        error_code=OVERTAKEN,
        error_message="The attempt timed out before anything was sent.",
    )


def return_to_queue(action: Action, *, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """Return an action to the approval queue, because its order or customer changed before anything was sent."""
    _finish_attempt(action, "changed")
    _close(action, states.AWAITING_APPROVAL, "action.changed", {"changes": changes}, approved_at=None)
    hours = versions.policy_rules(versions.current_policy()).approval_hours
    transitions.request_approval(action, hours=hours, snapshot=snapshot, changes=changes)


def report_undelivered(action: Action, why: str) -> None:
    """Hand the ticket to a person if a person wrote the action, because no run would notice. Call it in the transaction
    of the action's move."""
    if action.run_id is None:
        what = f"A person's {noun(action.kind)} ({action.idempotency_key})"
        ticket_status.hand_to_person(action.ticket_id, f"{what} was not delivered: {redact.text(why)}", keep=True)


def error_fields(error: ProviderError) -> dict[str, str]:
    """Return the Action fields that store an error."""
    return {
        "error_code": redact.storable(error.code)[:60],
        "error_class": error.error_class,
        "error_message": redact.text(error.message)[:1000],
    }


def _unresolved(action: Action, error: ProviderError) -> None:
    # A person has to find out what cannot be looked up; asking for it again and again would only delay the others.
    due = Now() if KINDS.of(action).can_be_looked_up else None
    _close(action, states.UNRESOLVED, "action.unresolved", {}, error, not_before=due)
    if action.facts.get("fixed"):
        return  # an acknowledgement: the ticket is already with a person, for a better reason
    # This does not wake the waiting run, and the ticket may still say that it awaits approval.
    ticket_status.hand_to_person(action.ticket_id, f"The outcome of {action.idempotency_key} is unknown.")


def _fail(action: Action, error: ProviderError, **kept: Any) -> None:
    _close(action, states.FAILED, "action.failed", {"message": redact.text(error.message)[:300]}, error, **kept)
    report_undelivered(action, error.message)
    if action.kind not in KINDS:  # no run knows what to do instead
        why = f"{action.idempotency_key} was not sent: {redact.text(error.message)}"
        ticket_status.hand_to_person(action.ticket_id, why, keep=True)


def _close(
    action: Action, to: str, verb: str, details: dict[str, Any], error: ProviderError | None = None, **fields: Any
) -> None:
    """Move the action and end the attempt's lease. Raises transitions.Lost if a newer attempt has the action."""
    failure = error_fields(error) if error else {}
    transitions.move(
        action,
        to,
        actor=events.SYSTEM,
        verb=verb,
        holding=action.fence,
        details={"attempt": action.fence, **({"error": failure["error_code"]} if error else {}), **details},
        lease_expires_at=None,
        **failure,
        **fields,
    )


def _finish_attempt(
    action: Action, outcome: str, http_status: int | None = None, answer: str = "", **described: str
) -> None:
    action.attempts.filter(number=action.fence, outcome="").update(
        outcome=outcome,
        finished_at=Now(),
        http_status=http_status,
        answer=redact.text(answer)[:20_000],
        **described,
    )
