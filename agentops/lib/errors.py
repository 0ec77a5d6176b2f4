"""The errors of the outside world, classified once (docs/design.md, 8).

Refused                     bad input from the model or a person: said back, with what would be valid
ProviderError               an outside system did not do as asked
  Transient                 may heal: retried under the same key
    EffectUnknown           … and it may have taken effect all the same
      ReplayedFailure       … and asking again under this key can only repeat the answer
  Terminal                  will not heal: surfaced at once, never retried
    Unauthorized            our credentials are refused: the provider is paused, its actions wait
    IdempotencyMismatch     our own key with another body: a bug of ours
NotLetOut                   a request that may not leave here was refused before it was sent: a bug of ours
"""

from typing import Any


class Refused(Exception):
    """Input that cannot be acted on. `code` is stable, `message` is for people and the model alike,
    `details` says what would be valid."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}


class ProviderError(Exception):
    """`http_status` is None where no answer came; `retry_after` is in seconds; `body` the raw answer. `provider` names
    the one that failed, where it is not the one that the caller asked."""

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
    """`what` is the request or connection that was refused. No ProviderError: nothing may retry or absorb it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} may not leave here; it was refused before it was sent.")
        self.what = what
