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
from approvals.models import Action
from approvals.providers.receipt import FAILED, Receipt

log = logging.getLogger(__name__)
PROVIDER_FAILED = ("provider_failed", "The provider reports that this failed.")


def settle_success(action: Action, receipt: Receipt) -> None:
    """Record a provider's answer: the effect exists, or the provider says that it failed."""
    failed = receipt.status == FAILED
    finish_attempt(action, "terminal" if failed else "succeeded", receipt=receipt)
    if failed:
        return _fail(action, Terminal(*PROVIDER_FAILED), receipt)
    told = {"provider_reference": receipt.stored()["provider_reference"], "replayed": receipt.replayed}
    return close(action, states.SUCCEEDED, "action.succeeded", told, receipt=receipt, not_before=None)


def settle_failure(action: Action, error: ProviderError) -> None:
    """Record a failed attempt and apply what follows from it. A provider that refuses our credentials is paused."""
    finish_attempt(action, error.error_class, error=error)
    if isinstance(error, IdempotencyMismatch):
        log.error("%s: the provider has this key for a different request, a bug in AgentOps", action.idempotency_key)
        executing, seen = {"status": states.EXECUTING}, {"error": redact.storable(error.code)}
        events.record_action_event(action, "action.key_mismatch", before=executing, after=seen)
    outcomes = list(action.attempts.values_list("outcome", flat=True))
    match attempt_plan.after(error, outcomes, scale=settings.RETRY_BASE_SECONDS):
        case attempt_plan.TryAgain(delay, pause):
            if pause:
                pauses.pause_provider(error.provider or KINDS.of(action).providers[0], error.message)
            due, told = Now() + timedelta(seconds=delay), {"in_seconds": round(delay, 1)}
            close(action, states.APPROVED, "action.retry_scheduled", told, error=error, not_before=due)
        case attempt_plan.Unknown():
            _unresolved(action, error)
        case attempt_plan.GiveUp():
            _fail(action, error)


def finish_attempt(
    action: Action, outcome: str, *, receipt: Receipt | None = None, error: ProviderError | None = None, known: str = ""
) -> None:
    """Write the outcome of the attempt that has the fence, if it is still open. `known` is an outcome that it may
    replace."""
    answer = receipt.answer if receipt else error.body if error else ""
    written = {"http_status": getattr(receipt or error, "http_status", None), "answer": redact.text(answer)[:20_000]}
    if error:
        written |= {name: value for name, value in _described(error).items() if name != "error_class"}
    attempt = action.attempts.filter(number=action.fence, outcome__in={"", known})
    attempt.update(outcome=outcome, finished_at=Now(), **written)


def close(
    action: Action,
    to: str,
    verb: str,
    details: dict[str, Any],
    *,
    actor: str = events.SYSTEM,
    error: ProviderError | None = None,
    receipt: Receipt | None = None,
    **fields: Any,
) -> None:
    """Move the action, end its lease, store what the provider reported, and apply what follows for its kind. Call it in
    a transaction. Raises transitions.Lost if a newer attempt has the action."""
    details = {"attempt": action.fence, **details}
    if error:
        fields |= _described(error)
        details["error"] = fields["error_code"]
    if receipt:
        fields |= receipt.stored()
    fields |= {"holding": action.fence, "lease_expires_at": None}
    transitions.move(action, to, verb=verb, actor=actor, details=details, **fields)
    if to == states.SUCCEEDED:
        KINDS.of(action).succeeded(action)
    elif to == states.FAILED:
        KINDS.of(action).failed(action, fields["error_message"])


def _unresolved(action: Action, error: ProviderError) -> None:
    # A person has to find out what cannot be looked up; asking for it again and again would only delay the others.
    due = Now() if KINDS.of(action).can_be_looked_up else None
    close(action, states.UNRESOLVED, "action.unresolved", {}, error=error, not_before=due)
    if not action.facts.get("fixed"):  # an acknowledgement's ticket is already with a person, for a better reason
        # This does not wake the waiting run, and the ticket may still say that it awaits approval.
        ticket_status.hand_to_person(action.ticket_id, f"The outcome of {action.idempotency_key} is unknown.")


def _fail(action: Action, error: ProviderError, receipt: Receipt | None = None) -> None:
    told = {"message": redact.text(error.message)[:300]}
    close(action, states.FAILED, "action.failed", told, error=error, receipt=receipt)
    if action.kind not in KINDS:  # no run knows what to do instead
        why = f"{action.idempotency_key} was not sent: {redact.text(error.message)}"
        ticket_status.hand_to_person(action.ticket_id, why, keep=True)


def _described(error: ProviderError) -> dict[str, str]:
    """Return the Action fields that store an error."""
    return {
        "error_code": redact.storable(error.code)[:60],
        "error_class": error.error_class,
        "error_message": redact.text(error.message)[:1000],
    }
