"""Recognise statements about an order's state in the shop, as opposed to something that we did. Pure.

A reply may say that an order is cancelled if the server has just read it as cancelled. A sentence about ourselves or
about the customer's wish describes a deed, which needs an action whatever the shop says.
"""

import re
from collections.abc import Collection

from approvals.grounding.text import bare

ORDER = re.compile(r"#?\bW\d{5,}\b|#\w*\d\w*")
MAX_ORDERS = 5  # orders that are read to check one reply
_NOUN = r"(?:order|bestellung|commande|pedido|ordine|bestelling|encomenda)"
_WHOSE = r"(?:the|this|that|your|die|diese|ihre|la|cette|votre|el|su|este|il|suo|de|uw|deze|o|seu)"
_ALREADY = r"(?:\s+(?:already|previously|earlier|bereits|schon|deja|ya|gia|al|reeds|ja))*"
_STATE = (
    rf"(?:(?:is|was|has{_ALREADY} been|had{_ALREADY} been){_ALREADY}\s+cancell?ed|"
    r"(?:is\s+)?(?:shown|listed|marked|recorded|shows)(?:\s+as)?\s+cancell?ed|"
    r"has the status \W?cancell?ed\W?|"
    rf"(?:ist|wurde){_ALREADY}\s+storniert|"
    rf"(?:est|etait|a{_ALREADY}\s+ete){_ALREADY}\s+annulee?|(?:esta|fue|ha sido){_ALREADY}\s+cancelad[oa]|"
    rf"(?:e|risulta|e stato){_ALREADY}\s+annullat[oa]|(?:is|werd){_ALREADY}\s+geannuleerd|"
    rf"(?:esta|foi){_ALREADY}\s+cancelad[oa])"
)
_STATED = re.compile(
    rf"\b(?:(?:{_WHOSE}\s+)?{_NOUN}(?:\s+(?:number|no\.?|nr\.?))?\s+)?(?P<id>{ORDER.pattern})\s+{_STATE}"
    rf"(?!\w)|(?<![#\w])(?P<order>{ORDER.pattern})\s+{_STATE}(?!\w)|\b{_WHOSE}\s+{_NOUN}\s+{_STATE}(?!\w)",
    re.IGNORECASE,
)
_DEED = re.compile(
    r"\b(?:i|we|our|us|me|my|ich|wir|uns|nous|nosotros|nos|hemos|noi|wij|we|nosso|nos)\b|'(?:ve|ll)\b|\bfor you\b"
    r"|\bas (?:you|agreed|asked|requested|wished|promised)\b|\byour (?:request|wish)\b"
    r"|\b(?:just|now|today|right away|successfully|hereby|soeben|gerade|gerne|nun|jetzt)\b",
    re.IGNORECASE,
)


def normalized_id(order_id: str) -> str:
    """Return the order id in the form used for comparison. People omit the `#` and write in lower case."""
    return order_id.lstrip("#").upper()


def mentioned_orders(text: str) -> list[str]:
    """Return the orders mentioned in the text, spelled as in their first mention."""
    return list({normalized_id(found): found for found in reversed(ORDER.findall(text))}.values())[::-1]


def said_cancelled(text: str) -> list[str]:
    """Return the orders to read from the shop, because the text may say that they are cancelled."""
    return mentioned_orders(text)[:MAX_ORDERS] if _STATED.search(bare(text)) else []


def without_states(sentence: str, text: str, cancelled: Collection[str]) -> str:
    """Return the sentence, without accents, and without statements that an order in `cancelled` is cancelled. A
    statement that names no order is about the only order in the whole text."""
    plain = bare(sentence)
    if not cancelled or _DEED.search(plain):
        return plain
    known = {normalized_id(order_id) for order_id in cancelled}
    all_named = mentioned_orders(text)
    only = all_named[0] if len(all_named) == 1 else ""

    def remove_if_true(match: re.Match[str]) -> str:
        order_id = match["id"] or match["order"] or only
        return " " if order_id and normalized_id(order_id) in known else match.group()

    return _STATED.sub(remove_if_true, plain)
