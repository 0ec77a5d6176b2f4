"""Words of other languages put into English, as far as a customer of a shop needs them. A glossary, no translation:
what it does not know stays as it is, and names and numbers are left alone."""

import re

# Longer phrases first: they stand for all of their words. Stems match their endings.
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
}  # fmt: skip
READ = frozenset({"en", *WORDS})
_STEMS = {
    language: re.compile(
        "|".join(rf"(?<!\w){re.escape(word)}\w*" for word in sorted(words, key=len, reverse=True)), re.IGNORECASE
    )
    for language, words in WORDS.items()
}


def glossed(text: str, language: str) -> str:
    """The text with the words that the glossary of its language knows in English; unchanged where there is none."""
    words = WORDS.get(language)
    if words is None:
        return text
    return _STEMS[language].sub(lambda found: _english(found.group().lower(), words), text)


def in_english(text: str) -> str:
    """The same for a text of a language that nobody has told, line by line."""
    for language in WORDS:
        if len(_STEMS[language].findall(text)) >= 3:
            return glossed(text, language)
    return text


def _english(found: str, words: dict[str, str]) -> str:
    stem = max((word for word in words if found.startswith(word)), key=len)
    return words[stem]
