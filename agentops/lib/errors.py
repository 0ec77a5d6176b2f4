"""The errors of outside systems, classified in one place (docs/design.md, 8).

Refused                     invalid input from the model or a person; the reply says what would be valid
ProviderError               an outside system didn't do what was asked
  Transient                 may heal: retried under the same key
    EffectUnknown           ... and may have taken effect
      ReplayedFailure       ... and the provider would only repeat the stored answer under this key
  Terminal                  will not heal: reported at once, never retried
    Unauthorized            our credentials are rejected: the provider is paused and its actions wait
    IdempotencyMismatch     our key with a different body: a bug of ours
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar


class Refused(Exception):
    """Input that cannot be acted on. `code` is stable, `message` is written for people and the model, `details` says
    what would be valid."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}


@dataclass(eq=False, repr=False)
class ProviderError(Exception):
    """`http_status` is None if there was no answer; `retry_after` is in seconds; `body` is the raw answer.

    `provider` names the provider that failed if it isn't the one that the caller asked.
    """

    error_class: ClassVar[str] = "provider"
    code: str
    message: str
    _: KW_ONLY
    http_status: int | None = None
    retry_after: float | None = None
    body: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    provider: str = ""

    def __str__(self) -> str:
        return self.message


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
