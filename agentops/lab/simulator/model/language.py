"""Detects the language of a text by its most common words and its script."""

import re
from collections import Counter

COMMON = {
    "en": "the and to of is my i it you for was this that not have with please order on me want can but would like",
    "de": "der die das und ich ist nicht bitte meine mein ein eine habe mit für auf bestellung zurück wurde sie es",
    "fr": "le la les et je est pas ma mon une des pour avec que commande vous remboursement bonjour merci dans suis",
    "es": "el la los y que es no mi una por con para pedido quiero hola gracias reembolso pero está muy del",
    "it": "il la che di e non è mio mia un una per con ordine vorrei grazie rimborso buongiorno sono ho del",
    "pt": "o a os que e não é meu minha um uma para com pedido quero obrigado reembolso olá está foi do",
    "nl": "de het een en ik is niet mijn van voor met bestelling graag terug dat heb bedankt geld aan op",
    "pl": "i w nie na się że jest moje zamówienie proszę zwrot dzień dobry dziękuję mam do mi mój",
    "sv": "och jag det är inte min på med för att en beställning tack har den ett vill",
}
SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
)
_SETS = {language: frozenset(words.split()) for language, words in COMMON.items()}


def language_of(text: str) -> str:
    """Return the ISO 639-1 code. Text too short to tell counts as English."""
    letters = sum(character.isalpha() for character in text)
    for language, script in SCRIPTS:
        if len(script.findall(text)) * 3 > letters > 0:
            return language
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = Counter({language: sum(word in common for word in words) for language, common in _SETS.items()})
    best, score = scores.most_common(1)[0]
    return best if score >= 3 and score > scores["en"] else "en"
