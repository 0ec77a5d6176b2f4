"""What to say of a provider's answer, or of a row in its list, that can't be read."""

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from agentops.lib import redact
from approvals.kinds import first_faults
from approvals.providers.receipt import MAX_REFERENCE, UNREADABLE, Receipt


def unexpected_format(error: ValueError) -> str:
    """Return a sentence that names the first fields of an answer that don't match its schema."""
    if not isinstance(error, ValidationError):
        return f"The response has an unexpected format: {error}."
    return f"The response has an unexpected format: {first_faults(error)}."


def unreadable(row: Any, *, name: str, why: str) -> Receipt:
    """Return an UNREADABLE receipt for a provider's row that does not match its schema. Its reference is the row's own
    id from the field `name`, or a digest of the row. `data` says what is wrong."""
    text = redact.storable(json.dumps(row))
    own = row.get(name) if isinstance(row, dict) else None
    known = isinstance(own, str) and 0 < len(redact.storable(own)) <= MAX_REFERENCE
    reference = redact.storable(str(own)) if known else f"row {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    data = {"refund_id": reference, "reference": "", "status": UNREADABLE, "why": redact.text(why)[:500]}
    return Receipt(reference=reference, status=UNREADABLE, data=data, answer=text)
