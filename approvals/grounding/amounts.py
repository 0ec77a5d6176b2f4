"""Find amounts of money in the text of a reply: the value and the currency. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from agentops.lib.money import Money, major
from agentops.lib.written_money import is_currency

_DOLLARS = frozenset(("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN", "TWD", "BRL"))
_UNITS = {
    "$": _DOLLARS,
    "dollar": _DOLLARS,
    "buck": _DOLLARS,
    "€": frozenset(("EUR",)),
    "euro": frozenset(("EUR",)),
    "£": frozenset(("GBP",)),
    "pound": frozenset(("GBP",)),
    "quid": frozenset(("GBP",)),
    "¥": frozenset(("JPY", "CNY")),
    "yen": frozenset(("JPY",)),
    "dinar": frozenset(("KWD", "BHD", "JOD", "TND")),
    "us$": frozenset(("USD",)),
    "c$": frozenset(("CAD",)),
    "ca$": frozenset(("CAD",)),
    "a$": frozenset(("AUD",)),
    "au$": frozenset(("AUD",)),
    "us dollar": frozenset(("USD",)),
}
# Codes that are recognised in lower case too. The others ("all", "try", "top") are English words in lower case.
_SMALL = "usd|eur|gbp|jpy|chf|cad|aud|kwd|sek|nok|dkk|pln|czk|inr|cny|nzd"
_BEFORE = rf"(?:[A-Za-z]{{1,2}}\$|[$€£¥₹₽₩₺]|\b[A-Z]{{3}}\b|\b(?i:{_SMALL})\b)"
_WORDS = r"\b(?i:us dollars?|dollars?|bucks?|euros?|pounds?|quid|yen|dinars?|cents?|francs?|rupees?)\b"
_AFTER = rf"(?:[$€£¥₹₽₩₺]|zł|kr\b|\b[A-Z]{{3}}\b|(?<=\d)[A-Z]{{3}}\b|(?i:(?:{_SMALL})\b)|{_WORDS})"
_NUMBER = r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?(?!\d)|\d[\d.,]*\d|\d"
_SCALE = r"\s?(?i:k|m|thousand|hundred|million|tausend)\b"
_AMOUNT = re.compile(
    rf"(?P<before>{_BEFORE})\s?(?P<first>{_NUMBER})(?P<scale>{_SCALE})?(?:\s?(?P<both>{_AFTER}))?"
    rf"|(?<![\w#.,])(?P<second>{_NUMBER})(?P<scaled>{_SCALE})?[\s-]?(?P<after>{_AFTER})"
    rf"|(?P<words>{_WORDS})"
    r"|(?<![\w#.,/:-])(?P<plain>\d+[.,]\d{2})(?![\w%/:-]|[.,]\d|\s?(?:%|kg|g|cm|mm|m|l|lbs?|oz|inch\w*|hours?|h)\b)"
)

_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|okt|dez|fev|avr|juin|juil|aout|ene|abr|ago|dic|gen|mag|giu|"
    r"lug|set|ott|mrt|mei|marz|marzo|marco)[a-z]*\.?"
)
_PERIODS = (
    r"(?:(?:working|business|calendar|bank)[\s-])?(?:days?|weeks?|months?|years?|hours?|minutes?)|(?:werk|arbeits)?tage?n?|"
    r"wochen?|stunden|jours?|semaines?|heures?|dias?|semanas?|horas?|giorni|settimane|ore|(?:werk)?dagen|"
    r"weken|uur"
)
# Contexts in which a number without a currency is no amount: a time, date, share, size, or a name with a number.
_NAMED = (
    r"(?:ending(?: in| with| on)?|ends? (?:in|with)|endet auf|endend auf|cards?|visa|mastercard|amex|numbers?|"
    r"no\.|nr\.?|reference|ref\.?|invoice|ticket|"
    r"case|receipt|items?|article|product|model|track\w*|version|in the year|[x*•]+)"
)
_PLAIN = re.compile(
    r"(?<![\w#.,/:*•+'-])(?P<number>\d{1,3}(?:[ ,.']\d{3})+|\d{2,7})"
    r"(?![\w%/:#@]|[.,]\d|-\d|(?:\s?[-–]\s?|\s(?:to|or|bis|oder|a|ou|o|tot|of)\s)\d+"  # noqa: RUF001 - these characters are what is matched
    rf"[\s-](?:{_PERIODS})\b"
    rf"|\s?%|[\s-]?(?:{_PERIODS}|per ?cent|prozent|kg|g|cm|mm|m|l|lbs?|oz|inch\w*|a\.?m|p\.?m|uhr)\b"
    rf"|\.?\s(?:of\s|de\s)?{_MONTHS}(?!\w))",
    re.IGNORECASE,
)
_BEFORE_PLAIN = re.compile(
    rf"(?:\b|(?<=\s)){_NAMED}[\s:#]*$"
    rf"|\b{_MONTHS}\s(?:\d{{1,2}},?\s)?$|\b(?:on the|between) $|\d\s?[-–]\s?$|\b(?:to|or)\s$(?<=\d to )",  # noqa: RUF001 - these characters are what is matched
    re.IGNORECASE,
)


@dataclass(frozen=True)
class WrittenAmount:
    """An amount as written. `values` are its possible readings, empty if it is unreadable. `currencies` are the
    possible ISO codes, None if the text names none."""

    written: str
    values: frozenset[Decimal]
    currencies: frozenset[str] | None

    def is_one_of(self, known: Iterable[Money]) -> bool:
        possible = (money for money in known if self.currencies is None or money.currency in self.currencies)
        return any(major(money.amount, money.currency) in self.values for money in possible)


def replace_amounts(text: str) -> tuple[str, list[WrittenAmount]]:
    """Return the text with its amounts replaced by `money0`, `money1` and so on, and the amounts in that order."""
    found: list[WrittenAmount] = []

    def _name(match: re.Match[str]) -> str:
        amount = _read(match)
        if amount is None:
            return match.group()
        found.append(amount)
        return f" money{len(found) - 1} "

    return _AMOUNT.sub(_name, text), found


def plain_numbers(text: str) -> list[WrittenAmount]:
    """Return the bare numbers of two or more digits that can only be amounts. Pass the text from `replace_amounts`."""
    return [
        WrittenAmount(match["number"], _readings(match["number"]), None)
        for match in _PLAIN.finditer(text)
        if not _BEFORE_PLAIN.search(text[: match.start()])
    ]


def _read(match: re.Match[str]) -> WrittenAmount | None:
    written = match.group().strip()
    if match["words"]:
        return WrittenAmount(written, frozenset(), None)
    if match["plain"]:
        return WrittenAmount(written, _readings(match["plain"]), None)
    units = [unit for unit in (match["before"], match["both"], match["after"]) if unit]
    meant = [_currencies(unit) for unit in units]
    if not any(meant) and all(re.fullmatch(r"[A-Z]{3}", unit) for unit in units):
        return None  # "ISO 9001", "12 LED": three capitals that are not a currency code
    values = frozenset[Decimal]() if match["scale"] or match["scaled"] else _readings(match["first"] or match["second"])
    return WrittenAmount(written, values, frozenset.intersection(*meant))


def _currencies(unit: str) -> frozenset[str]:
    if is_currency(unit.upper()):
        return frozenset((unit.upper(),))
    return _UNITS.get(unit.lower(), frozenset()) or _UNITS.get(unit.lower().rstrip("s"), frozenset())


def _readings(text: str) -> frozenset[Decimal]:
    """Return the possible readings of a number: 1,234.50 and 1.234,50 have one, 1.500 has two (1.5 and 1500)."""
    plain = re.sub("[ ']", "", text.rstrip(".,"))
    found = set()
    for thousands, point in ((",", "."), (".", ",")):
        whole, _, _ = plain.partition(point)
        # "84,00" can't be 8400: a thousands separator is followed by exactly three digits.
        if thousands in plain and not re.fullmatch(rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole):
            continue
        try:
            found.add(Decimal(plain.replace(thousands, "").replace(point, ".")))
        except InvalidOperation:
            continue
    return frozenset(found)
