"""Whether a reply says more than what happened (DESIGN §5.9). Pure.

Each sentence that speaks of an effect as done or promised must be covered by a succeeded action of the ticket:
of its kind, and with the amounts and orders that it names. In doubt a sentence has no ground: a person reads it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from agentops.lib.money import display, major


@dataclass(frozen=True)
class Effect:
    """A succeeded action of the ticket. `amount` is in minor units."""

    kind: str
    order_id: str = ""
    amount: int | None = None
    currency: str = ""


# What an effect is called when it is done or promised, in the languages that customers most write in.
_WORDS = {
    "refund": r"refund\w*|reimburs\w+|credited|credit back|money back|chargeback|paid back|"
    r"erstatt\w*|zurückerstatt\w*|gutgeschrieben|rembours\w*|reembols\w*|rimbors\w*|terugbeta\w*|estorn\w*|返金",
    "cancel_order": r"cancel\w*|stornier\w*|annul\w*|annull?at\w*|geannuleerd|キャンセル",
    "account_change": r"(?:updated|changed|corrected)\b(?=.{0,60}\b(?:e-?mail|address|name|account|profile))"
    r"|(?:e-?mail|address|name|account|profile)\b.{0,60}\b(?:updated|changed|corrected|now set)",
}
_EFFECTS = {kind: re.compile(words, re.IGNORECASE) for kind, words in _WORDS.items()}
# A sentence that denies, asks or explains what would be needed claims nothing.
_DENIED = re.compile(
    r"\b(?:not|cannot|can't|could(?:n't| not)|unable|won't|wouldn't|isn't|wasn't|hasn't|haven't|no|never|declined|"
    r"nicht|kein\w*|keine\w*|ne\b.{0,20}\bpas|n'a pas|non|kan niet|não)\b",
    re.IGNORECASE,
)
_OPEN_ENDED = re.compile(
    r"\?\s*$|^\s*(?:if|once|before|unless|should you|to (?:process|issue|make|get|look|cancel|refund|change))\b"
    r"|\b(?:would you like|do you want|could you|can you|please (?:tell|send|confirm|reply|share|provide|let)|"
    r"your request|you (?:asked|requested|wrote|wanted)|request(?:ed)? (?:for|to|a))\b",
    re.IGNORECASE,
)
_ORDER = re.compile(r"#?\bW\d{5,}\b|#\w*\d\w*")
_AMOUNT = re.compile(
    r"(?:[$€£¥]|\b(?:[A-Z]{3})\s?)\s?(\d[\d.,]*\d|\d)|(\d[\d.,]*\d|\d)\s?(?:[$€£¥]|(?:[A-Z]{3})\b|dollars|euros?|yen|pounds)"
)


def ungrounded(text: str, claims: Sequence[dict[str, Any]], done: Sequence[Effect]) -> list[str]:
    """One sentence for people for each claim that has no ground; empty where all have."""
    missing = [_claim_sentence(claim) for claim in claims if not any(_covers(effect, claim) for effect in done)]
    for sentence in re.split(r"(?<=[.!?。])\s+|\n+", text):
        missing += _sentence(sentence.strip(), done)
    return list(dict.fromkeys(missing))


def _sentence(sentence: str, done: Sequence[Effect]) -> list[str]:
    kinds = [kind for kind, words in _EFFECTS.items() if words.search(sentence)]
    if not kinds or _OPEN_ENDED.search(sentence):
        return []
    if _DENIED.search(sentence) and not _mixed(sentence):
        return []
    # A cancellation returns the money too: it grounds words of refund as well.
    grounds = [
        effect for effect in done if effect.kind in kinds or (effect.kind == "cancel_order" and "refund" in kinds)
    ]
    if not grounds:
        return [f"“{sentence[:200]}” speaks of {_and(kinds)}, but none has succeeded on this ticket."]
    return [*_unknown_orders(sentence, grounds), *_unknown_amounts(sentence, grounds)]


def _mixed(sentence: str) -> bool:
    """A denial and a claim in one breath: 'not the lamp, but I have refunded the desk'."""
    return bool(re.search(r"\b(?:but|however|instead|although|aber|mais|pero)\b", sentence, re.IGNORECASE))


def _unknown_orders(sentence: str, grounds: Sequence[Effect]) -> list[str]:
    known = {_order_name(effect.order_id) for effect in grounds if effect.order_id}
    named = {match.group() for match in _ORDER.finditer(sentence)}
    return [
        f"“{sentence[:200]}” names {order}, for which no such action has succeeded."
        for order in sorted(named)
        if known and _order_name(order) not in known
    ]


def _unknown_amounts(sentence: str, grounds: Sequence[Effect]) -> list[str]:
    known = {major(effect.amount, effect.currency) for effect in grounds if effect.amount is not None}
    total: dict[str, int] = {}
    for effect in grounds:
        if effect.amount is not None:
            total[effect.currency] = total.get(effect.currency, 0) + effect.amount
    known |= {major(amount, currency) for currency, amount in total.items()}
    named = [match.group(1) or match.group(2) for match in _AMOUNT.finditer(sentence)]
    return [
        f"“{sentence[:200]}” names the amount {amount}, which no succeeded action has."
        for amount in named
        if not _readings(amount) & known
    ]


def _readings(text: str) -> set[Decimal]:
    """The numbers that a written amount can be: 1,234.50 and 1.234,50 and 1.500 (a thousandth or a thousand)."""
    plain = text.rstrip(".,")
    found = set()
    for thousands, point in ((",", "."), (".", ",")):
        try:
            found.add(Decimal(plain.replace(thousands, "").replace(point, ".")))
        except InvalidOperation:
            continue
    return found


def _covers(effect: Effect, claim: dict[str, Any]) -> bool:
    returned = effect.kind == "cancel_order" and claim["kind"] == "refund"
    return (
        (effect.kind == claim["kind"] or returned)
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
