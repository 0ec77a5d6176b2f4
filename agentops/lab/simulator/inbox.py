"""The help desk's inbox: the replies that customers really received. Signatures are recorded, not verified."""

import json

from .store import Store, rfc3339
from .wire import Answer, Request, error


class Inbox:
    """Serves `/replies`: one row per webhook-id, however often it is delivered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def deliver(self, request: Request) -> Answer:
        webhook_id = request.headers.get("webhook-id")
        if not webhook_id:
            return error(400, "webhook_id_required", "The webhook-id header is required.")
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return error(422, "invalid_request", "A reply must be a JSON object.")
        with self._store.transaction():
            if self._store.row("SELECT 1 FROM replies WHERE webhook_id = ?", webhook_id):
                self._store.execute("UPDATE replies SET deliveries = deliveries + 1 WHERE webhook_id = ?", webhook_id)
                return error(409, "delivered_before", "This reply was already delivered.", {"webhook_id": webhook_id})
            self._store.insert(
                "replies",
                webhook_id=webhook_id,
                body=json.dumps(body),
                deliveries=1,
                received_at=self._store.now(),
            )
        return Answer(200, {"status": "delivered"})

    def list(self, request: Request) -> Answer:
        """Return {"replies": [{...body, webhook_id, received_at, deliveries}]}, oldest first."""
        replies = [
            json.loads(row["body"])
            | {
                "webhook_id": row["webhook_id"],
                "received_at": rfc3339(row["received_at"]),
                "deliveries": row["deliveries"],
            }
            for row in self._store.rows("SELECT * FROM replies ORDER BY number")
        ]
        return Answer(200, {"replies": replies})
