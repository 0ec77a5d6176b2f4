"""What became of a ticket, as `inside` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NOT_ASKED, MOVING = "not asked", "moving"


@dataclass(frozen=True)
class Call:
    """A tool that the model called to change something. `stopped`: the code of the refusal, of the rule that blocked
    it or put it before a person, or "" where it was done; `status`: its action's, "" where there is none."""

    kind: str
    arguments: Mapping[str, Any]
    status: str
    stopped: str


@dataclass(frozen=True)
class Made:
    """An action that was recorded."""

    kind: str
    params: Mapping[str, Any]
    status: str
    key: str


@dataclass(frozen=True)
class Ticket:
    """`outcome`: answered, person, NOT_ASKED where a call of the model failed for good (what became of the ticket then
    says nothing of the model), or MOVING where it did not come to rest or was never posted (then it has no id).
    `seconds`: from the first step to rest."""

    name: str
    ticket_id: str
    outcome: str
    reason: str = ""
    calls: tuple[Call, ...] = ()
    actions: tuple[Made, ...] = ()
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Ticket":
        """From a line of `inside`."""
        return cls(
            row["name"],
            row["ticket_id"],
            row["outcome"],
            row["reason"],
            tuple(Call(**call) for call in row["calls"]),
            tuple(Made(**action) for action in row["actions"]),
            row["seconds"],
            row["tokens"],
            Decimal(row["cost_usd"]),
        )
