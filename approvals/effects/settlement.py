"""Writing what became of an attempt: outcome, guarded move and AuditEvent in one transaction, fenced by the
attempt's number so that a slow worker cannot overwrite its successor (docs/design.md, 5.4 and 8)."""

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
OVERTAKEN = "overtaken"  # the attempt's lease ran out before it sent anything


def succeeded(action: Action, receipt: Receipt) -> None:
    """Record that the effect exists at the provider, or that the provider says it failed there."""
    outcome = "terminal" if receipt.status == FAILED else "succeeded"
    _finish_attempt(action, outcome, receipt.http_status, receipt.answer)
    kept = receipt.stored()
    if receipt.status == FAILED:
        return _fail(action, Terminal("provider_failed", "The provider reports that this failed."), **kept)
    told = {"provider_reference": kept["provider_reference"], "replayed": receipt.replayed}
    _close(action, states.SUCCEEDED, "action.succeeded", told, not_before=None, **kept)
    return KINDS.of(action).succeeded(action)


def failed(action: Action, error: ProviderError) -> None:
    """Record a failure and what follows from it. A provider that refuses our credentials is paused."""
    described = error_fields(error)
    _finish_attempt(action, described.pop("error_class"), error.http_status, error.body, **described)
    if isinstance(error, IdempotencyMismatch):
        log.error("%s: the provider saw our key with another body: a bug of ours", action.idempotency_key)
        events.record(
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
                pauses.pause(error.provider or KINDS.of(action).providers[0], error.message)
            due = Now() + timedelta(seconds=delay)
            told = {"in_seconds": round(delay, 1)}
            _close(action, states.APPROVED, "action.retry_scheduled", told, error, not_before=due)
        case attempt_plan.Unknown():
            _unresolved(action, error)
        case attempt_plan.GiveUp():
            _fail(action, error)


def overtaken(action: Action) -> None:
    """Record that the attempt sent nothing, whatever its successor took it for."""
    action.attempts.filter(number=action.fence, outcome__in=("", "lost")).update(
        outcome=OVERTAKEN,
        finished_at=Now(),
        error_code=OVERTAKEN,
        error_message="The lease expired before anything was sent.",
    )


def back_to_queue(action: Action, *, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """Ask people again about an action whose order or customer changed before anything was sent."""
    _finish_attempt(action, "changed")
    _close(action, states.AWAITING_APPROVAL, "action.changed", {"changes": changes}, approved_at=None)
    hours = versions.rules_of(versions.current()).approval_hours
    transitions.ask(action, hours=hours, snapshot=snapshot, changes=changes)


def not_delivered(action: Action, why: str) -> None:
    """Give the ticket back to people where a person wrote the action: there is no run to report it to. In the
    transaction of the action's move."""
    if action.run_id is None:
        what = f"A person's {noun(action.kind)} ({action.idempotency_key})"
        ticket_status.hand_to_person(action.ticket_id, f"{what} was not delivered: {redact.text(why)}", keep=True)


def error_fields(error: ProviderError) -> dict[str, str]:
    """The fields of an Action that keep an error."""
    return {
        "error_code": redact.storable(error.code)[:60],
        "error_class": error.error_class,
        "error_message": redact.text(error.message)[:1000],
    }


def _unresolved(action: Action, error: ProviderError) -> None:
    _close(action, states.UNRESOLVED, "action.unresolved", {}, error, not_before=Now())
    if action.facts.get("fixed"):
        return  # an acknowledgement: the ticket is with a person, who knows a better reason
    # A run that waits is not woken by this, and may have said that it waits for approval.
    ticket_status.hand_to_person(action.ticket_id, f"The outcome of {action.idempotency_key} is unknown.")


def _fail(action: Action, error: ProviderError, **kept: Any) -> None:
    _close(action, states.FAILED, "action.failed", {"message": redact.text(error.message)[:300]}, error, **kept)
    not_delivered(action, error.message)


def _close(
    action: Action, to: str, verb: str, told: dict[str, Any], error: ProviderError | None = None, **fields: Any
) -> None:
    """End the attempt's hold on its action. Raises transitions.Lost where a successor has it."""
    failure = error_fields(error) if error else {}
    transitions.move(
        action,
        to,
        actor=events.SYSTEM,
        verb=verb,
        holding=action.fence,
        told={"attempt": action.fence, **({"error": failure["error_code"]} if error else {}), **told},
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
