"""Whether a reply says more than what happened (DESIGN §5.9). Pure.

Each sentence that speaks of an effect as done or promised must be covered by succeeded actions of the ticket: of its
kind, as many as it tells of, and with the amounts and orders that it names. An amount needs its ground whatever the
words around it are, unless they plainly speak of something else. In doubt, and in a language that the word lists do
not cover, there is no ground: a person reads the reply.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agentops.lib.money import display, major
from approvals import grounding_words as words
from approvals.grounding_amounts import Amount, replace_amounts
from approvals.grounding_text import bare, disguised, fold, sentences, uncovered


@dataclass(frozen=True)
class Effect:
    """A succeeded action of the ticket. `amount` is in minor units."""

    kind: str
    order_id: str = ""
    amount: int | None = None
    currency: str = ""


_ORDER = re.compile(r"#?\bW\d{5,}\b|#\w*\d\w*")


@dataclass(frozen=True)
class _Clause:
    """What is left of a clause without its denials. `open`: it asks, or names a condition."""

    text: str
    rest: str
    open: bool
    amounts: list[Amount]

    @property
    def kinds(self) -> list[str]:
        return [] if self.open else [kind for kind, names in words.EFFECTS.items() if names.search(self.rest)]

    @property
    def speaks_of_another_amount(self) -> bool:
        return bool(words.OTHER_AMOUNT.search(self.rest)) and not self.moves

    @property
    def moves(self) -> bool:
        return bool(words.MOVING.search(self.rest) or words.DONE.search(self.rest))


def ungrounded(text: str, claims: Sequence[dict[str, Any]], done: Sequence[Effect]) -> list[str]:
    """One sentence for people for each claim that has no ground; empty where all have."""
    missing = [_claim_sentence(claim) for claim in claims if not any(_covers(effect, claim) for effect in done)]
    seen = fold(text)
    missing += [
        f"“{word[:80]}” is written in mixed or unusual letters, so it cannot be checked." for word in disguised(seen)
    ]
    foreign = uncovered(seen)
    if foreign:
        missing.append(f"“{foreign[:200]}” is in a language or script in which claims cannot be checked.")
    for sentence in sentences(seen):
        missing += _sentence(sentence, done)
    return list(dict.fromkeys(missing))


def _sentence(sentence: str, done: Sequence[Effect]) -> list[str]:
    clauses = [_clause(part) for part in words.TURNS.split(sentence) if part.strip()]
    kinds = [kind for kind in words.EFFECTS if any(kind in clause.kinds for clause in clauses)]
    missing = [kind for kind in kinds if not any(_grounds(effect, kind) for effect in done)]
    if missing:
        return [f"“{sentence[:200]}” speaks of {_and(missing)}, but none has succeeded on this ticket."]
    grounds = [effect for effect in done if any(_grounds(effect, kind) for kind in kinds)]
    said = " ".join(clause.text for clause in clauses if not clause.open)
    orders = _unknown_orders(said, grounds)
    amounts = _unknown_amounts(clauses, grounds or done)
    return [
        *(f"“{sentence[:200]}” names {order}, for which no such action has succeeded." for order in orders),
        *(f"“{sentence[:200]}” names the amount {amount}, which no succeeded action has." for amount in amounts),
    ] or _too_often(sentence, clauses, done)


def _clause(text: str) -> _Clause:
    named, amounts = replace_amounts(text)
    said = re.sub(r"\s+", " ", bare(_ORDER.sub(" order ", named))).strip()
    rest = said if words.TWISTS.search(said) else words.DENIAL.sub(" ", said)
    left = [amount for place, amount in enumerate(amounts) if re.search(rf"\bmoney{place}\b", rest)]
    return _Clause(text, rest, bool(words.OPEN_ENDED.search(rest) and not words.DONE.search(rest)), left)


def _grounds(effect: Effect, kind: str) -> bool:
    # A cancellation returns the money too: it grounds words of refund as well.
    return effect.kind == kind or (effect.kind == "cancel_order" and kind == "refund")


def _unknown_orders(text: str, grounds: Sequence[Effect]) -> list[str]:
    known = {_order_name(effect.order_id) for effect in grounds if effect.order_id}
    named = {match.group() for match in _ORDER.finditer(text)}
    return [order for order in sorted(named) if known and _order_name(order) not in known]


def _unknown_amounts(clauses: Sequence[_Clause], done: Sequence[Effect]) -> list[str]:
    """Amounts that are none of an effect, nor in words that plainly speak of something else."""
    known: set[tuple[Decimal, str]] = set()
    total: dict[str, int] = {}
    for effect in done:
        if effect.amount is not None:
            known.add((major(effect.amount, effect.currency), effect.currency))
            total[effect.currency] = total.get(effect.currency, 0) + effect.amount
    known |= {(major(amount, currency), currency) for currency, amount in total.items()}
    # A sentence without a word of any effect may tell its total in one clause and the parts of it in the next.
    calm = not any(clause.kinds or clause.moves for clause in clauses)
    other = calm and any(clause.speaks_of_another_amount for clause in clauses)
    moved = any(clause.moves and words.IT.search(clause.rest) for clause in clauses)
    return [
        amount.written
        for clause in clauses
        if moved or not (other or clause.speaks_of_another_amount or (clause.open and not clause.moves))
        for amount in clause.amounts
        if not amount.is_one_of(known)
    ]


def _too_often(sentence: str, clauses: Sequence[_Clause], done: Sequence[Effect]) -> list[str]:
    for clause in clauses:
        for kind in clause.kinds or (["refund"] if clause.amounts and not clause.speaks_of_another_amount else []):
            happened = sum(_grounds(effect, kind) for effect in done)
            if any(times > happened and word.search(clause.rest) for times, word in words.COUNTS.items()):
                return [f"“{sentence[:200]}” tells of more than the {happened} that succeeded on this ticket."]
    return []


def _covers(effect: Effect, claim: dict[str, Any]) -> bool:
    return (
        _grounds(effect, claim["kind"])
        and (not claim.get("order_id") or _order_name(claim["order_id"]) == _order_name(effect.order_id))
        and (claim.get("amount") is None or claim["amount"] == effect.amount)
        and (not claim.get("currency") or claim["currency"] == effect.currency)
    )


def _claim_sentence(claim: dict[str, Any]) -> str:
    what = claim["kind"].replace("_", " ")
    amount, currency = claim.get("amount"), claim.get("currency")
    money = f" of {display(amount, currency) if currency else amount}" if amount is not None else ""
    order = f" for {claim['order_id']}" if claim.get("order_id") else ""
    return f"It claims a {what}{money}{order}, but none such has succeeded on this ticket."


def _order_name(order_id: str) -> str:
    return order_id.lstrip("#").upper()


def _and(kinds: Sequence[str]) -> str:
    return " and ".join(kind.replace("_", " ") for kind in kinds)
