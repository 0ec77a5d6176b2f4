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
_ACCOUNT = (
    r"e-?mail|address|name|account|profile|adresse|konto|nom|compte|direcci[oó]n|correo|nombre|cuenta|indirizzo|"
    r"adres|endereço|メール|住所"
)
_CHANGED = (
    r"updated|changed|corrected|switched|replaced|(?:now|been|have|i|we) set|geändert|aktualisiert|modifi\w+|"
    r"mis à jour|actualiz\w+|cambi\w+|aggiorn\w+|gewijzigd|atualiz\w+|alterad\w+|変更"
)
_WORDS = {
    "refund": r"refund\w*|reimburs\w+|credited|credit back|chargeback|money\b.{0,30}\bback|"
    r"(?:paid|sent|put|transferred)\b.{0,30}\bback|return\w*\b.{0,30}\b(?:money|payment|amount|charge)|"
    r"return\w* (?:the |your )?[$€£¥]|erstatt\w*|zurückerstatt\w*|zurück(?:ge)?zahl\w*|gutgeschrieben|gutschrift|"
    r"überwiesen|rembours\w*|reembols\w*|devuelto|devolvi\w*|rimbors\w*|terugbeta\w*|estorn\w*|återbetal\w*|"
    r"возвра\w*|возмест\w*|возмещ\w*|zwróc\w*|zwrot\w*|返金|退款|환불",
    "cancel_order": r"cancel\w*|stornier\w*|annul\w*|geannuleerd|anulowa\w*|отмен\w*|キャンセル|取消|취소",
    "account_change": rf"^(?=.*\b(?:{_ACCOUNT}))(?=.*(?:{_CHANGED}))",
}
_EFFECTS = {kind: re.compile(words, re.IGNORECASE) for kind, words in _WORDS.items()}
# A clause ends where the sentence turns: a denial in one clause says nothing about the next.
_TURNS = re.compile(
    r"[,;:](?=\s)|\s[-–—]\s|—|[()，；：]"  # noqa: RUF001
    r"|(?<=\s)(?:and|but|so|however|instead|although|though|because|which|while|whereas|"
    r"und|aber|denn|et|mais|car|y|pero|porque|e|ma|però|perché|en|maar|mas)(?=\s)",
    re.IGNORECASE,
)
# A clause that denies, asks or explains what would be needed claims nothing; a courtesy denies nothing.
_COURTESY = re.compile(
    r"\bno (?:problem|worries|doubt|need|later than|further|longer|questions? asked)\b|\bnot (?:only|to worry)\b"
    r"|\b(?:don't|do not) (?:worry|hesitate)\b|\b(?:can't|cannot) (?:apologi[sz]e|thank you) enough\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|cannot|can't|couldn't|unable|won't|wouldn't|isn't|wasn't|aren't|weren't|hasn't|haven't|didn't|don't|"
    r"doesn't|no|never|nothing|none|neither|nor|declined|refused|without|"
    r"nicht|nichts|nie|kein\w*|ne\b.{0,20}\b(?:pas|plus|jamais)|n'|aucun\w*|non|nunca|niet|geen|não|не|нет|nie)(?:\b|(?<='))"
    r"|ません|かねます|无法|不能|没有|않|못",
    re.IGNORECASE,
)
_OPEN_ENDED = re.compile(
    r"[?？]\s*$|^\s*(?:if|once|before|unless|should you|to (?:process|issue|make|get|look|cancel|refund|change))\b"  # noqa: RUF001
    r"|\b(?:would (?:you )?like|do you want|you want|could you|can you|"
    r"please (?:tell|send|confirm|reply|share|provide|let)|"
    r"your request|you (?:asked|requested|wrote|wanted)|request(?:ed)? (?:for|to|a))\b",
    re.IGNORECASE,
)
# Said as done: this outweighs an "if" or a "please" around it, and a denial of something else after it.
_DONE = re.compile(
    r"\b(?:i|we)(?:'ve| have| had)?(?: (?:now|just|already|also|fully|gladly)){0,2} "
    r"(?:refunded|reimbursed|credited|returned|cancell?ed|changed|updated|corrected|issued|sent|processed|made|set)\b"
    r"|\b(?:is|are|was|were|has|have)(?: been)?(?: (?:now|just|already|also|fully)){0,2} "
    r"(?:refunded|reimbursed|credited|returned|cancell?ed|changed|updated|corrected|issued|sent|processed|approved)\b"
    r"|\brefunds? (?:is|are) on (?:its|the|their) way\b|\brefund arrives\b",
    re.IGNORECASE,
)
_ORDER = re.compile(r"#?\bW\d{5,}\b|#\w*\d\w*")
_AMOUNT = re.compile(
    r"(?:[$€£¥]|\b(?:[A-Z]{3})\s?)\s?(\d[\d.,]*\d|\d)|(\d[\d.,]*\d|\d)\s?(?:[$€£¥]|(?:[A-Z]{3})\b|dollars|euros?|yen|pounds)"
)


def ungrounded(text: str, claims: Sequence[dict[str, Any]], done: Sequence[Effect]) -> list[str]:
    """One sentence for people for each claim that has no ground; empty where all have."""
    missing = [_claim_sentence(claim) for claim in claims if not any(_covers(effect, claim) for effect in done)]
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？])|\n+", text):  # noqa: RUF001
        missing += _sentence(sentence.strip(), done)
    return list(dict.fromkeys(missing))


def _sentence(sentence: str, done: Sequence[Effect]) -> list[str]:
    claiming = [clause for clause in _TURNS.split(_COURTESY.sub("", sentence)) if not _open(clause)]
    kinds = [kind for kind, words in _EFFECTS.items() if any(words.search(clause) for clause in claiming)]
    missing = [kind for kind in kinds if not any(_grounds(effect, kind) for effect in done)]
    if missing:
        return [f"“{sentence[:200]}” speaks of {_and(missing)}, but none has succeeded on this ticket."]
    grounds = [effect for effect in done if any(_grounds(effect, kind) for kind in kinds)]
    if not grounds:
        return []
    said = " ".join(claiming)
    orders, amounts = _unknown_orders(said, grounds), _unknown_amounts(said, grounds)
    return [
        *(f"“{sentence[:200]}” names {order}, for which no such action has succeeded." for order in orders),
        *(f"“{sentence[:200]}” names the amount {amount}, which no succeeded action has." for amount in amounts),
    ]


def _open(clause: str) -> bool:
    """Whether a clause leaves open, or denies, that anything has happened."""
    done = _DONE.search(clause)
    if done and not _DENIED.search(clause[: done.end()]):
        return False
    return bool(_OPEN_ENDED.search(clause) or _DENIED.search(clause))


def _grounds(effect: Effect, kind: str) -> bool:
    # A cancellation returns the money too: it grounds words of refund as well.
    return effect.kind == kind or (effect.kind == "cancel_order" and kind == "refund")


def _unknown_orders(text: str, grounds: Sequence[Effect]) -> list[str]:
    known = {_order_name(effect.order_id) for effect in grounds if effect.order_id}
    named = {match.group() for match in _ORDER.finditer(text)}
    return [order for order in sorted(named) if known and _order_name(order) not in known]


def _unknown_amounts(text: str, grounds: Sequence[Effect]) -> list[str]:
    known = {major(effect.amount, effect.currency) for effect in grounds if effect.amount is not None}
    total: dict[str, int] = {}
    for effect in grounds:
        if effect.amount is not None:
            total[effect.currency] = total.get(effect.currency, 0) + effect.amount
    known |= {major(amount, currency) for currency, amount in total.items()}
    named = [match.group(1) or match.group(2) for match in _AMOUNT.finditer(text)]
    return [amount for amount in named if not _readings(amount) & known]


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
