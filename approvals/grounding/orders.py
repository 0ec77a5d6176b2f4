"""What a reply says of where an order stands in the shop's books, and of no deed of ours. Pure.

That an order is cancelled may be told where the server has just read it so. A sentence in which we speak of ourselves,
or of the customer's wish, tells of a deed: it needs an action, whatever the books say.
"""

import re
from collections.abc import Collection

from approvals.grounding.text import bare

ORDER = re.compile(r"#?\bW\d{5,}\b|#\w*\d\w*")
MOST = 5  # orders that one reply is read against
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


def name(order_id: str) -> str:
    """An order's id as it is compared: people leave the sign out, and write small letters."""
    return order_id.lstrip("#").upper()


def named(text: str) -> list[str]:
    """The orders that a text names, as it writes them first."""
    return list({name(found): found for found in reversed(ORDER.findall(text))}.values())[::-1]


def said_cancelled(text: str) -> list[str]:
    """The orders that the text may say to be cancelled: what has to be read to know whether that is so."""
    return named(text)[:MOST] if _STATED.search(bare(text)) else []


def without_states(sentence: str, text: str, cancelled: Collection[str]) -> str:
    """The sentence (without accents) without what it says of orders that are cancelled in the shop's books. An order
    that it does not name is the only one that the whole text names."""
    plain = bare(sentence)
    if not cancelled or _DEED.search(plain):
        return plain
    known = {name(order_id) for order_id in cancelled}
    all_named = named(text)
    only = all_named[0] if len(all_named) == 1 else ""

    def told(match: re.Match[str]) -> str:
        order_id = match["id"] or match["order"] or only
        return " " if order_id and name(order_id) in known else match.group()

    return _STATED.sub(told, plain)
