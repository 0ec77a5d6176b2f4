"""What the books of the providers say in the end. What a side says of itself is only how its tickets ended and what it
promised: whether that happened, the books tell."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agentops.lab.chaos.outside import Outside
from agentops.lib import money

# What a ticket's end may be, as either side says of itself.
ANSWERED, WITH_PERSON, FAILED, MOVING, UNKNOWN = "answered", "with_person", "failed", "moving", "unknown"

# How the simulated agent says that something was done.
ORDER = r"(?:order )?(?P<order>#?\w+)"
REFUNDED = re.compile(rf"refund(?:ed)?(?: of)? (?P<amount>[\d.]+) (?P<currency>[A-Z]{{3}}) for {ORDER}")
CANCELLED = re.compile(r"Order (?P<order>#?\w+) is cancelled")
CHANGED = re.compile(r"We have changed your ")


@dataclass(frozen=True)
class End:
    """How a ticket ended and the keys of the effects that were approved or done, as the side says that worked on it."""

    how: str
    promised: frozenset[str] = frozenset()


NOWHERE = End(UNKNOWN)


@dataclass
class Figures:
    """`refunded_twice`: refunds of an order after its first (every order here is owed one at most); `over_captured`:
    orders that got back more than was paid; `unknown_order_effects`: refunds of orders that do not exist;
    `invented_replies`: customers were told of an effect that the books do not have; `lost`: neither answered nor
    with anybody, or never taken, or with a promised effect that the books do not have; `stuck`: not at rest;
    `money_lost`: what all this cost, minor units by currency."""

    tickets: int = 0
    answered: int = 0
    with_person: int = 0
    refunded_twice: int = 0
    over_captured: int = 0
    unknown_order_effects: int = 0
    invented_replies: int = 0
    lost: int = 0
    stuck: int = 0
    money_lost: dict[str, int] = field(default_factory=dict)
    duplicates_absorbed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def broken(self) -> dict[str, int]:
        """The promises that were not kept, and how often."""
        names = ("refunded_twice", "over_captured", "unknown_order_effects", "invented_replies", "lost", "stuck")
        found = {name: getattr(self, name) for name in names}
        return {name: count for name, count in found.items() if count}


def read(outside: Outside, ends: Mapping[str, End], *, absorbed: int) -> Figures:
    """`ends`: by external id."""
    ledger, replies = outside.ledger(), outside.replies()
    happened = _keys(ledger, replies)
    reached = {reply["external_id"] for reply in replies}
    figures = Figures(tickets=len(ends), duplicates_absorbed=absorbed)
    for external_id, end in ends.items():
        if end.how == MOVING:
            figures.stuck += 1
        elif end.promised - happened:
            figures.lost += 1  # whoever has it now believes what is not so
        elif end.how == WITH_PERSON:
            figures.with_person += 1
        elif external_id in reached:
            figures.answered += 1
        else:
            figures.lost += 1  # whatever it says of itself: nobody heard of it
    _count_money(figures, outside, ledger)
    figures.invented_replies = sum(not _true(reply, ledger, outside) for reply in replies)
    return figures


def _keys(ledger: Mapping[str, Any], replies: Sequence[Mapping[str, Any]]) -> set[str]:
    """Of every effect that happened, of whatever kind."""
    rows = [*ledger["refunds"], *ledger["cancellations"], *ledger["account_changes"]]
    return {row["idempotency_key"] for row in rows} | {reply["webhook_id"] for reply in replies}


def _count_money(figures: Figures, outside: Outside, ledger: Mapping[str, Any]) -> None:
    effects = defaultdict[str, list[dict[str, Any]]](list)
    for row in sorted([*ledger["refunds"], *ledger["cancellations"]], key=lambda row: row["created_at"]):
        effects[row["order_id"]].append(row)
    lost: Counter[str] = Counter()
    for order_id, rows in effects.items():
        order = outside.order(order_id)
        currency, amounts = rows[0]["currency"], [row["amount"] for row in rows]
        if order is None:
            figures.unknown_order_effects += len(rows)
            lost[currency] += sum(amounts)
            continue
        figures.refunded_twice += len(rows) - 1
        captured = sum(payment["captured"] for payment in order["payments"])
        beyond = sum(payment["refunded"] for payment in order["payments"]) - captured
        figures.over_captured += beyond > 0
        lost[currency] += max(sum(amounts[1:]), beyond)
    figures.money_lost = {currency: amount for currency, amount in sorted(lost.items()) if amount}


def _true(reply: Mapping[str, Any], ledger: Mapping[str, Any], outside: Outside) -> bool:
    """Whether everything that the reply says was done stands in the books."""
    text = reply["body"]
    paid = {(row["order_id"], row["amount"]) for row in [*ledger["refunds"], *ledger["cancellations"]]}
    for found in REFUNDED.finditer(text):
        amount = money.minor(found["amount"], found["currency"])
        if (found["order"], amount) not in paid:
            return False
    cancelled = {row["order_id"] for row in ledger["cancellations"]}
    if any(found["order"] not in cancelled for found in CANCELLED.finditer(text)):
        return False
    return not CHANGED.search(text) or _account_changed(reply["to"], ledger["account_changes"], outside)


def _account_changed(email: str, changes: Sequence[Mapping[str, Any]], outside: Outside) -> bool:
    return bool(outside.customers_of(email) & {row["customer_id"] for row in changes})
