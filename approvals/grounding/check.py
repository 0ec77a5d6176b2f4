"""Whether a reply says more than what happened (docs/design.md, 5.10). Pure.

Each claim must name a succeeded action of the ticket that did just that. Each sentence that speaks of an effect as done
or promised must be covered by the actions that the claims name: of its kind, as many as it tells of, and with the
amounts and orders that it names. An amount needs its ground whatever the
words around it are, unless they plainly speak of something else. In doubt, and in a language that the word lists do
not cover, there is no ground: a person reads the reply.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agentops.lib.money import display, major
from approvals.grounding import orders as orders
from approvals.grounding import words as words
from approvals.grounding.amounts import WrittenAmount, plain_numbers, replace_amounts
from approvals.grounding.text import bare, disguised, fold, sentences, uncovered
from approvals.kinds import noun


@dataclass(frozen=True)
class Effect:
    """A succeeded action of the ticket: `key` is its idempotency key, `amount` in minor units, `captured` what its
    order had been paid with, None where that is not known."""

    kind: str
    order_id: str = ""
    amount: int | None = None
    currency: str = ""
    key: str = ""
    captured: int | None = None


@dataclass(frozen=True)
class _Clause:
    """What is left of a clause without its denials. `open`: it asks, or names a condition."""

    text: str
    rest: str
    open: bool
    amounts: list[WrittenAmount]

    @property
    def kinds(self) -> list[str]:
        return [] if self.open else [kind for kind, names in words.EFFECTS.items() if names.search(self.rest)]

    @property
    def all_amounts(self) -> list[WrittenAmount]:
        """With the numbers in words of refund that name no currency."""
        return [*self.amounts, *(plain_numbers(self.rest) if "refund" in self.kinds else ())]

    @property
    def speaks_of_another_amount(self) -> bool:
        return bool(words.OTHER_AMOUNT.search(self.rest)) and not self.moves

    @property
    def refunds_all(self) -> bool:
        if self.open or ("refund" not in self.kinds and words.NEGATIVE.search(self.text)):
            return False
        return bool(words.WHOLE.search(self.rest))

    @property
    def moves(self) -> bool:
        return any(said.search(self.rest) for said in (words.MOVING, words.DONE, words.FULFILLED))


def ungrounded(
    text: str, claims: Sequence[dict[str, Any]], done: Sequence[Effect], cancelled: Collection[str] = ()
) -> list[str]:
    """One sentence for people for each claim that has no ground, and for each that the text makes beyond them; empty
    where the reply says no more than what it can show. `cancelled` are orders that the shop was just read to have
    cancelled: their state may be told, and nothing more of them."""
    missing = [sentence for claim in claims if (sentence := _unfounded(claim, done))]
    keys = {claim.get("action") for claim in claims}
    claimed = [effect for effect in done if effect.key in keys]
    return list(dict.fromkeys([*missing, *_beyond(text, claimed, cancelled)]))


def untrue(
    text: str, claims: Sequence[dict[str, Any]], done: Sequence[Effect], cancelled: Collection[str] = ()
) -> bool:
    """Whether it says what did not happen, however well or badly it is declared."""
    unfounded = any(not any(_covers(effect, claim) for effect in done) for claim in claims)
    return unfounded or bool(_beyond(text, done, cancelled))


def named(claims: Sequence[dict[str, Any]], done: Sequence[Effect]) -> list[dict[str, Any]]:
    """The claims, where they name no action with the one that fits; where none fits or several do, as they are."""
    taken = {claim.get("action") for claim in claims}
    result = []
    for claim in claims:
        free = {effect.key for effect in done if effect.key not in taken and _covers(effect, claim)}
        if not claim.get("action") and len(free) == 1:
            claim = {**claim, "action": free.pop()}
            taken.add(claim["action"])
        result.append(claim)
    return result


def claim_of(effect: Effect) -> dict[str, Any]:
    """The claim that tells of all that an effect was."""
    found = {"order_id": effect.order_id, "amount": effect.amount, "currency": effect.currency}
    return {"kind": effect.kind, "action": effect.key} | {name: value for name, value in found.items() if value}


def _unfounded(claim: dict[str, Any], done: Sequence[Effect]) -> str:
    fitting = [effect for effect in done if _covers(effect, claim)]
    if not fitting:
        return f"The reply says {_told(claim)}, but there is no such {noun(claim['kind'])}."
    if any(effect.key == claim.get("action") for effect in fitting):
        return ""
    which = f"{claim['action']} did something else" if claim.get("action") else "doesn't name the action"
    return f"The reply says {_told(claim)}, but {which}."


def _beyond(text: str, done: Sequence[Effect], cancelled: Collection[str]) -> list[str]:
    seen = fold(text)
    missing = [f"“{word[:80]}” uses mixed or unusual letters, so it can't be checked." for word in disguised(seen)]
    foreign = uncovered(seen)
    if foreign:
        missing.append(f"“{foreign[:200]}” is in a language or script that can't be checked.")
    told = {sentence: _clauses(orders.without_states(sentence, seen, cancelled)) for sentence in sentences(seen)}
    claims = any(clause.kinds for clauses in told.values() for clause in clauses)
    for sentence, clauses in told.items():
        if not done and any(words.AS_ASKED.search(clause.rest) for clause in clauses):
            missing.append(f"“{sentence[:200]}” says something was done, but the reply names no action for it.")
        missing += _sentence(sentence, clauses, done)
        missing += _without_subject(sentence, clauses, done) if claims else []
    return missing


def _clauses(text: str) -> list[_Clause]:
    return [_clause(part) for part in words.TURNS.split(text) if part.strip()]


def _sentence(sentence: str, clauses: Sequence[_Clause], done: Sequence[Effect]) -> list[str]:
    """What has no ground in the clauses, told with the sentence as it was written."""
    kinds = [kind for kind in words.EFFECTS if any(kind in clause.kinds for clause in clauses)]
    missing = [kind for kind in kinds if not any(_grounds(effect, kind) for effect in done)]
    if missing:
        return [f"“{sentence[:200]}” mentions {_and(missing)}, but the reply names no action for it."]
    grounds = [effect for effect in done if any(_grounds(effect, kind) for kind in kinds)]
    said = " ".join(clause.text for clause in clauses if not clause.open)
    others = _unknown_orders(said, grounds)
    amounts = _unknown_amounts(clauses, grounds or done)
    partly = "refund" in kinds and any(clause.refunds_all for clause in clauses) and not _all_returned(grounds)
    spelt = any("refund" in clause.kinds and words.NUMBER_WORD.search(clause.rest) for clause in clauses)
    return [
        *_of_orders(sentence, others),
        *([f"“{sentence[:200]}” gives an amount in words, which can't be checked."] if spelt else []),
        *(f"“{sentence[:200]}” mentions {amount}, which matches no claimed action." for amount in amounts),
        *([f"“{sentence[:200]}” says everything was refunded, but the claimed refunds are less."] if partly else []),
    ] or _too_often(sentence, clauses, done)


def _clause(text: str) -> _Clause:
    named, amounts = replace_amounts(text)
    said = re.sub(r"\s+", " ", bare(orders.ORDER.sub(" order ", named))).strip()
    rest = said if words.TWISTS.search(said) else words.DENIAL.sub(" ", said)
    left = [amount for place, amount in enumerate(amounts) if re.search(rf"\bmoney{place}\b", rest)]
    return _Clause(text, rest, _is_open(rest), left)


def _is_open(text: str) -> bool:
    if words.DONE.search(text) or words.THERE.search(text):
        return False
    wished = words.WISHED.search(text) and not words.FULFILLED.search(text)
    return bool(wished or words.OPEN_ENDED.search(text))


def _grounds(effect: Effect, kind: str) -> bool:
    # A cancellation returns the money too: it grounds words of refund as well.
    return effect.kind == kind or (effect.kind == "cancel_order" and kind == "refund")


def _all_returned(grounds: Sequence[Effect]) -> bool:
    """Whether each order that money was returned of has all of it back: a cancellation returns whatever is left."""
    back: dict[str, int] = {}
    for effect in grounds:
        back[orders.name(effect.order_id)] = back.get(orders.name(effect.order_id), 0) + (effect.amount or 0)
    return all(
        effect.kind == "cancel_order"
        or (effect.captured is not None and back[orders.name(effect.order_id)] >= effect.captured)
        for effect in grounds
        if _grounds(effect, "refund")
    )


def _without_subject(sentence: str, clauses: Sequence[_Clause], done: Sequence[Effect]) -> list[str]:
    """Orders that none of the effects is of, in a sentence that only an effect told in another one can be about."""
    if any(clause.kinds for clause in clauses):
        return []
    own = any(words.OWN_SUBJECT.search(clause.rest) for clause in clauses)
    said = " ".join(
        clause.text for clause in clauses if not clause.open and (not own or words.REFERS_BACK.search(clause.rest))
    )
    return _of_orders(sentence, _unknown_orders(said, done))


def _of_orders(sentence: str, others: Sequence[str]) -> list[str]:
    return [f"“{sentence[:200]}” mentions {order}, but no claimed action is for it." for order in others]


def _unknown_orders(text: str, grounds: Sequence[Effect]) -> list[str]:
    known = {orders.name(effect.order_id) for effect in grounds if effect.order_id}
    named = {match.group() for match in orders.ORDER.finditer(text)}
    return [order for order in sorted(named) if known and orders.name(order) not in known]


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
    of_effect = any(clause.kinds for clause in clauses)
    return [
        amount.written
        for clause in clauses
        if moved
        or (of_effect and words.ADDED.search(clause.rest))
        or not (other or clause.speaks_of_another_amount or (clause.open and not clause.moves))
        for amount in clause.all_amounts
        if not amount.is_one_of(known)
    ]


def _too_often(sentence: str, clauses: Sequence[_Clause], done: Sequence[Effect]) -> list[str]:
    told = [kind for clause in clauses for kind in clause.kinds]
    for clause in clauses:
        again = not clause.open and bool(words.THE_SAME.search(clause.rest))
        kinds = clause.kinds or (["refund"] if clause.amounts and not clause.speaks_of_another_amount else [])
        for kind in told if again else kinds:
            happened = sum(_grounds(effect, kind) for effect in done)
            counted = any(times > happened and word.search(clause.rest) for times, word in words.COUNTS.items())
            if counted or (again and happened < 2):
                times = "once" if happened == 1 else f"{happened} times"
                return [f"“{sentence[:200]}” says this happened more than {times}."]
    return []


def _covers(effect: Effect, claim: dict[str, Any]) -> bool:
    return (
        _grounds(effect, claim["kind"])
        and (not claim.get("order_id") or orders.name(claim["order_id"]) == orders.name(effect.order_id))
        and (claim.get("amount") is None or claim["amount"] == effect.amount)
        and (not claim.get("currency") or claim["currency"] == effect.currency)
    )


def _told(claim: dict[str, Any]) -> str:
    """What a claim says, as a clause: "$84.00 was refunded for #W1234567"."""
    kind, amount, currency = claim["kind"], claim.get("amount"), claim.get("currency")
    order = claim.get("order_id") or ""
    money = display(amount, currency) if amount is not None and currency else str(amount or "")
    if kind == "refund":
        return f"{money or 'money'} was refunded{f' for {order}' if order else ''}"
    if kind == "cancel_order":
        return f"{f'order {order}' if order else 'an order'} was cancelled{f' and {money} refunded' if money else ''}"
    return "the account was changed"


def _and(kinds: Sequence[str]) -> str:
    return " and ".join(f"a{'n' if kind[0] in 'aeiou' else ''} {noun(kind)}" for kind in kinds)
