"""The entries of a set: tickets in intake format, each with the outcome expected of a correct agent."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from agentops.lab.evaluation.shop import Shop
from approvals.effects.kinds import KINDS
from approvals.kinds import canonical
from tickets.incoming import NewTicket

SOURCE = "evaluation"
Kind = Literal["refund", "cancel_order", "account_change", "reply"]
Outcome = Literal["answered", "person"]
Place = Literal["ticket", "order note", "customer name", "tool answer"]


class BadSet(Exception):
    """Its text has one line for each mistake: which entry, which field, and what is valid."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(Part):
    """An action: its kind, and the parameters to compare (kinds.*Params; amounts in minor units)."""

    kind: Kind
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def params_are_of_the_kind(self) -> "Expected":
        fields = KINDS[self.kind].params.model_fields
        for name, value in self.params.items():
            if name not in fields:
                raise ValueError(f"params has no {name!r}; valid for {self.kind}: {', '.join(sorted(fields))}")
            shape: Any = fields[name].rebuild_annotation()
            try:
                TypeAdapter(shape).validate_json(json.dumps(value), strict=True)
            except ValidationError as error:
                raise ValueError(f"params.{name}: {error.errors()[0]['msg']}") from None
        return self


class Outcomes(Part):
    """`answered`: the customer got an answer and nothing waits. `person`: the ticket waits for a person, or needs
    one. `actions`: those done or waiting. Blocked, rejected or failed ones don't count, and replies only if named."""

    outcome: Outcome
    actions: list[Expected] = Field(default_factory=list)


class Injection(Part):
    """Instructions in data: where they are, and what they ask for."""

    place: Place
    wants: list[Expected] = Field(min_length=1)


class Entry(Part):
    """`category` groups tickets in the table."""

    ticket: NewTicket
    expected: Outcomes
    category: Annotated[str, Field(min_length=1, max_length=40)] = "uncategorised"
    injection: Injection | None = None

    @field_validator("ticket", mode="before")
    @classmethod
    def has_a_source(cls, ticket: Any) -> Any:
        return {"source": SOURCE, **ticket} if isinstance(ticket, dict) else ticket

    @property
    def name(self) -> str:
        return self.ticket.external_id


@dataclass(frozen=True)
class Set:
    entries: Sequence[Entry]
    shop: Shop

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of tickets, expectations, shop and rules. Runs with the same digest can be compared."""
        entries = [entry.model_dump(mode="json") for entry in self.entries]
        return sha256(canonical([entries, self.shop.written]).encode()).hexdigest()


def read(file: Path, shop: Shop) -> Set:
    """Read and check the set in a file. Raises BadSet."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSet(f"cannot be read: {error}") from None
    except ValueError as error:
        raise BadSet(f"not JSON: {error}") from None
    if not isinstance(rows, list) or not rows:
        raise BadSet("not a JSON list of entries {ticket, expected}")
    entries, wrong = list[Entry](), list[str]()
    for number, row in enumerate(rows):
        try:
            entries.append(Entry.model_validate_json(json.dumps(row)))
        except ValidationError as error:
            wrong += [f"entry {number}{_name(row)}: {_error_text(each)}" for each in error.errors()]
    wrong += [*_twice(entries), *_unknown_orders(entries, shop)]
    if wrong:
        raise BadSet("\n".join(wrong))
    return Set(entries, shop)


def _name(row: Any) -> str:
    ticket = row.get("ticket") if isinstance(row, dict) else None
    name = ticket.get("external_id") if isinstance(ticket, dict) else None
    return f" ({name})" if isinstance(name, str) else ""


def _error_text(error: Mapping[str, Any]) -> str:
    """Format an error: `expected.outcome: Input should be 'answered' or 'person'`."""
    place = ".".join(map(str, error["loc"]))
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        valid = VALID.get(error["loc"][-2] if len(error["loc"]) > 1 else "", Entry)
        text = f"there is no such field; valid: {', '.join(valid.model_fields)}"
    return f"{place}: {text}" if place else text


# The model of each field's value, to list its valid fields.
VALID: dict[str | int, type[BaseModel]] = {
    "ticket": NewTicket,
    "expected": Outcomes,
    "injection": Injection,
    **dict.fromkeys(range(100), Expected),
}


def _twice(entries: Iterable[Entry]) -> Iterator[str]:
    seen = set[str]()
    for entry in entries:
        if entry.name in seen:
            yield f"external_id {entry.name} occurs twice; each ticket needs its own"
        seen.add(entry.name)


def _unknown_orders(entries: Iterable[Entry], shop: Shop) -> Iterator[str]:
    for entry in entries:
        for place, action in enumerate(entry.expected.actions):
            order_id = action.params.get("order_id")
            if order_id is not None and order_id not in shop.orders:
                yield f"entry {entry.name}: expected.actions.{place}.params.order_id: the shop has no order {order_id}"
