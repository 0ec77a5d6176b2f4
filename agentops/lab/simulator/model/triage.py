"""The first look at a ticket: its intent, language, clarity and risk."""

import re
from typing import Any

from . import phrases
from .amounts import UNITS, Amount
from .plan import wish_of
from .reading import Wish
from .transcript import Case

# Amounts in a text from this many major units are a sign of risk.
LARGE = {"JPY": 50_000, "KWD": 150}
LARGE_ELSEWHERE = 500
EXACT: dict[str, str] = {"refund": "refund", "cancel": "cancel", "status": "question"}


def triage(case: Case) -> dict[str, Any]:
    """Return {intent, language, ambiguous, risk_signs, summary}, as the schema "triage" requires."""
    wish = wish_of(case)
    acting = [kind for kind in wish.parts if kind != "status"]
    kinds = acting + (["account"] if wish.account else [])
    return {
        "intent": _intent(wish, kinds),
        "language": wish.language,
        "ambiguous": len(kinds) > 1 or not (kinds or wish.parts) or (bool(acting) and not wish.references),
        "risk_signs": _risks(wish),
        "summary": _summary(case, wish, kinds),
    }


def _intent(wish: Wish, kinds: list[str]) -> str:
    if wish.account and len(kinds) == 1:
        return "account_change"
    for kind in ("refund", "cancel"):
        if kind in kinds:
            return kind
    if kinds:
        return "account_change" if wish.account else "other"
    return "question" if wish.parts or "?" in wish.text else "other"


def _risks(wish: Wish) -> list[str]:
    signs = {
        "legal_threat": wish.says(phrases.LEGAL),
        "anger": wish.says(phrases.ANGER),
        "asks_for_a_person": wish.says(phrases.HUMAN),
        "instructions_in_text": bool(wish.injection),
        "large_amount": any(_is_large(amount) for part in wish.parts.values() for amount in part.amounts),
    }
    return [name for name, there in signs.items() if there]


def _is_large(amount: Amount) -> bool:
    currency = amount.currency or "USD"
    return amount.minor(currency) >= LARGE.get(currency, LARGE_ELSEWHERE) * UNITS.get(currency, 100)


def _summary(case: Case, wish: Wish, kinds: list[str]) -> str:
    names = {
        "refund": "wants money back",
        "cancel": "wants to cancel",
        "exchange": "wants an exchange",
        "change": "wants an order changed",
        "account": "wants the account changed",
        "status": "asks where an order stands",
    }
    wants = " and ".join(names[kind] for kind in dict.fromkeys([*kinds, *wish.parts]))
    about = ", ".join([*wish.order_ids, *wish.called_orders, *wish.tracking_numbers])
    summary = re.sub(r"\s+", " ", case.wishes[0] if case.wishes else case.first)[:120]
    return f"{case.name or 'The customer'} {wants or 'writes'}{f' ({about})' if about else ''}: {summary}"
