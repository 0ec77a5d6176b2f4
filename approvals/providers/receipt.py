"""What a provider says of an effect that exists."""

import hashlib
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


# What the database can hold, of a name that a provider gives.
Name = Annotated[str, Field(max_length=MAX_REFERENCE, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True)
class Receipt:
    """`reference` is the provider's own id of the effect; `status` is PENDING, SUCCEEDED or FAILED, in a list
    UNREADABLE too; `answer` the raw text it came as; `replayed` whether our key had been answered before."""

    reference: str
    status: str = SUCCEEDED
    data: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    http_status: int | None = None
    replayed: bool = False

    def stored(self) -> dict[str, Any]:
        """The fields of an Action that keep it: redacted, and without what the database cannot hold. An effect that
        exists must never be lost because its description cannot be written down."""
        result: dict[str, Any] = {}
        left = MAX_RESULT
        for name, value in self.data.items():
            try:
                clean = redact.data({name: value})
                left_then = left - len(json.dumps(clean, allow_nan=False))
            except (ValueError, TypeError, RecursionError):  # NaN, or nested without end
                continue
            if left_then >= 0:
                result |= clean
                left = left_then
        reference = redact.storable(self.reference)[:MAX_REFERENCE]
        return {"provider_reference": reference, "result": {**result, "status": result.get("status", self.status)}}


def unreadable(row: Any, *, name: str, why: str) -> Receipt:
    """One row of the provider's books that is not what it should be: UNREADABLE, under its own id in the field `name`
    where it has one, or else under a digest of it; `data` says what is wrong."""
    text = redact.storable(json.dumps(row))
    own = row.get(name) if isinstance(row, dict) else None
    known = isinstance(own, str) and 0 < len(redact.storable(own)) <= MAX_REFERENCE
    reference = redact.storable(str(own)) if known else f"row {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    data = {"refund_id": reference, "reference": "", "status": UNREADABLE, "why": redact.text(why)[:500]}
    return Receipt(reference=reference, status=UNREADABLE, data=data, answer=text)


def unlikeness(refund: Mapping[str, Any], wanted: Mapping[str, Any], known: str) -> tuple[bool, bool, bool]:
    """Sorts refunds that bear our reference, ours first: the one that is `known` by its id, or else one that did not
    fail, or else one that is as it was asked for."""
    return refund["refund_id"] != known, refund["status"] == FAILED, bool(_others(refund, wanted))


def require_asked_for(refund: Mapping[str, Any], wanted: Mapping[str, Any], *, answer: str) -> None:
    """An answer about something else proves nothing about ours. Raises EffectUnknown (`another_refund`), with the
    fields that differ in its message, and what was `found` in its details."""
    if other := _others(refund, wanted):
        told = f"the answer is of another refund: {', '.join(other)}"
        raise EffectUnknown("another_refund", told, body=answer[:MAX_RESULT], details={"found": dict(refund)})


def _others(refund: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    return [name for name in REFUND_FIELDS if refund[name] != wanted[name]]
