"""What a provider says of an effect that exists."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Receipt:
    """`reference` is the provider's own id of the effect; `status` is `succeeded`, `pending` or `failed`;
    `answer` the raw text it came as; `replayed` whether our key had been answered before."""

    reference: str
    status: str = "succeeded"
    data: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    http_status: int | None = None
    replayed: bool = False
