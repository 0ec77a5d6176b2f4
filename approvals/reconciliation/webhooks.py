"""Apply payment webhooks (docs/design.md, 8): a pending refund arrived, or a refund failed days later.

An event counts once, and may come in any order, before our own answer too: states only move forward, and what cannot
be placed yet is not taken, so that the provider delivers it again.
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
from pydantic import BaseModel, ConfigDict, Field

from agentops.lib import redact
from agentops.lib.errors import Refused
from approvals import locks, states
from approvals.effects import late_answers
from approvals.models import Action, ProviderEvent
from approvals.providers.receipt import FAILED, SUCCEEDED, Name, Receipt
from approvals.providers.stripe_refund import StripeRefund, UnixTime
from approvals.reconciliation import late_failures

log = logging.getLogger(__name__)
STRIPE = "stripe"
KINDS = ("refund.updated", "refund.failed", "charge.refund.updated")
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
    """The action has not settled yet: the same event can be placed when it is delivered again."""


def receive_stripe(body: bytes, signature: str) -> Outcome | None:
    """Takes a signed event in; None where it is none of our business, or was taken before.

    Raises Refused (`bad_signature`, `no_secret`, `invalid_event`) or TooEarly.
    """
    _verify(body, signature)
    try:
        told = json.loads(body)
        if told.get("type") not in KINDS:
            return None
        event = Event.model_validate(told)
        event.data.object.as_data()
    except (ValueError, AttributeError) as error:
        if _of_another(body):
            log.warning("an event of a refund that is not ours cannot be read: %s", error)
            return None
        raise Refused("invalid_event", f"not an event of Stripe's: {error}") from error
    with transaction.atomic():
        return _take(event, told["data"]["object"])


def _of_another(body: bytes) -> bool:
    """Whether it tells of a refund that bears no reference of ours: refusing it would have it sent again for days, and
    then the endpoint switched off."""
    with suppress(ValueError, KeyError, TypeError):
        refund = json.loads(body)["data"]["object"]
        return bool(refund["object"] == "refund" and not (refund.get("metadata") or {}).get("reference"))
    return False


def _verify(body: bytes, signature: str) -> None:
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Refused("no_secret", "STRIPE_WEBHOOK_SECRET is not set; nothing can be accepted.")
    try:
        stripe.WebhookSignature.verify_header(body, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS)
        signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    except (stripe.SignatureVerificationError, ValueError, TypeError) as error:
        # ValueError, TypeError: a body or a signature that is no text at all
        raise Refused("bad_signature", "The signature does not hold.") from error
    # The client looks only for what is too old.
    if signed_at > time.time() + TOLERANCE_SECONDS:
        raise Refused("bad_signature", "The signature is of a time to come.")


def _take(event: Event, data: dict[str, Any]) -> Outcome | None:
    """Records the event and what follows from it, in the caller's transaction. The action is locked first, so that
    no attempt settles in between."""
    refund = event.data.object
    seen = Action.objects.filter(idempotency_key=refund.reference, kind="refund").first()
    action = locks.with_ticket(seen) if seen else None
    told: dict[str, Any] = {
        "kind": event.type,
        "action": action,
        "outcome": Outcome.NOT_OURS,
        "data": redact.data(data),
        "told_at": datetime.fromtimestamp(event.created, UTC),
    }
    row, new = ProviderEvent.objects.get_or_create(provider=STRIPE, event_id=event.id, defaults=told)
    if not new:
        return None
    if action is not None:
        row.outcome = _apply(action, refund)
        row.save(update_fields=["outcome"])
    return Outcome(row.outcome)


def _apply(action: Action, refund: StripeRefund) -> Outcome:
    """Moves the action on by what the provider says. Raises TooEarly."""
    status = refund.as_data()["status"]
    another = action.provider_reference not in ("", refund.id)
    match action.status:
        case states.APPROVED | states.EXECUTING:
            raise TooEarly
        case states.UNRESOLVED:  # the provider has it: ask now for all that there is to know
            Action.objects.filter(pk=action.pk).update(not_before=Now())
            return Outcome.APPLIED
        case states.SUCCEEDED if not another and status == FAILED:
            late_failures.record_late_failure(
                action,
                Receipt(reference=refund.id, status=FAILED, data=refund.as_data()),
                why=f"Stripe says that it failed: {refund.failure_reason or refund.status}.",
                happened_at=datetime.fromtimestamp(refund.created, UTC),
            )
            return Outcome.APPLIED
        case states.SUCCEEDED if not another:
            new = status == SUCCEEDED and late_answers.arrived(action, refund.as_data())
            return Outcome.APPLIED if new else Outcome.NOTHING_NEW
    # What failed or was never approved has no effect that could fail; after its own late failure nothing counts.
    if status == FAILED or (action.error_code == "provider_failed" and not another):
        return Outcome.NOTHING_NEW
    return _contradicts(action, refund)


def _contradicts(action: Action, refund: StripeRefund) -> Outcome:
    """Told once, however many events tell of it."""
    told = ProviderEvent.objects.filter(action=action, outcome=Outcome.CONTRADICTED)
    if told.filter(data__id=refund.id, data__status=refund.status).exists():
        return Outcome.NOTHING_NEW
    late_answers.contradicted(action, reference=refund.id, status=refund.status, who="Stripe")
    return Outcome.CONTRADICTED
