"""A help desk in the tests: signed requests to the intake API, in process."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from standardwebhooks import Webhook

from tests.services import INTAKE_SECRET

URL = "/api/tickets"
_ids = itertools.count(1)


def signature(body: bytes, *, secret: str = INTAKE_SECRET, at: datetime | None = None, key: str = "") -> dict[str, str]:
    now, key = at or datetime.now(UTC), key or f"msg_{next(_ids)}"
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, now, body.decode()),
    }


def post(body: Any, url: str = URL, headers: dict[str, str] | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signature(raw) if headers is None else headers
    return Client().post(url, raw, content_type="application/json", headers=headers)


def get(ticket: str) -> Any:
    """Read a ticket as the contract says: the request's id names it."""
    return Client().get(f"{URL}/{ticket}", headers=signature(b"", key=f"{ticket}.{next(_ids)}"))


def say(ticket: str, external_id: str = "m-2", body: str = "And the lamp?", **more: Any) -> Any:
    """Post a further message."""
    given = {"ticket_id": ticket, "external_id": external_id, "body": body, **more}
    return post(given, f"{URL}/{ticket}/messages")


def delivery(external_id: str, /, **more: Any) -> dict[str, Any]:
    return {
        "source": "zendesk",
        "external_id": external_id,
        "customer_email": "Kim@Example.com",
        "customer_name": "Kim Doe",
        "subject": "My order",
        "body": "It is broken.",
        **more,
    }


def ticket_id_of(body: dict[str, Any]) -> str:
    return str(post(body).json()["ticket_id"])
