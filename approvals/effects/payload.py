"""What is sent for an action, frozen with it: the key, the parameters that a person approves, and the exact bytes.

The digest covers all of them, so that what was approved is what is sent. The bytes are not made anew when they are
sent: an attempt after a deploy sends what the one before it sent, whatever the new code would write. PostgreSQL refuses
a change of them outside a decision (Action's triggers).
"""

import json
from typing import Any

from agentops.lib.errors import Refused
from approvals import kinds
from approvals.models import Action
from tickets.models import Ticket


def freeze(kind: kinds.Kind, params: dict[str, Any], *, key: str, ticket: Ticket) -> dict[str, Any]:
    """The fields `params`, `request` and `digest` of an action under this key. Raises Refused."""
    request = request_body(kind, params, key=key, ticket=ticket)
    return {"params": params, "request": request, "digest": digest(kind.name, key, params, request)}


def digest_of(action: Action) -> str:
    """The digest of what would be sent now; the action is as it was frozen where this is `action.digest`."""
    return digest(action.kind, action.idempotency_key, action.params, action.request)


def digest(kind: str, key: str, params: dict[str, Any], request: str) -> str:
    """SHA-256 (hex): what a decision names, and what execution insists on."""
    return kinds.digest({"kind": kind, "key": key, "params": params, "request": request})


def request_body(kind: kinds.Kind, params: dict[str, Any], *, key: str, ticket: Ticket) -> str:
    """The exact JSON text that every attempt sends (docs/contracts)."""
    match kind.name:
        case "refund":
            body = {**params, "reference": key}
        case "cancel_order":
            body = {"reference": key, "reason": params["reason"]}
        case "account_change":
            body = {field: params[field] for field in ("email", "name", "address") if params.get(field)}
        case "reply":
            body = {
                "source": ticket.source,
                "external_id": ticket.external_id,
                "ticket_id": ticket.pk,
                "message_id": key,
                "to": params["to"],
                "subject": params["subject"],
                "body": params["text"],
            }
        case name:
            raise Refused("unknown_kind", f"{name} has no request")
    return json.dumps(body, ensure_ascii=False)
