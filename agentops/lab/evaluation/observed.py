"""The outcome of a ticket, as reported by `inside`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NOT_ASKED, MOVING = "not asked", "moving"


@dataclass(frozen=True)
class Call:
    """A call of a tool that changes something. `stopped`: the code of the refusal, or of the rule that blocked it or
    required a person; "" if it was done. `status`: its action's, "" without one."""

    kind: str
    arguments: Mapping[str, Any]
    status: str
    stopped: str


@dataclass(frozen=True)
class Made:
    """A recorded action."""

    kind: str
    params: Mapping[str, Any]
    status: str
    key: str


@dataclass(frozen=True)
class Ticket:
    """`outcome`: answered, person, NOT_ASKED if a model call failed permanently (the outcome then says nothing about
    the model), or MOVING if the ticket did not come to rest or was never posted (then it has no id). `seconds`: from
    the first step to rest."""

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
        """Parse a line written by `inside`."""
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
