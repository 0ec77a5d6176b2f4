"""A glossary that turns foreign words into English, as far as a shop's customers need them. It is no translation:
unknown words, names and numbers stay unchanged."""

import re

# Longer phrases come first and replace all their words. Stems match with any ending.
WORDS = {
    "de": {
        "geld zurück": "refund", "rückerstatt": "refund", "erstatt": "refund", "zurückzahl": "refund",
        "zurückgeben": "return", "zurückschicken": "return", "stornier": "cancel", "storno": "cancel",
        "beschädigt": "damaged", "kaputt": "broken", "defekt": "defective", "zerbrochen": "broken",
        "nicht angekommen": "never arrived", "fehlt": "missing", "wo ist": "where is", "wo bleibt": "where is",
        "wann kommt": "when will", "bestellung": "order", "meine e-mail-adresse": "my e-mail", "ändern": "change",
        "ändere": "change", "alle": "all", "beide": "both", "anwalt": "lawyer", "ignoriere": "ignore",
        "anweisungen": "instructions", "vorherigen": "previous", "überweise": "transfer",
    },
    "fr": {
        "rembours": "refund", "rendre l'argent": "refund", "annul": "cancel", "cassé": "broken",
        "abîmé": "damaged", "endommagé": "damaged", "défectueu": "defective", "jamais arrivé": "never arrived",
        "manque": "missing", "où est": "where is", "où en est": "where is", "commande": "order",
        "changer": "change", "mon adresse e-mail": "my e-mail", "avocat": "lawyer", "ignorez": "ignore",
        "instructions précédentes": "previous instructions", "toutes les": "all",
    },
    "es": {
        "reembols": "refund", "devolución": "refund", "devuelv": "refund", "cancel": "cancel", "anular": "cancel",
        "roto": "broken", "rota": "broken", "dañad": "damaged", "defectuos": "defective", "no ha llegado":
        "never arrived", "falta": "missing", "dónde está": "where is", "pedido": "order", "cambiar": "change",
        "mi correo": "my e-mail", "abogado": "lawyer", "ignora": "ignore", "instrucciones anteriores":
        "previous instructions", "todas las": "all",
    },
    "it": {
        "rimbors": "refund", "annull": "cancel", "rotto": "broken", "rotta": "broken", "danneggiat": "damaged",
        "difettos": "defective", "non è arrivat": "never arrived", "manca": "missing", "dov'è": "where is",
        "ordine": "order", "avvocato": "lawyer",
    },
    "nl": {
        "geld terug": "refund", "terugbetal": "refund", "annuleer": "cancel", "annuleren": "cancel",
        "kapot": "broken", "beschadigd": "damaged", "niet aangekomen": "never arrived", "ontbreekt": "missing",
        "waar is": "where is", "waar blijft": "where is", "bestelling": "order", "advocaat": "lawyer",
    },
    "pt": {
        "reembols": "refund", "devolução": "refund", "cancel": "cancel", "quebrad": "broken", "partid": "broken",
        "danificad": "damaged", "não chegou": "never arrived", "falta": "missing", "onde está": "where is",
        "pedido": "order", "encomenda": "order", "advogado": "lawyer",
    },
}  # fmt: skip  # a table
READ = frozenset({"en", *WORDS})
_STEMS = {
    language: re.compile(
        "|".join(rf"(?<!\w){re.escape(word)}\w*" for word in sorted(words, key=len, reverse=True)), re.IGNORECASE
    )
    for language, words in WORDS.items()
}


def glossed(text: str, language: str) -> str:
    """Return the text with the words of its language's glossary in English; unchanged without a glossary."""
    words = WORDS.get(language)
    if words is None:
        return text
    return _STEMS[language].sub(lambda found: _english(found.group().lower(), words), text)


def in_english(text: str) -> str:
    """Do the same for a text of unknown language, line by line."""
    for language in WORDS:
        if len(_STEMS[language].findall(text)) >= 3:
            return glossed(text, language)
    return text


def _english(found: str, words: dict[str, str]) -> str:
    stem = max((word for word in words if found.startswith(word)), key=len)
    return words[stem]
