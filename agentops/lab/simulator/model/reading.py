"""What a customer's text requests: English, and what the glossary knows. Everything else is left to a person."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from . import phrases
from .account import AccountChange, account_change
from .amounts import Amount, find_amounts
from .language import language_of
from .languages import glossed
from .phrases import Kind

type Verb = tuple[int, Kind | None]


@dataclass
class Part:
    """What is requested of one kind: the words around its verbs (lower case), and the orders and amounts in them."""

    text: str = ""
    order_ids: list[str] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)

    @property
    def everything(self) -> bool:
        return bool(phrases.EVERYTHING.search(self.text))

    @property
    def excluded(self) -> str:
        """Return what the customer wants excluded, as written."""
        found = phrases.EXCEPT.search(self.text)
        return found["excluded"] if found else ""

    @property
    def wanted(self) -> str:
        return phrases.EXCEPT.sub("", self.text)


@dataclass
class Wish:
    """Everything that the agent understood."""

    text: str
    parts: dict[Kind, Part] = field(default_factory=dict)
    account: AccountChange | None = None
    order_ids: list[str] = field(default_factory=list)
    tracking_numbers: list[str] = field(default_factory=list)
    called_orders: list[str] = field(default_factory=list)
    plain: str = ""
    injection: str = ""
    complaint: bool = False
    language: str = "en"

    def says(self, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.search(self.text))

    @property
    def references(self) -> bool:
        return bool(self.order_ids or self.tracking_numbers or self.called_orders)


def understand(subject: str, texts: list[str], own_email: str) -> Wish:
    """Return what `texts` request. The subject counts if they say too little."""
    body = phrases.MARKER.sub("", "\n\n".join(texts))
    language = language_of(body)
    subject, body = glossed(subject, language), glossed(body, language)
    clean, injection = _without_injection(body)
    wish = _read(clean, own_email)
    if not wish.parts and wish.account is None:
        wish = _read(f"{phrases.MARKER.sub('', subject)}.\n{clean}", own_email)
    elif not wish.references:
        _find_references(wish, subject)
    wish.injection = injection
    wish.language = language
    return wish


def unconditional(sentence: str) -> str:
    """Return the sentence up to the first condition: what depends on an "if" is no request yet."""
    plain = phrases.BENIGN_IF.sub(lambda found: " " * len(found.group()), sentence)
    found = phrases.CONDITION.search(plain.lower())
    return plain[: found.start()] if found else plain


def _read(text: str, own_email: str) -> Wish:
    sentences = [unconditional(sentence) for sentence in re.split(r"(?<=[.!?;])\s+|\n+", text)]
    plain = "\n".join(sentences)
    wish = Wish(text=text.lower(), plain=plain.lower())
    _find_references(wish, text)
    wish.account = account_change(plain, own_email)
    wish.complaint = bool(phrases.COMPLAINT.search(wish.plain))
    context = [sentence for sentence in sentences if not _read_sentence(wish, sentence)]
    acting = [kind for kind in wish.parts if kind != "status"]
    meant = wish.complaint or (wish.references and phrases.REFUND_NOUN.search(wish.plain))
    if meant and not acting and wish.account is None:
        wish.parts["refund"] = _part(plain)
    elif len(acting) == 1:
        part = wish.parts[acting[0]]
        part.order_ids = part.order_ids or list(wish.order_ids)
        part.amounts = part.amounts or ([] if acting != ["refund"] else list(find_amounts(" ".join(context))))
    return wish


def _read_sentence(wish: Wish, sentence: str) -> bool:
    """Add what one sentence requests. Returns False if it requests nothing."""
    lower = sentence.lower()
    verbs: list[Verb] = [(0, "status")] if phrases.REFUND_STATUS.search(lower) else _verbs(lower)
    if wish.account is not None and "order" not in lower:
        verbs = [(start, kind) for start, kind in verbs if kind not in ("change", "exchange")]
    starts = [0, *(start for start, _ in verbs[1:]), len(sentence)]
    spans = [sentence[begin:end] for begin, end in pairwise(starts)] if verbs else []
    for place, (_, kind) in enumerate(verbs):
        # "cancel or return the lamp": the first verb has no words of its own and shares those of the second.
        shared = len(spans[place].split()) <= 2 or phrases.SHARED.search(spans[place].lower())
        text = " ".join(spans[place : place + 2]) if shared else spans[place]
        if kind is not None:
            _add(wish.parts.setdefault(kind, Part()), _part(text))
    return any(kind is not None for _, kind in verbs)


def _add(part: Part, more: Part) -> None:
    part.text += " " + more.text
    part.order_ids += [order_id for order_id in more.order_ids if order_id not in part.order_ids]
    part.amounts += [amount for amount in more.amounts if amount not in part.amounts]


def _verbs(lower: str) -> list[Verb]:
    """Yield where a sentence requests which kind of thing, in order; None for what it rules out."""
    masked = phrases.REFUND_NOUN.sub(lambda found: " " * len(found.group()), lower)
    found: list[tuple[int, Kind]] = [
        (match.start(), kind) for kind, verb in phrases.VERBS for match in verb.finditer(masked)
    ]
    return [(start, None if phrases.NEGATED.search(lower[:start]) else kind) for start, kind in sorted(found)]


def _part(text: str) -> Part:
    return Part(text.lower(), _order_ids(text), list(find_amounts(text)))


def _order_ids(text: str) -> list[str]:
    found = [f"#W{number}" for number in phrases.ORDER_ID.findall(text)]
    found += [f"#W{number}" for number in phrases.BARE_ORDER_ID.findall(text)]
    return list(dict.fromkeys(found))


def _find_references(wish: Wish, text: str) -> None:
    wish.order_ids = _order_ids(text)
    for match in phrases.TRACKING.finditer(text):
        before = text[: match.start()].rsplit("\n", 1)[-1]
        if phrases.ITEM_ID_BEFORE.search(before):
            continue
        called_order = phrases.ORDER_BEFORE.search(before) and "track" not in before[-40:].lower()
        (wish.called_orders if called_order else wish.tracking_numbers).append(match.group())


def _without_injection(text: str) -> tuple[str, str]:
    """Split the text into the customer's part and the paragraph with orders to the machine."""
    found = phrases.INJECTION.search(text.lower())
    if not found:
        return text, ""
    begin = max(text.rfind(mark, 0, found.start()) for mark in (". ", "\n", "! ", "? ")) + 1
    end = text.find("\n\n", found.end())
    end = len(text) if end < 0 else end
    return text[:begin] + text[end:], text[begin:end].strip()
