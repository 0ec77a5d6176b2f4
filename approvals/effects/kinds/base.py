"""What a kind of action is. Each kind is one module of this package and one row of KINDS."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from agentops.lib.errors import Refused
from agentops.lib.money import Money, display
from approvals import kinds
from approvals.effects import reservations
from approvals.effects.reservations import Left, Reading
from approvals.effects.resolution import NOW, Sources, order_of
from approvals.models import Action
from approvals.policy.rules import Facts, Reason, Rules
from approvals.providers.orders import Customer
from approvals.providers.receipt import Receipt
from tickets.models import Ticket

WATCHED = ("status", "currency", "total", "payments", "refundable", "email", "name", "address")


class Arguments(kinds.Strict):
    """What the model, or a person's form, gives."""

    reason: kinds.Reason = Field(description="Why, in a sentence that the person who approves this will read.")


class SideEffect(Arguments):
    further: bool = Field(
        default=False,
        description="True only for a second, separate effect of this kind on this ticket, after a key_conflict. "
        "A person then decides.",
    )


class Params(kinds.Strict):
    """What was resolved against real data, and is frozen with the action. Every kind's last field is its `reason`: the
    order of the fields is the order of the request's bytes, which never changes."""


@dataclass(frozen=True)
class Resolved[P: Params]:
    """What is proposed, with everything it names read and checked. `tags` are the customer's in the shop, None where
    they were not read; `left` is what the order has left, once it has been asked for."""

    kind: "Kind[Any, P]"
    params: P
    target: str
    further: bool = False
    money: Money | None = None
    order_id: str = ""
    reading: Reading | None = None
    customer: Customer | None = None
    fixed: bool = False  # a reply in the policy's own words
    tags: tuple[str, ...] | None = None
    cancelled: tuple[str, ...] = ()  # orders that a reply says are cancelled, and that are
    left: Left | None = None

    @cached_property
    def stored(self) -> dict[str, Any]:
        """The parameters as JSON, as an action's row keeps them."""
        return stored(self.params)

    def with_left(self, *, without: int | None = None) -> "Resolved[P]":
        """The same with what its order has left; `without` leaves one action out. Call it once in a transaction that
        holds the order's lock."""
        return replace(self, left=reservations.left(self.reading, without=without)) if self.reading else self

    def require_left(self) -> None:
        """Raises Refused where the order has less left than this returns."""
        if self.left is None or self.money is None:
            return
        rest = Money(self.left.of(getattr(self.params, "payment_id", None)), self.money.currency)
        if rest < self.money:
            message = f"Only {rest} of order {self.order_id} can still be refunded."
            raise Refused("amount_exceeds_refundable", message, refundable=rest.amount, currency=rest.currency)

    @property
    def snapshot(self) -> dict[str, Any]:
        """What a person is shown of the order or customer behind an action."""
        if self.reading:
            return reservations.snapshot(self.reading, self.left)
        return self.customer.model_dump(mode="json") if self.customer else {}


def stored(params: Params) -> dict[str, Any]:
    """The parameters as JSON. A part that was left out is absent."""
    return params.model_dump(mode="json", exclude_none=True)


class CannotBeAsked(Exception):
    """The provider has no way to look this effect up: only a person can settle it."""


class Kind[A: Arguments, P: Params](ABC):
    """A kind of action: one row of KINDS. `tool` is the function that the model calls, with `description` to choose it
    by; `label` is what people read. `providers`: whom the effect is sent to, then whom it reads from; either may be
    paused. `editable`: the parameters that a person may change before approving."""

    name: str
    tool: str
    label: str
    description: str
    arguments: type[A]
    params: type[P]
    providers: tuple[str, ...]
    moves_money = False
    once_a_run = False
    editable: tuple[str, ...] = ("reason",)
    icon = "action"
    heading = ""  # of the card that shows the parameters; the label, unless set
    to_be = "to be sent"
    panel: Literal["order", "account", "claims"] = "order"  # what is shown beside the parameters
    while_unknown = "We keep checking with the provider until it shows the outcome, or until people confirm it."
    # What was looked at, where there turned out to be no effect; empty for a kind that cannot be looked up.
    never_happened = ""

    # --- proposal

    @abstractmethod
    def resolve(self, given: A, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False) -> Resolved[P]:
        """Check every reference against real data. Raises Refused (what is wrong, and what would be valid) or
        ProviderError (the shop did not answer). `mendable`: the caller can do better, and is told what is missing."""

    @abstractmethod
    def body(self, params: P, *, key: str, ticket: Ticket) -> dict[str, Any]:
        """The request that every attempt sends, as JSON (docs/contracts)."""

    @abstractmethod
    def judge(self, rules: Rules, facts: Facts) -> list[Reason]:
        """The reasons that the rules give for or against this kind of action (policy.rules has shared ones)."""

    def facts(self, resolved: Resolved[P], ticket: Ticket, *, by_agent: bool, sources: Sources) -> dict[str, Any]:
        """The fields of Facts that this action is judged by, besides those that every action has."""
        of_order = reservations.facts(resolved.reading, resolved.left) if resolved.reading else {}
        return {**({"money": resolved.money} if resolved.money else {}), **of_order}

    def to_ask(self, action: Action, facts: Facts) -> dict[str, Any]:
        """The snapshot that people are asked with."""
        kept: dict[str, Any] = action.snapshot
        return kept

    # --- what has changed since

    def read_again(self, action: Action) -> Resolved[P]:
        """The same action against the shop as it is now. Raises Refused where its order or customer cannot be found any
        more, or ProviderError."""
        reading = order_of(action.ticket, action.order_id) if action.order_id else None
        return replace(self.of(action), reading=reading)

    def of(self, action: Action) -> Resolved[P]:
        """The action as it stands, without reading anything."""
        return Resolved(self, self.params_of(action), action.target, money=action.money, order_id=action.order_id)

    def compare(
        self, action: Action, now: Resolved[P], known: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The snapshot of now, and how it differs from the one that is `known`: [{field, before, after}]."""
        found = now.snapshot
        pairs = [(field, known.get(field), found.get(field)) for field in WATCHED]
        return found, [{"field": each, "before": old, "after": new} for each, old, new in pairs if old != new]

    def may_differ(self, action: Action, snapshot: dict[str, Any]) -> tuple[str, ...]:
        """Fields whose change doesn't send an approved action back to people."""
        return ("refundable",)

    def reads_again(self, action: Action) -> bool:
        """Whether people are shown what has changed while the action waits."""
        return True

    def follows(self, params: P, now: Resolved[P]) -> P:
        """The parameters as they have to be for the order as it is now."""
        return params

    # --- execution

    @abstractmethod
    def send(self, params: P, *, body: str, key: str) -> Receipt:
        """Send the frozen request. Raises ProviderError."""

    @property
    def keeps_keys(self) -> bool:
        """Whether the provider answers a key that it has seen with its first answer, instead of doing it again."""
        return True

    @property
    def can_be_looked_up(self) -> bool:
        return bool(self.never_happened)

    def look_up(self, action: Action, params: P) -> Receipt | None:
        """The provider's record of the effect; None where it has none. Raises CannotBeAsked or ProviderError."""
        raise CannotBeAsked(f"the outcome of a {kinds.noun(self.name)} cannot be looked up")

    def succeeded(self, action: Action) -> None:  # noqa: B027 - most kinds do nothing more
        """What follows from success, in the transaction of the action's move."""

    # --- people

    def approving(self, action: Action) -> str:
        """The text of the button that approves."""
        return f"Approve {display(action.amount, action.currency)}" if action.amount is not None else "Approve"

    # --- rows

    def parse(self, arguments: Any) -> A:
        """Raises Refused("invalid_arguments")."""
        return kinds.parse(self.arguments, arguments)

    def params_of(self, action: Action) -> P:
        """The action's parameters, parsed once for as long as they stay the same."""
        held, parsed = action.__dict__.get("_parsed", (None, None))
        if held is not action.params or not isinstance(parsed, self.params):
            parsed = kinds.parse(self.params, action.params)
            action.__dict__["_parsed"] = (action.params, parsed)
        return parsed
