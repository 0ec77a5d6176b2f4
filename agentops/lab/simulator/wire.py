"""HTTP messages: a request as read, an answer as sent, and the contracts' error body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ValidationError

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `body` is sent as JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class Request:
    """A request after routing. Header names are lower case; `parameters` are the decoded path segments.

    `delay`, `instead` and `after` are set by a fault: seconds to wait before working, an answer given without any
    effect, an answer given after the effect. They travel with the request because idempotent endpoints must apply
    them while the key is held, and remember the answer.
    """

    method: str
    path: str
    endpoint: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    delay: float = 0.0
    instead: Answer | None = None
    after: Answer | None = None

    @property
    def identity(self) -> str:
        """Return what identifies a request across retries: its key, otherwise everything that was sent."""
        key = self.headers.get("idempotency-key") or self.headers.get("webhook-id")
        if key:
            return key
        asked = "&".join(f"{name}={value}" for name, value in sorted(self.query.items()))
        return f"{self.path}?{asked} {sha256(self.body).hexdigest()}"

    def text(self) -> str:
        """Return all of the request that a fault's `where` may match."""
        asked = " ".join(self.query.values())
        return f"{self.path} {asked} {self.identity} {self.body.decode(errors='replace')}"

    def fingerprint(self) -> str:
        """Return a digest of method, path and canonical JSON, equal for two requests with the same content."""
        canonical = json.dumps(json.loads(self.body or b"null"), sort_keys=True, separators=(",", ":"))
        return sha256(f"{self.method} {self.path}\n{canonical}".encode()).hexdigest()


class BadRequest(Exception):
    """The request cannot be answered. Carries the answer to give instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.body))
        self.answer = answer


def error(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Answer:
    """Return an error in the contracts' format: {"error": {code, message, details?}}."""
    body: dict[str, Any] = {"code": code, "message": message}
    if details is not None:
        body["details"] = dict(details)
    return Answer(status, {"error": body})


def parse[Model: BaseModel](model: type[Model], body: bytes) -> Model:
    """Parse the body as `model`, strictly. Raises BadRequest (400 invalid_request; details names each field)."""
    try:
        return model.model_validate_json(body)
    except ValidationError as refused:
        fields = [
            {"field": ".".join(str(part) for part in problem["loc"]), "message": problem["msg"]}
            for problem in refused.errors(include_url=False, include_input=False, include_context=False)
        ]
        message = "The body has an unexpected format."
        raise BadRequest(error(400, "invalid_request", message, {"fields": fields})) from refused
