"""Apply payment webhooks (docs/design.md, 8): a pending refund arrived, or a refund failed days later.

Each event counts once. Events may arrive in any order, even before the response to our own call. Statuses only move
forward, and an event that can't be applied yet is refused, so that the provider delivers it again.
"""

import json
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import stripe
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops.lib import redact
from agentops.lib.errors import Refused
from approvals import locks, states
from approvals.effects import late_answers
from approvals.kinds import first_faults
from approvals.models import Action, ProviderEvent
from approvals.providers.payments.stripe_refund import StripeRefund, UnixTime
from approvals.providers.receipt import FAILED, SUCCEEDED, Name, Receipt
from approvals.reconciliation import late_failures

log = logging.getLogger(__name__)
STRIPE = "stripe"
EVENT_KINDS = ("refund.updated", "refund.failed", "charge.refund.updated")
TOLERANCE_SECONDS = 300
Outcome = ProviderEvent.Outcome


class Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    object: StripeRefund


class Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Annotated[Name, Field(min_length=1)]
    type: str
    created: UnixTime
    data: Body


class TooEarly(Exception):
    """The action has not settled yet. The event can be applied when it is delivered again."""


def receive_stripe(body: bytes, signature: str) -> Outcome | None:
    """Check and apply a signed Stripe event. Returns None for an event that we don't handle or have already applied.

    Raises Refused (`bad_signature`, `no_secret`, `invalid_event`) or TooEarly.
    """
    _verify(body, signature)
    try:
        payload = json.loads(body)
        if payload.get("type") not in EVENT_KINDS:
            return None
        event = Event.model_validate(payload)
        event.data.object.as_data()
    except (ValueError, AttributeError) as error:
        if _is_foreign(body):
            log.warning("ignoring an unreadable event of a refund that is not ours: %s", error)
            return None
        fault = first_faults(error) if isinstance(error, ValidationError) else error
        raise Refused("invalid_event", f"The body isn't a Stripe event: {fault}") from error
    with transaction.atomic():
        return _record_and_apply(event, payload["data"]["object"])


def _is_foreign(body: bytes) -> bool:
    """Return whether the event is about a refund without a reference of ours. Refusing such an event would make Stripe
    repeat it for days and finally disable the endpoint."""
    with suppress(ValueError, KeyError, TypeError):
        refund = json.loads(body)["data"]["object"]
        return bool(refund["object"] == "refund" and not (refund.get("metadata") or {}).get("reference"))
    return False


def _verify(body: bytes, signature: str) -> None:
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Refused("no_secret", "STRIPE_WEBHOOK_SECRET is not set, so no event can be accepted.")
    try:
        stripe.WebhookSignature.verify_header(body, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS)
        signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    except (stripe.SignatureVerificationError, ValueError, TypeError) as error:
        # ValueError, TypeError: the body or the signature is not text
        raise Refused("bad_signature", "The signature is invalid.") from error
    # Stripe's client only rejects signatures that are too old.
    if signed_at > time.time() + TOLERANCE_SECONDS:
        raise Refused("bad_signature", "The signature's time is in the future.")


def _record_and_apply(event: Event, data: dict[str, Any]) -> Outcome | None:
    """Store the event and apply it, in the caller's transaction. The action is locked first, so that no attempt settles
    in between. Returns None if the event is already stored."""
    refund = event.data.object
    seen = Action.objects.filter(idempotency_key=refund.reference, kind="refund").first()
    action = locks.lock_action(seen) if seen else None
    values: dict[str, Any] = {
        "kind": event.type,
        "action": action,
        "outcome": Outcome.NOT_OURS,
        "data": redact.data(data),
        "told_at": datetime.fromtimestamp(event.created, UTC),
    }
    row, new = ProviderEvent.objects.get_or_create(provider=STRIPE, event_id=event.id, defaults=values)
    if not new:
        return None
    if action is not None:
        row.outcome = _apply(action, refund)
        row.save(update_fields=["outcome"])
    return Outcome(row.outcome)


def _apply(action: Action, refund: StripeRefund) -> Outcome:
    """Apply the provider's status to the action. Raises TooEarly."""
    status = refund.as_data()["status"]
    another = action.provider_reference not in ("", refund.id)
    match action.status:
        case states.APPROVED | states.EXECUTING:
            raise TooEarly
        case states.UNRESOLVED:  # the provider has the refund: look it up now to settle with its full record
            Action.objects.filter(pk=action.pk).update(not_before=Now())
            return Outcome.APPLIED
        case states.SUCCEEDED if not another and status == FAILED:
            late_failures.record_late_failure(
                action,
                Receipt(reference=refund.id, status=FAILED, data=refund.as_data()),
                why=f"Stripe reports that this failed: {refund.failure_reason or refund.status}.",
                happened_at=datetime.fromtimestamp(refund.created, UTC),
            )
            return Outcome.APPLIED
        case states.SUCCEEDED if not another:
            new = status == SUCCEEDED and late_answers.record_arrival(action, refund.as_data())
            return Outcome.APPLIED if new else Outcome.NOTHING_NEW
    # A failed refund contradicts nothing: the action had no effect. After a late failure, its later events add nothing.
    if status == FAILED or (action.error_code == "provider_failed" and not another):
        return Outcome.NOTHING_NEW
    return _contradicts(action, refund)


def _contradicts(action: Action, refund: StripeRefund) -> Outcome:
    """Report a refund that contradicts our status, once for all events about it."""
    reported = ProviderEvent.objects.filter(action=action, outcome=Outcome.CONTRADICTED)
    if reported.filter(data__id=refund.id, data__status=refund.status).exists():
        return Outcome.NOTHING_NEW
    late_answers.report_contradiction(action, reference=refund.id, status=refund.status, who="Stripe")
    return Outcome.CONTRADICTED
