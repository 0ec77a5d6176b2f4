"""Idempotency keys as payment providers implement them: one effect and one answer per key."""

import json
import time
from collections.abc import Callable
from threading import Lock

from .store import KEY_LIFETIME, Store
from .wire import Answer, BadRequest, Request, error

MAX_KEY_LENGTH = 255


class Idempotency:
    """Runs a request's work at most once per key, and replays the first answer.

    Keys in progress are kept in memory only: if the process dies, their work was rolled back with it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._running: dict[str, str] = {}

    def key(self, request: Request) -> str:
        """Return the request's key. Raises BadRequest if it is missing or too long."""
        key = request.headers.get("idempotency-key", "")
        if not key:
            message = "The Idempotency-Key header is required."
            raise BadRequest(error(400, "idempotency_key_required", message))
        if len(key) > MAX_KEY_LENGTH:
            message = f"An Idempotency-Key can have at most {MAX_KEY_LENGTH} characters."
            raise BadRequest(error(400, "invalid_request", message))
        return key

    def run(self, request: Request, work: Callable[[str], Answer]) -> Answer:
        """Run `work(key)` in one transaction with the record of its answer, or return the recorded answer, a 409 or
        a 422."""
        key, fingerprint = self.key(request), request.fingerprint()
        # The lock covers only the bookkeeping: a second request with the key must get its 409 while the first one runs.
        with self._lock:
            earlier = self._running.get(key)
            if earlier is None:
                self._running[key] = fingerprint
        if earlier is not None:
            return _in_progress(key) if earlier == fingerprint else _mismatch(key)
        try:
            return self._recorded(key, fingerprint) or self._work(request, key, fingerprint, work)
        finally:
            with self._lock:
                del self._running[key]

    def _recorded(self, key: str, fingerprint: str) -> Answer | None:
        row = self._store.row("SELECT * FROM answers WHERE idempotency_key = ?", key)
        if row is None or row["created_at"] + KEY_LIFETIME <= self._store.now():
            return None
        if row["fingerprint"] != fingerprint:
            return _mismatch(key)
        return Answer(row["status"], json.loads(row["body"]), {"Idempotent-Replayed": "true"})

    def _work(self, request: Request, key: str, fingerprint: str, work: Callable[[str], Answer]) -> Answer:
        time.sleep(request.delay)
        # Effect and answer commit together, and refusals are recorded too, as real providers do.
        with self._store.transaction():
            answer = _answer(request, key, work)
            self._store.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
                key,
                fingerprint,
                answer.status,
                answer.encoded().decode(),
                self._store.now(),
            )
        return answer


class Forgetful(Idempotency):
    """A provider without idempotency keys: it does every request, however often it arrives."""

    def run(self, request: Request, work: Callable[[str], Answer]) -> Answer:
        key = self.key(request)
        time.sleep(request.delay)
        with self._store.transaction():
            return _answer(request, key, work)


def _answer(request: Request, key: str, work: Callable[[str], Answer]) -> Answer:
    """Return the work's answer, or a fault's answer in its place."""
    answer = request.instead or work(key)
    return request.after or answer


def _in_progress(key: str) -> Answer:
    message = "The first request with this key is still running."
    return error(409, "idempotency_in_progress", message, {"idempotency_key": key})


def _mismatch(key: str) -> Answer:
    message = "This key was already used for a different request."
    return error(422, "idempotency_mismatch", message, {"idempotency_key": key})
