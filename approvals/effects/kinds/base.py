"""The base class of the kinds of action. Each kind is one module of this package and one row of KINDS."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from agentops.lib.errors import Refused, ReplayedFailure
from agentops.lib.money import Money
from approvals import kinds
from approvals.effects import reservations
from approvals.effects.kinds.presentation import Presentation
from approvals.effects.reservations import FundsLeft, Reading
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.models import Action, ApprovalRequest
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers.orders import ShopCustomer
from approvals.providers.receipt import Receipt
from tickets.models import Ticket

WATCHED = ("status", "currency", "total", "payments", "refundable", "email", "name", "address")


class CannotBeAsked(ReplayedFailure):
    """The provider has no way to look up this effect, so only a person can resolve it."""

    def __init__(self, message: str) -> None:
        super().__init__("cannot_be_asked", message)


class Arguments(kinds.Strict):
    """What the model or a person's form provides."""

    reason: kinds.Reason = Field(description="Why, in a sentence that the person who approves this will read.")


class SideEffect(Arguments):
    further: bool = Field(
        default=False,
        description="True only for a second, separate effect of this kind on this ticket, after a key_conflict. "
        "A person then decides.",
    )


class Params(kinds.Strict):
    """Parameters resolved against real data and frozen with the action. The last field of every kind is `reason`: the
    order of the fields determines the order of the request's bytes, which must not change."""

    @property
    def stored(self) -> dict[str, Any]:
        """The parameters as JSON, as stored in the action's row: without parts that are None."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def money(self) -> Money | None:
        """The money that the action moves: the `amount` and `currency` of the kinds that have them."""
        return Money.of(getattr(self, "amount", None), getattr(self, "currency", None))


@dataclass(frozen=True)
class Resolved[P: Params]:
    """A proposal with all references read and checked. `tags` are the customer's tags in the shop, None if they were
    not read. `left` is what is left of the order's money, once `with_left` has computed it."""

    kind: "Kind[Any, P]"
    params: P
    target: str
    further: bool = False
    reading: Reading | None = None
    customer: ShopCustomer | None = None
    fixed: bool = False  # a reply in the policy's own words
    tags: tuple[str, ...] | None = None
    cancelled: tuple[str, ...] = ()  # orders that a reply says are cancelled, and that are
    left: FundsLeft | None = None

    @property
    def money(self) -> Money | None:
        return self.params.money

    @property
    def order_id(self) -> str:
        return getattr(self.params, "order_id", "")

    def with_left(self, *, without: int | None = None) -> "Resolved[P]":
        """Return a copy with what is left of the order's money. `without` leaves out one action. Call it in a
        transaction that holds the order's lock."""
        return replace(self, left=reservations.funds_left(self.reading, without=without)) if self.reading else self

    def require_left(self) -> None:
        """Raise Refused if less is left of the order than this action returns."""
        if self.left is None or self.money is None:
            return
        rest = Money(self.left.of(getattr(self.params, "payment_id", None)), self.money.currency)
        if rest < self.money:
            message = f"Only {rest} of order {self.order_id} can still be refunded."
            raise Refused("amount_exceeds_refundable", message, refundable=rest.amount, currency=rest.currency)

    @property
    def snapshot(self) -> dict[str, Any]:
        """The order or customer as shown to the person who decides."""
        if self.reading:
            return reservations.order_snapshot(self.reading, self.left)
        return self.customer.model_dump(mode="json") if self.customer else {}


class Kind[A: Arguments, P: Params](Presentation, ABC):
    """A kind of action: one row of KINDS.

    `tool` is the name and `description` the description of the function that the model calls. `providers` are those
    that the action is sent to and reads from; either may be paused. `editable` lists the parameters that a person may
    change before approving. `never_happened` says what was looked at, where there turned out to be no effect; it is
    empty for a kind that cannot be looked up.
    """

    name: str
    tool: str
    description: str
    arguments: type[A]
    params: type[P]
    providers: tuple[str, ...]
    moves_money = False
    once_a_run = False
    editable: tuple[str, ...] = ("reason",)
    never_happened = ""

    # --- proposal

    @abstractmethod
    def resolve(self, given: A, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False) -> Resolved[P]:
        """Check every reference against real data. With `mendable`, the caller can correct its arguments, so incomplete
        ones are refused. Raises Refused (what is wrong, and what would be valid) or ProviderError."""

    @abstractmethod
    def body(self, params: P, *, key: str, ticket: Ticket) -> dict[str, Any]:
        """Return the request that every attempt sends, as JSON (docs/contracts)."""

    @abstractmethod
    def judge(self, rules: Rules, facts: Facts) -> list[Reason]:
        """Apply the rules for this kind and return their reasons. policy.verdicts has the shared checks."""

    def facts(self, resolved: Resolved[P], ticket: Ticket, *, by_agent: bool, sources: Sources) -> dict[str, Any]:
        """Return the fields of Facts that are specific to this kind: those of its order, if it has one."""
        return reservations.order_facts(resolved.reading, resolved.left) if resolved.reading else {}

    def to_ask(self, action: Action, facts: Facts) -> dict[str, Any]:
        """Return the snapshot for a new approval request."""
        return dict(action.snapshot)

    # --- what has changed since

    def read_again(self, action: Action) -> Resolved[P]:
        """Read the action's order or customer again. Raises Refused if it no longer exists, or ProviderError."""
        reading = read_order(action.ticket, action.order_id) if action.order_id else None
        return replace(self.of(action), reading=reading)

    def of(self, action: Action) -> Resolved[P]:
        """Return the action as a Resolved, without reading anything."""
        return Resolved(self, self.params_of(action), action.target)

    def compare(
        self, action: Action, now: Resolved[P], known: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the current snapshot, and how it differs from the `known` one: [{field, before, after}]."""
        found = now.snapshot
        pairs = [(field, known.get(field), found.get(field)) for field in WATCHED]
        return found, [{"field": each, "before": old, "after": new} for each, old, new in pairs if old != new]

    def may_differ(self, action: Action, snapshot: dict[str, Any]) -> tuple[str, ...]:
        """Return the fields that may change without returning an approved action to the queue."""
        return ("refundable",)

    def follow(self, request: ApprovalRequest, now: Resolved[P]) -> None:
        """Adjust a waiting action to the order as it is now. Only a kind whose parameters follow the order does."""

    # --- execution

    @abstractmethod
    def send(self, params: P, *, body: str, key: str) -> Receipt:
        """Send the frozen request. Raises ProviderError."""

    @property
    def keeps_keys(self) -> bool:
        """Whether the provider replays its first answer for a known key instead of repeating the effect."""
        return True

    @property
    def can_be_looked_up(self) -> bool:
        return bool(self.never_happened)

    def look_up(self, action: Action, params: P) -> Receipt | None:
        """Return the provider's record of the effect, or None if it has none. Raises CannotBeAsked or ProviderError."""
        raise CannotBeAsked(f"the outcome of a {kinds.noun(self.name)} can't be looked up.")

    def succeeded(self, action: Action) -> None:
        """Apply what follows from success, in the transaction of the action's move."""

    def failed(self, action: Action, why: str) -> None:
        """Apply what follows from failure, in the transaction of the action's move."""

    # --- rows

    def parse(self, arguments: Any) -> A:
        """Validate the arguments. Raises Refused("invalid_arguments")."""
        return kinds.parse_strictly(self.arguments, arguments)

    def params_of(self, action: Action) -> P:
        """Return the action's parameters. Raises Refused for a row that this release can't read."""
        return kinds.parse_strictly(self.params, action.params)
