"""What is sent for an action, frozen with it: the key, the parameters that a person approves, and the exact bytes.

The digest covers all of them, so that what was approved is what is sent. The bytes are not made anew when they are
sent: an attempt after a deploy sends what the one before it sent, whatever the new code would write. PostgreSQL refuses
a change of them outside a decision (Action's triggers).
"""

import json
from typing import Any

from approvals import kinds
from approvals.effects.kinds.base import Kind, Params, stored
from approvals.models import Action
from tickets.models import Ticket


def freeze[P: Params](kind: Kind[Any, P], params: P, *, key: str, ticket: Ticket) -> dict[str, Any]:
    """The fields `params`, `request` and `digest` of an action under this key."""
    kept = stored(params)
    request = json.dumps(kind.body(params, key=key, ticket=ticket), ensure_ascii=False)
    return {"params": kept, "request": request, "digest": digest(kind.name, key, kept, request)}


def digest_of(action: Action) -> str:
    """The digest of what would be sent now; the action is as it was frozen where this is `action.digest`."""
    return digest(action.kind, action.idempotency_key, action.params, action.request)


def digest(kind: str, key: str, params: dict[str, Any], request: str) -> str:
    """SHA-256 (hex): what a decision names, and what execution insists on."""
    return kinds.digest({"kind": kind, "key": key, "params": params, "request": request})
