"""The result according to the providers' records.

A side only reports how its tickets ended and which effects it promised. The records show whether those happened.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agentops.lab.chaos.outside import Outside
from agentops.lib import written_money

# How a ticket ended, as either side reports it.
ANSWERED, WITH_PERSON, FAILED, MOVING, UNKNOWN = "answered", "with_person", "failed", "moving", "unknown"

# How the simulated agent phrases that something was done.
ORDER = r"(?:order )?(?P<order>#?\w+)"
REFUNDED = re.compile(rf"refund(?:ed)?(?: of)? (?P<amount>[\d.]+) (?P<currency>[A-Z]{{3}}) for {ORDER}")
CANCELLED = re.compile(r"Order (?P<order>#?\w+) is cancelled")
CHANGED = re.compile(r"We have changed your ")


@dataclass(frozen=True)
class End:
    """How a ticket ended, and the keys of the effects that were approved or done, as reported by the side that
    handled it."""

    how: str
    promised: frozenset[str] = frozenset()


NOWHERE = End(UNKNOWN)


@dataclass
class Figures:
    """`refunded_twice`: refunds of an order after its first (every order here is owed one at most). `over_captured`:
    orders that got back more than was paid. `unknown_order_effects`: refunds of orders that do not exist.
    `invented_replies`: replies about an effect that the records do not have. `lost`: tickets that are neither
    answered nor with a person, were never accepted, or have a promised effect that the records lack. `stuck`:
    tickets not at rest. `money_lost`: the cost of all this, in minor units by currency."""

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
        """Return the broken promises, with how often each was broken."""
        names = ("refunded_twice", "over_captured", "unknown_order_effects", "invented_replies", "lost", "stuck")
        found = {name: getattr(self, name) for name in names}
        return {name: count for name, count in found.items() if count}


def read(outside: Outside, ends: Mapping[str, End], *, absorbed: int) -> Figures:
    """Read the figures from the providers' records. `ends` is by external id."""
    ledger, replies = outside.ledger(), outside.replies()
    happened = _keys(ledger, replies)
    reached = {reply["external_id"] for reply in replies}
    figures = Figures(tickets=len(ends), duplicates_absorbed=absorbed)
    for external_id, end in ends.items():
        if end.how == MOVING:
            figures.stuck += 1
        elif end.promised - happened:
            figures.lost += 1  # the person or customer believes something untrue
        elif end.how == WITH_PERSON:
            figures.with_person += 1
        elif external_id in reached:
            figures.answered += 1
        else:
            figures.lost += 1  # whatever it reports: the customer got no reply
    _count_money(figures, outside, ledger)
    figures.invented_replies = sum(not _true(reply, ledger, outside) for reply in replies)
    return figures


def _keys(ledger: Mapping[str, Any], replies: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the keys of all effects that happened, of every kind."""
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
    """Return whether the records contain everything that the reply says was done."""
    text = reply["body"]
    paid = {(row["order_id"], row["amount"]) for row in [*ledger["refunds"], *ledger["cancellations"]]}
    for found in REFUNDED.finditer(text):
        amount = written_money.minor(found["amount"], found["currency"])
        if (found["order"], amount) not in paid:
            return False
    cancelled = {row["order_id"] for row in ledger["cancellations"]}
    if any(found["order"] not in cancelled for found in CANCELLED.finditer(text)):
        return False
    return not CHANGED.search(text) or _account_changed(reply["to"], ledger["account_changes"], outside)


def _account_changed(email: str, changes: Sequence[Mapping[str, Any]], outside: Outside) -> bool:
    return bool(outside.customers_of(email) & {row["customer_id"] for row in changes})
