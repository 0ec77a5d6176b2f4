"""Check that a reply says nothing that did not happen (docs/design.md, 5.10). Pure.

Each claim must name a succeeded action of the ticket that did exactly that. Each sentence that presents an effect as
done or promised must be covered by the claimed actions: their kind, how many, and the amounts and orders it mentions.
Every amount must match a claimed action, unless the words around it are clearly about something else. When in doubt,
and in languages that the word lists don't cover, the sentence counts as ungrounded and a person reads the reply.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from agentops.lib.money import Money
from approvals.grounding import amount_words, effect_words, orders, statement_words
from approvals.grounding.clauses import Clause, clauses_of
from approvals.grounding.text import disguised, fold, sentences, uncovered
from approvals.kinds import noun


@dataclass(frozen=True)
class SucceededEffect:
    """A succeeded action of the ticket. `key` is its idempotency key, and `money` is what it moved.

    `captured` is the order's captured total in minor units, or None if unknown.
    """

    kind: str
    order_id: str = ""
    money: Money | None = None
    key: str = ""
    captured: int | None = None


def find_ungrounded(
    text: str, claims: Sequence[dict[str, Any]], done: Sequence[SucceededEffect], cancelled: Collection[str] = ()
) -> list[str]:
    """Return one sentence per problem, or nothing if the reply is grounded.

    Problems are claims without a matching action, and statements that no claim covers.

    `done` are the ticket's succeeded actions. `cancelled` are orders that the shop confirms as cancelled: the reply may
    mention that state without a claim, but nothing else about them.
    """
    # Statements are checked against the claimed actions only: a true but undeclared statement is a problem too.
    missing = [sentence for claim in claims if (sentence := _unmatched_claim(claim, done))]
    keys = {claim.get("action") for claim in claims}
    claimed = [effect for effect in done if effect.key in keys]
    return list(dict.fromkeys([*missing, *_uncovered_statements(text, claimed, cancelled)]))


def is_untrue(
    text: str, claims: Sequence[dict[str, Any]], done: Sequence[SucceededEffect], cancelled: Collection[str] = ()
) -> bool:
    """Return whether the reply says anything that did not happen, even if every true statement is left undeclared."""
    unfounded = any(not any(_covers(effect, claim) for effect in done) for claim in claims)
    return unfounded or bool(_uncovered_statements(text, done, cancelled))


def fill_in_actions(claims: Sequence[dict[str, Any]], done: Sequence[SucceededEffect]) -> list[dict[str, Any]]:
    """Return the claims, with a missing action filled in if exactly one action fits."""
    # If several actions fit, leave the claim open: to choose one would be a statement that the model didn't make.
    taken = {claim.get("action") for claim in claims}
    result = []
    for claim in claims:
        free = {effect.key for effect in done if effect.key not in taken and _covers(effect, claim)}
        if not claim.get("action") and len(free) == 1:
            claim = {**claim, "action": free.pop()}
            taken.add(claim["action"])
        result.append(claim)
    return result


def claim_for(effect: SucceededEffect) -> dict[str, Any]:
    """Return the claim that describes an effect completely."""
    amount, currency = (effect.money.amount, effect.money.currency) if effect.money else (None, "")
    found = {"order_id": effect.order_id, "amount": amount, "currency": currency}
    return {"kind": effect.kind, "action": effect.key} | {name: value for name, value in found.items() if value}


def _unmatched_claim(claim: dict[str, Any], done: Sequence[SucceededEffect]) -> str:
    fitting = [effect for effect in done if _covers(effect, claim)]
    if not fitting:
        return f"The reply says {_in_words(claim)}, but there is no such {noun(claim['kind'])}."
    if any(effect.key == claim.get("action") for effect in fitting):
        return ""
    which = f"{claim['action']} did something else" if claim.get("action") else "doesn't name the action"
    return f"The reply says {_in_words(claim)}, but {which}."


def _uncovered_statements(text: str, done: Sequence[SucceededEffect], cancelled: Collection[str]) -> list[str]:
    seen = fold(text)
    missing = [f"“{word[:80]}” uses mixed or unusual letters, so it can't be checked." for word in disguised(seen)]
    foreign = uncovered(seen)
    if foreign:
        missing.append(f"“{foreign[:200]}” is in a language or script that can't be checked.")
    by_sentence = {
        sentence: clauses_of(orders.without_states(sentence, seen, cancelled)) for sentence in sentences(seen)
    }
    # A sentence such as "It was for #W1" only states something if another sentence names an effect.
    claims = any(clause.kinds for clauses in by_sentence.values() for clause in clauses)
    for sentence, clauses in by_sentence.items():
        if not done and any(statement_words.AS_ASKED.search(clause.rest) for clause in clauses):
            missing.append(f"“{sentence[:200]}” says something was done, but the reply names no action for it.")
        missing += _sentence_problems(sentence, clauses, done)
        missing += _without_subject(sentence, clauses, done) if claims else []
    return missing


def _sentence_problems(sentence: str, clauses: Sequence[Clause], done: Sequence[SucceededEffect]) -> list[str]:
    """Return the problems of one sentence, which quote it as written."""
    kinds = [kind for kind in effect_words.EFFECTS if any(kind in clause.kinds for clause in clauses)]
    missing = [kind for kind in kinds if not any(_grounds(effect, kind) for effect in done)]
    if missing:
        return [f"“{sentence[:200]}” mentions {_and(missing)}, but the reply names no action for it."]
    grounds = [effect for effect in done if any(_grounds(effect, kind) for kind in kinds)]
    stated = " ".join(clause.text for clause in clauses if not clause.open)
    others = _unknown_orders(stated, grounds)
    amounts = _unknown_amounts(clauses, grounds or done)
    partly = "refund" in kinds and any(clause.refunds_all for clause in clauses) and not _all_returned(grounds)
    in_words = any("refund" in clause.kinds and amount_words.NUMBER_WORD.search(clause.rest) for clause in clauses)
    return [
        *_order_problems(sentence, others),
        *([f"“{sentence[:200]}” gives an amount in words, which can't be checked."] if in_words else []),
        *(f"“{sentence[:200]}” mentions {amount}, which matches no claimed action." for amount in amounts),
        *([f"“{sentence[:200]}” says everything was refunded, but the claimed refunds are less."] if partly else []),
    ] or _count_problems(sentence, clauses, done)


def _grounds(effect: SucceededEffect, kind: str) -> bool:
    # A cancellation returns the money, so a reply may call it a refund as well.
    return effect.kind == kind or (effect.kind == "cancel_order" and kind == "refund")


def _all_returned(grounds: Sequence[SucceededEffect]) -> bool:
    """Return whether every order with a refund was refunded completely. A cancellation returns all that was left."""
    back: dict[str, int] = {}
    for effect in grounds:
        back[orders.normalized_id(effect.order_id)] = back.get(orders.normalized_id(effect.order_id), 0) + (
            effect.money.amount if effect.money else 0
        )
    return all(
        effect.kind == "cancel_order"
        or (effect.captured is not None and back[orders.normalized_id(effect.order_id)] >= effect.captured)
        for effect in grounds
        if _grounds(effect, "refund")
    )


def _without_subject(sentence: str, clauses: Sequence[Clause], done: Sequence[SucceededEffect]) -> list[str]:
    """Report orders without an effect in a sentence that names no effect but refers to one in another sentence."""
    if any(clause.kinds for clause in clauses):
        return []
    own = any(statement_words.OWN_SUBJECT.search(clause.rest) for clause in clauses)
    stated = " ".join(
        clause.text
        for clause in clauses
        if not clause.open and (not own or statement_words.REFERS_BACK.search(clause.rest))
    )
    return _order_problems(sentence, _unknown_orders(stated, done))


def _order_problems(sentence: str, others: Sequence[str]) -> list[str]:
    return [f"“{sentence[:200]}” mentions {order}, but no claimed action is for it." for order in others]


def _unknown_orders(text: str, grounds: Sequence[SucceededEffect]) -> list[str]:
    known = {orders.normalized_id(effect.order_id) for effect in grounds if effect.order_id}
    named = {match.group() for match in orders.ORDER.finditer(text)}
    return [order for order in sorted(named) if known and orders.normalized_id(order) not in known]


def _unknown_amounts(clauses: Sequence[Clause], done: Sequence[SucceededEffect]) -> list[str]:
    """Return the amounts that match no effect, and that the words around them don't explain otherwise."""
    moved_money = [effect.money for effect in done if effect.money]
    total: dict[str, Money] = {}
    for money in moved_money:
        total[money.currency] = total.get(money.currency, Money(0, money.currency)) + money
    # "Refunded $30 in total" is true of two refunds of $15.
    known = {*moved_money, *total.values()}
    # A sentence that names no effect may give a total in one clause and its parts in the next.
    no_effect = not any(clause.kinds or clause.moves for clause in clauses)
    explained = no_effect and any(clause.names_another_amount for clause in clauses)
    moved = any(clause.moves and amount_words.PRONOUN.search(clause.rest) for clause in clauses)
    of_effect = any(clause.kinds for clause in clauses)
    return [
        amount.written
        for clause in clauses
        if moved
        or (of_effect and amount_words.ADDED.search(clause.rest))
        or not (explained or clause.names_another_amount or (clause.open and not clause.moves))
        for amount in clause.all_amounts
        if not amount.is_one_of(known)
    ]


def _count_problems(sentence: str, clauses: Sequence[Clause], done: Sequence[SucceededEffect]) -> list[str]:
    named = [kind for clause in clauses for kind in clause.kinds]
    for clause in clauses:
        again = not clause.open and bool(amount_words.SAME_AGAIN.search(clause.rest))
        kinds = clause.kinds or (["refund"] if clause.amounts and not clause.names_another_amount else [])
        for kind in named if again else kinds:
            happened = sum(_grounds(effect, kind) for effect in done)
            counted = any(times > happened and word.search(clause.rest) for times, word in amount_words.COUNTS.items())
            if counted or (again and happened < 2):
                times = "once" if happened == 1 else f"{happened} times"
                return [f"“{sentence[:200]}” says this happened more than {times}."]
    return []


def _covers(effect: SucceededEffect, claim: dict[str, Any]) -> bool:
    amount, currency = (effect.money.amount, effect.money.currency) if effect.money else (None, "")
    return (
        _grounds(effect, claim["kind"])
        and (
            not claim.get("order_id")
            or orders.normalized_id(claim["order_id"]) == orders.normalized_id(effect.order_id)
        )
        and (claim.get("amount") is None or claim["amount"] == amount)
        and (not claim.get("currency") or claim["currency"] == currency)
    )


def _in_words(claim: dict[str, Any]) -> str:
    """Return the claim as a clause: "$84.00 was refunded for #W1234567"."""
    kind, amount, currency = claim["kind"], claim.get("amount"), claim.get("currency")
    order = claim.get("order_id") or ""
    money = str(Money.of(amount, currency) or amount or "")
    if kind == "refund":
        return f"{money or 'money'} was refunded{f' for {order}' if order else ''}"
    if kind == "cancel_order":
        return f"{f'order {order}' if order else 'an order'} was cancelled{f' and {money} refunded' if money else ''}"
    return "the account was changed"


def _and(kinds: Sequence[str]) -> str:
    return " and ".join(f"a{'n' if kind[0] in 'aeiou' else ''} {noun(kind)}" for kind in kinds)
