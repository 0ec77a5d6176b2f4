"""Read a sentence of a reply as clauses: the effects and amounts in each, and whether it claims anything. Pure."""

import re
from dataclasses import dataclass

from approvals.grounding import amount_words, effect_words, orders, statement_words
from approvals.grounding.amounts import WrittenAmount, plain_numbers, replace_amounts
from approvals.grounding.text import bare


@dataclass(frozen=True)
class Clause:
    """A clause of a sentence. `rest` is the text without its denials, and `amounts` are the amounts in it.

    `open` means that the clause asks a question or names a condition, so it claims nothing.
    """

    text: str
    rest: str
    open: bool
    amounts: list[WrittenAmount]

    @property
    def kinds(self) -> list[str]:
        return [] if self.open else [kind for kind, names in effect_words.EFFECTS.items() if names.search(self.rest)]

    @property
    def all_amounts(self) -> list[WrittenAmount]:
        """The amounts, and in a clause about a refund also numbers without a currency."""
        return [*self.amounts, *(plain_numbers(self.rest) if "refund" in self.kinds else ())]

    @property
    def names_another_amount(self) -> bool:
        return bool(amount_words.OTHER_AMOUNT.search(self.rest)) and not self.moves

    @property
    def refunds_all(self) -> bool:
        # "Not the full amount" denies it, but only if the clause claims no refund besides.
        if self.open or ("refund" not in self.kinds and statement_words.NEGATIVE.search(self.text)):
            return False
        return bool(amount_words.FULL_REFUND.search(self.rest))

    @property
    def moves(self) -> bool:
        """Whether the clause says that something moves or was done."""
        patterns = (amount_words.MOVING, statement_words.DONE, statement_words.FULFILLED)
        return any(pattern.search(self.rest) for pattern in patterns)


def clauses_of(text: str) -> list[Clause]:
    """Return the clauses of a sentence. A denial in one says nothing about the next, so each is read on its own."""
    return [_read_clause(part) for part in statement_words.CLAUSE_BREAK.split(text) if part.strip()]


def _read_clause(text: str) -> Clause:

    named, amounts = replace_amounts(text)
    plain = re.sub(r"\s+", " ", bare(orders.ORDER.sub(" order ", named))).strip()
    rest = plain if statement_words.REVERSAL.search(plain) else statement_words.DENIAL.sub(" ", plain)
    # Amounts within a denial are gone from `rest`: "I can't refund $50" mentions an amount but claims none.
    left = [amount for place, amount in enumerate(amounts) if re.search(rf"\bmoney{place}\b", rest)]
    return Clause(text, rest, _is_open(rest), left)


def _is_open(text: str) -> bool:
    if statement_words.DONE.search(text) or statement_words.REFUND_EXISTS.search(text):
        return False
    wished = statement_words.REQUESTED.search(text) and not statement_words.FULFILLED.search(text)
    return bool(wished or statement_words.OPEN_ENDED.search(text))
