"""Freeze what is sent for an action: the key, the parameters that a person approves, and the exact bytes.

The digest covers all three, so what was approved is what is sent (docs/design.md, 5.8). The bytes are stored, not
generated when they are sent, so an attempt after a deploy sends the same bytes as the one before it. Action's triggers
refuse any change to them outside a decision.
"""

import json
from typing import Any

from approvals import kinds
from approvals.effects.kinds.base import Kind, Params
from approvals.models import Action
from tickets.models import Ticket


def freeze[P: Params](kind: Kind[Any, P], params: P, *, key: str, ticket: Ticket) -> dict[str, Any]:
    """Return what is frozen of an action with this key, as its fields: the parameters, the request, the digest of both,
    and the money that moves."""
    kept, money = params.stored, params.money
    request = json.dumps(kind.body(params, key=key, ticket=ticket), ensure_ascii=False)
    moves = {"amount": money.amount if money else None, "currency": money.currency if money else ""}
    return {"params": kept, "request": request, "digest": effect_digest(kind.name, key, kept, request), **moves}


def action_digest(action: Action) -> str:
    """Compute the digest of what would be sent now. It equals `action.digest` unless the frozen fields were changed."""
    return effect_digest(action.kind, action.idempotency_key, action.params, action.request)


def effect_digest(kind: str, key: str, params: dict[str, Any], request: str) -> str:
    """Return the SHA-256 (hex) that a decision names and that execution requires."""
    return kinds.json_digest({"kind": kind, "key": key, "params": params, "request": request})
