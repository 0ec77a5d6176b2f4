"""Writing what became of an attempt: outcome, guarded move and AuditEvent in one transaction, fenced by the
attempt's number so that a slow worker cannot overwrite its successor (docs/design.md, 5.4 and 8)."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from agentops.lib import redact, retry
from agentops.lib.errors import IdempotencyMismatch, ProviderError, Terminal, Unauthorized
from approvals import states, transitions
from approvals.audit import events
from approvals.effects import pauses
from approvals.models import Action
from approvals.policy import versions
from approvals.providers.receipt import FAILED, PENDING, Receipt
from tickets import standing
from tickets.models import Message, Ticket

log = logging.getLogger(__name__)
LATE = "answered_late"  # of an attempt that had been given up: it came back after all, with a yes
OVERTAKEN = "overtaken"  # it had not come to the sending when its lease ran out
# Attempts after which an effect may exist: their worker died, or the answer did not arrive.
POSSIBLE_EFFECT = ("", "lost", "effect_unknown", "replayed_failure")
# Attempts that sent nothing and wait for a person: they take nothing from those that may be made.
SENT_NOTHING = ("changed", Unauthorized.error_class)
# Codes by which providers say that the money went before: ours or another's, only the reference tells.
ALREADY_DONE = ("already_refunded", "charge_already_refunded", "duplicate_reference")


def succeeded(action: Action, receipt: Receipt) -> None:
    """Ours exists at the provider (or it says that it failed there)."""
    _finish_attempt(
        action, "succeeded" if receipt.status != "failed" else "terminal", receipt.http_status, receipt.answer
    )
    kept = receipt.stored()
    if receipt.status == "failed":
        _fail(action, Terminal("provider_failed", "The provider says that it failed."), **kept)
        return
    transitions.move(
        action,
        states.SUCCEEDED,
        actor=events.SYSTEM,
        verb="action.succeeded",
        holding=action.fence,
        told={
            "attempt": action.fence,
            "provider_reference": kept["provider_reference"],
            "replayed": receipt.replayed,
        },
        **kept,
        lease_expires_at=None,
        not_before=None,
    )
    if action.kind == "reply":
        reply_arrived(action)


def reply_arrived(action: Action) -> None:
    """What the customer was told is part of the conversation. In the transaction of the reply's move."""
    Message.objects.create(
        ticket=action.ticket,
        direction=Message.Direction.OUTBOUND,
        external_id=action.idempotency_key,
        body=action.params["text"],
    )
    if action.run_id is None:  # a person wrote it; a run's reply is the engine's to follow
        waits = Action.objects.filter(ticket=action.ticket_id, status=states.AWAITING_APPROVAL).exists()
        status = Ticket.Status.AWAITING_APPROVAL if waits else Ticket.Status.ANSWERED
        Ticket.objects.filter(pk=action.ticket_id).update(status=status, reason="", updated_at=Now())


def failed(action: Action, error: ProviderError, *, provider: str) -> None:
    """Retried, unresolved or failed: the table in docs/design.md, 8."""
    _finish_attempt(action, error.error_class, error.http_status, error.body, error)
    if isinstance(error, IdempotencyMismatch):
        log.error("%s: the provider saw our key with another body: a bug of ours", action.idempotency_key)
        events.record(
            actor=events.SYSTEM,
            verb="action.key_mismatch",
            object_type="action",
            object_id=action.pk,
            before={"status": states.EXECUTING},
            after={"key": action.idempotency_key, "error": _code(error)},
        )
    possible = action.attempts.filter(outcome__in=POSSIBLE_EFFECT).exists()
    delay = retry.ACTION.delay(spent(action), error, settings.RETRY_BASE_SECONDS)
    if isinstance(error, Unauthorized):
        pauses.pause(provider, redact.text(error.message))
        _again(action, error, delay=0)
    elif delay is not None:
        _again(action, error, delay=delay)
    elif possible or error.code in ALREADY_DONE:
        _unresolved(action, error)
    else:
        _fail(action, error)


def overtaken(action: Action) -> None:
    """The attempt sent nothing, whatever its successor took it for."""
    action.attempts.filter(number=action.fence, outcome__in=("", "lost")).update(
        outcome=OVERTAKEN,
        finished_at=Now(),
        error_code=OVERTAKEN,
        error_message="Its lease ran out before it came to the sending; it sent nothing.",
    )


def answered_late(action: Action, receipt: Receipt) -> None:
    """The attempt's answer, which came after the action was taken over. What it proves is kept: an action whose outcome
    is unknown is asked for now (a reply, which nobody can be asked for, has arrived), and one that our books take for
    not done is a person's."""
    late = action.attempts.filter(number=action.fence)
    action.refresh_from_db()
    late.update(http_status=receipt.http_status, answer=redact.text(receipt.answer)[:20_000])
    another = action.provider_reference not in ("", receipt.stored()["provider_reference"])
    if receipt.status == FAILED:
        return
    late.update(error_code=LATE, error_message="It was done; the answer came after the attempt had been given up.")
    if action.status in (states.APPROVED, states.EXECUTING):
        return
    if action.status == states.UNRESOLVED and action.kind == "reply":
        transitions.move(
            action,
            states.SUCCEEDED,
            actor=events.SYSTEM,
            verb="action.reconciled",
            told={"answered_late": receipt.reference},
            **receipt.stored(),
        )
        reply_arrived(action)
    elif action.status == states.UNRESOLVED:
        Action.objects.filter(pk=action.pk).update(not_before=Now())
    elif action.status != states.SUCCEEDED or another:
        contradicted(action, reference=receipt.reference, status=receipt.status, who="The provider")


def contradicted(action: Action, *, reference: str, status: str, who: str) -> None:
    """An effect under our key that our books know nothing of: no state says so, a person has to."""
    log.error("%s is %s, and %s has %s for it: %s", action, action.status, who, reference, status)
    events.record(
        actor=events.SYSTEM,
        verb="action.contradicted",
        object_type="action",
        object_id=action.pk,
        before={"status": action.status},
        after={"key": action.idempotency_key, "provider_reference": reference, "provider_status": status},
    )
    what = action.get_kind_display().lower()
    reason = f"{who} has the {what} {reference} ({status}) for {action}, which is {action.status} here."
    standing.needs_person(action.ticket_id, reason, held=True)


def spent(action: Action) -> int:
    """How many attempts count against the most that are made, the current one among them."""
    return action.attempts.exclude(outcome__in=SENT_NOTHING).count()


def used_up(action: Action) -> bool:
    """Whether the current attempt is beyond the most that are made: those before it were lost."""
    return spent(action) > retry.ACTION.attempts


def past_horizon(action: Action) -> bool:
    """Whether the provider may have forgotten the key."""
    horizon = Now() - timedelta(seconds=settings.RETRY_HORIZON_SECONDS)
    return action.attempts.filter(started_at__lt=horizon).exists()


def _again(action: Action, error: ProviderError, *, delay: float) -> None:
    transitions.move(
        action,
        states.APPROVED,
        actor=events.SYSTEM,
        verb="action.retry_scheduled",
        holding=action.fence,
        told={"attempt": action.fence, "error": _code(error), "in_seconds": round(delay, 1)},
        not_before=Now() + timedelta(seconds=delay),
        lease_expires_at=None,
        **error_fields(error),
    )


def _unresolved(action: Action, error: ProviderError) -> None:
    transitions.move(
        action,
        states.UNRESOLVED,
        actor=events.SYSTEM,
        verb="action.unresolved",
        holding=action.fence,
        told={"attempt": action.fence, "error": _code(error)},
        not_before=Now(),
        lease_expires_at=None,
        **error_fields(error),
    )
    if action.facts.get("fixed"):
        return  # an acknowledgement: the ticket is with a person, who knows a better reason
    # A run that waits is not woken by this, and may have said that it waits for approval.
    standing.needs_person(action.ticket_id, f"The outcome of {action.idempotency_key} is not known yet.")


def _fail(action: Action, error: ProviderError, **kept: Any) -> None:
    transitions.move(
        action,
        states.FAILED,
        actor=events.SYSTEM,
        verb="action.failed",
        holding=action.fence,
        told={"attempt": action.fence, "error": _code(error), "message": redact.text(error.message)[:300]},
        lease_expires_at=None,
        **error_fields(error),
        **kept,
    )
    not_delivered(action, error.message)


def not_delivered(action: Action, why: str) -> None:
    """Tells whoever wrote it, where that was a person: no run is told. In the transaction of the action's move."""
    if action.run_id is None:
        what = f"A person's {action.get_kind_display().lower()} ({action.idempotency_key})"
        standing.needs_person(action.ticket_id, f"{what} was not delivered: {redact.text(why)}", held=True)


def arrived(action: Action, result: dict[str, Any]) -> bool:
    """What was on its way is there; whether that is new. Not a move: the action counts as succeeded from the
    provider's yes on. `result` is what the provider says of it now."""
    known = action.result or {}
    if known.get("status") != PENDING:
        return False
    on_its_way = Action.objects.filter(pk=action.pk, status=states.SUCCEEDED, result__status=PENDING)
    with transaction.atomic():
        if not on_its_way.update(result={**known, **result}):
            return False
        events.record(
            actor=events.SYSTEM,
            verb="action.arrived",
            object_type="action",
            object_id=action.pk,
            before={"status": action.status},
            after={
                "key": action.idempotency_key,
                "provider_reference": action.provider_reference,
                "provider_status": result.get("provider_status", result["status"]),
            },
        )
    return True


def back_to_queue(action: Action, *, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """What changed before anything was sent is a person's again."""
    _finish_attempt(action, "changed", None, "")
    transitions.move(
        action,
        states.AWAITING_APPROVAL,
        actor=events.SYSTEM,
        verb="action.changed",
        holding=action.fence,
        told={"changes": changes},
        lease_expires_at=None,
        approved_at=None,
    )
    hours = versions.rules_of(versions.current()).approval_hours
    transitions.ask(action, hours=hours, snapshot=snapshot, changes=changes)


def _finish_attempt(
    action: Action, outcome: str, http_status: int | None, answer: str, error: ProviderError | None = None
) -> None:
    action.attempts.filter(number=action.fence, outcome="").update(
        outcome=outcome,
        finished_at=Now(),
        http_status=http_status,
        answer=redact.text(answer)[:20_000],
        error_code=_code(error) if error else "",
        error_message=redact.text(error.message)[:1000] if error else "",
    )


def _code(error: ProviderError) -> str:
    return redact.storable(error.code)[:60]


def error_fields(error: ProviderError) -> dict[str, str]:
    return {
        "error_code": _code(error),
        "error_class": error.error_class,
        "error_message": redact.text(error.message)[:1000],
    }
