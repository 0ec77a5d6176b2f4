"""Normalise the text of a reply for the word lists, and check that they cover its language. Pure."""

import re
import unicodedata

# Common words that identify a language. Words that other languages share ("a", "do", "na") are left out.
_COMMON = {
    "en": "the is are was were of your you it its for and we have has had this that with not our can will please "
    "thank thanks hello hi dear i an as at be been by from in my no or order orders kind regards support customer "
    "sorry would what which could us if there but about more any me how to under go away something else welcome "
    "write again cannot goodbye best sincerely help find funds money charge refunded refund cancelled "
    "takes two three days years",
    "de": "der die das und ist sind ich wir sie ihr ihre ihnen ihren nicht mit für auf den dem ein eine wurde haben "
    "hat bitte danke hallo zu von im bei wird können kein keine als auch bestellung geld gruß grüßen mein leider es "
    "tut uns leid dass dauert bis tage tagen ihrem nach",
    "fr": "le la les et vous nous votre vos est sont pas une des pour avec avons avez dans sur ce cette que qui "
    "bonjour merci commande il elle je été du ne cordialement cela peut selon jours",
    "es": "el los las que es su sus una para con por hemos ha está no podemos este esta pedido gracias hola del le "
    "muy usted sido puede cuenta días solicitud hábiles",
    "it": "il che è non un una per con suo sua abbiamo possiamo questo questa ordine grazie ciao della del al gli vi "
    "le stato sono",
    "nl": "het een en is niet van voor met uw wij we u dit deze hebben kunnen bestelling dank graag de op dat zijn "
    "hallo bedankt",
    "pt": "os as que é não seu sua um uma para com por foi pedido obrigado olá do está este esta podemos você "
    "reembolsamos valor",
}
_SETS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzäöüßéèêëàâùûîïôçœæáíóúñìòãõÿ")
_WORD = re.compile(r"[^\W\d_]+")
_NAMES = re.compile(r"\S*@\S*|https?://\S+|[#\w-]*\d[\w-]*")
_GREETING = re.compile(
    r"^(?:hi|hello|dear|hallo|bonjour|hola|ciao|beste|olá)(?: [^\s.,!?:;\u3040-\u9fff\uac00-\ud7af]+){1,2}[,!]?$",
    re.IGNORECASE,
)
_SPACED = re.compile(r"\b(?:[^\W\d_][ .*_-]){4,}[^\W\d_]\b")
# A sentence shorter than this may be a signature or an address.
_FEW = 3
_SHARE = 0.25


def fold(text: str) -> str:
    """Normalise the text: replace compatibility characters, remove invisible ones, use one kind of apostrophe."""
    plain = unicodedata.normalize("NFKC", text)
    # Tags, variation selectors and grapheme joiners are as invisible as a zero-width space.
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf" and not _unseen(sign))
    return re.sub("[’‘ʼ`´]", "'", unicodedata.normalize("NFKC", seen))  # noqa: RUF001 - these characters are what is matched


def bare(text: str) -> str:
    """Return the text without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if unicodedata.category(sign) != "Mn")


def disguised(text: str) -> list[str]:
    """Return words that mix alphabets, use look-alike letters, or are spelled with spaces between the letters."""
    words = [word for word in _WORD.findall(text) if len({_script(letter) for letter in word} - {"CJK"}) > 1]
    odd = [word for word in _WORD.findall(text) if "ODD" in {_script(letter) for letter in word}]
    return list(dict.fromkeys([*words, *odd, *_SPACED.findall(text)]))


def uncovered(text: str) -> str:
    """Return the first sentence in a language that the word lists don't cover, or the whole text if only it as a
    whole is uncovered. Empty if everything is covered."""
    lines = [line for line in sentences(text) if not _GREETING.match(line)]
    for line in lines:
        if any(_foreign(clause) for clause in re.split(r"[,;:()]\s|[。，、]", line)) or _unknown(line, _FEW):  # noqa: RUF001 - these characters are what is matched
            return line
    return text if _unknown(" ".join(lines), 1) else ""


def sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=[.!?])\s+|(?<=。)|(?<=[!?])(?=[^\W\d_])|\n+", text)
    return [part.strip() for part in parts if part.strip()]


def _unseen(sign: str) -> bool:
    return sign in "\u034f\u115f\u1160\u3164\u17b4\u17b5" or "\ufe00" <= sign <= "\ufe0f"


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "ODD")
    if name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC")):
        return "CJK"
    if name.startswith("LATIN") and (letter > "\u024f" and not "\u1e00" <= letter <= "\u1eff"):
        return "ODD"
    return name.split()[0] if name.isascii() else "ODD"


def _foreign(clause: str) -> bool:
    """Return whether at least half of the letters are not Latin, the script of all covered languages."""
    letters = [letter for letter in clause if letter.isalpha()]
    return sum(_script(letter) != "LATIN" for letter in letters) * 2 >= len(letters) > 0


def _unknown(text: str, fewest: int) -> bool:
    """Return whether the text has letters of other languages or, with `fewest` words or more, too few common words."""
    words = [word for word in _WORD.findall(_NAMES.sub(" ", text)) if len(word) > 1 or word.lower() in "aiueo"]
    if any(word[0].islower() and not _LETTERS.issuperset(word) for word in words if _script(word[0]) == "LATIN"):
        return True
    if len(words) < fewest:
        return False
    best = max(sum(word.lower() in common for word in words) for common in _SETS.values())
    return best < _SHARE * len(words)
