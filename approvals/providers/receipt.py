"""Receipts: what a provider reports about an effect that exists."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from agentops.lib import redact
from agentops.lib.errors import EffectUnknown

MAX_REFERENCE, MAX_RESULT = 255, 20_000
PENDING, SUCCEEDED, FAILED, UNREADABLE = "pending", "succeeded", "failed", "unreadable"
REFUND_FIELDS = ("reference", "payment_id", "order_id", "amount", "currency")


# A provider's name or id that the database can store: limited length, no NUL.
Name = Annotated[str, Field(max_length=MAX_REFERENCE, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True)
class Receipt:
    """`reference` is the provider's own id of the effect. `status` is PENDING, SUCCEEDED or FAILED; in a list it may
    also be UNREADABLE. `answer` is the raw response text, and `replayed` whether the provider had answered our key
    before."""

    reference: str
    status: str = SUCCEEDED
    data: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    http_status: int | None = None
    replayed: bool = False

    def stored(self) -> dict[str, Any]:
        """Return the Action fields that store the receipt, redacted and without values the database can't hold. An
        effect that exists must never be lost because its description can't be stored."""
        result: dict[str, Any] = {}
        left = MAX_RESULT
        for name, value in self.data.items():
            try:
                clean = redact.data({name: value})
                left_then = left - len(json.dumps(clean, allow_nan=False))
            except (ValueError, TypeError, RecursionError):  # NaN, or nested too deeply
                continue
            if left_then >= 0:
                result, left = result | clean, left_then
        reference = redact.storable(self.reference)[:MAX_REFERENCE]
        return {"provider_reference": reference, "result": {"status": self.status, **result}}


def unlikeness(refund: Mapping[str, Any], wanted: Mapping[str, Any], known: str) -> tuple[bool, bool, bool]:
    """Return a sort key that puts our refund first among those with our reference: first the one whose id is `known`,
    then one that did not fail, then one that matches the request."""
    return refund["refund_id"] != known, refund["status"] == FAILED, bool(_others(refund, wanted))


def require_asked_for(refund: Mapping[str, Any], wanted: Mapping[str, Any], *, answer: str) -> None:
    """Raise EffectUnknown (`another_refund`) if the refund is not the one that was requested: such an answer proves
    nothing about ours. The message lists the fields that differ, and `details["found"]` holds the refund."""
    if other := _others(refund, wanted):
        message = f"The response is about a different refund. These fields differ: {', '.join(other)}."
        raise EffectUnknown("another_refund", message, body=answer[:MAX_RESULT], details={"found": dict(refund)})


def _others(refund: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    return [name for name in REFUND_FIELDS if refund[name] != wanted[name]]
