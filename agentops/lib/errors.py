"""The errors of outside systems, classified in one place (docs/design.md, 8).

Refused                     invalid input from the model or a person; the reply says what would be valid
ProviderError               an outside system didn't do what was asked
  Transient                 may heal: retried under the same key
    EffectUnknown           ... and may have taken effect
      ReplayedFailure       ... and the provider would only repeat the stored answer under this key
  Terminal                  will not heal: reported at once, never retried
    Unauthorized            our credentials are rejected: the provider is paused and its actions wait
    IdempotencyMismatch     our key with a different body: a bug of ours
NotLetOut                   a request that must not leave this process, refused before it was sent: a bug of ours
"""

from typing import Any


class Refused(Exception):
    """Input that cannot be acted on.

    `code` is stable, `message` is written for people and the model, `details` says what would be valid.
    """

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}


class ProviderError(Exception):
    """`http_status` is None if there was no answer; `retry_after` is in seconds; `body` is the raw answer.

    `provider` names the provider that failed if it isn't the one that the caller asked.
    """

    error_class = "provider"
    provider = ""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        http_status: int | None = None,
        retry_after: float | None = None,
        body: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status
        self.retry_after = retry_after
        self.body = body
        self.details = details or {}


class Transient(ProviderError):
    error_class = "transient"


class EffectUnknown(Transient):
    error_class = "effect_unknown"


class ReplayedFailure(EffectUnknown):
    error_class = "replayed_failure"


class Terminal(ProviderError):
    error_class = "terminal"


class Unauthorized(Terminal):
    error_class = "unauthorized"


class IdempotencyMismatch(Terminal):
    error_class = "idempotency_mismatch"


class NotLetOut(Exception):
    """`what` names the refused request or connection. Not a ProviderError, so no code retries or absorbs it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not allowed here and was not sent.")
        self.what = what
