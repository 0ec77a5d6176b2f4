"""Patterns for the words that say what an amount stands for, and how often something happened."""

from approvals.grounding.vocabulary import REST_WORDS, pattern_of

# Words for amounts that belong to no effect: what was ordered, asked for or is still possible ...
OTHER_AMOUNT = pattern_of(
    r"\b(?:totals?|prices?|priced|costs?|worth|value of|asked|requested|request|in question|subtotal|shipping|"
    r"could not|couldn't|cannot|can't|unable|not able|may still be|order was paid in|would have|invoice|tax|limit|"
    r"gesamtbetrag|preis|kostet|prix|coute|precio|cuesta|prezzo|costa|prijs|kost|preco|custa)\b"
)
# ... but not if a sentence about an effect adds them to it ("refunded $5, plus the shipping of $2") ...
ADDED = pattern_of(
    r"\b(?:also|too|as well|plus|likewise|in addition|additionally|along with|together with|ebenso|ebenfalls|auch|"
    r"zusatzlich|zuzuglich|aussi|egalement|ainsi que|tambien|ademas|anche|inoltre|ook|tambem)\b"
)
# ... or says that they move.
MOVING = pattern_of(
    r"\b(?:will|shall|'ll|going to|sent|send|sending|on (?:its|the|their) way|see|seen|follow\w*|receive\w*|get|got|"
    r"arriv\w*|transferr?\w*|wired?|wiring|credit\w*|(?<!order was )paid|issued|reversed|"
    r"deposit\w*|goes|went|refunded|reimbursed|"
    r"returned|back (?:to|in|on|with)|tomorrow|soon|werden|wird|erstattet|sera|sera|sara|wordt|zal)\b|'ll\b"
)
# A pronoun for an amount in another clause: "the total was $84.00 and you will see it soon".
PRONOUN = pattern_of(r"\b(?:it|this|that|them)\b")
# Words for a refund of everything that was paid.
FULL_REFUND = pattern_of(
    r"(?<!not )(?<!not a )(?<!not the )\b(?:in full|(?:full|whole|entire|complete|total) "
    r"(?:\w+ )?(?:re-?funds?|re-?imbursements?|amounts?|prices?|sums?|payments?|costs?|value|purchase|orders?|"
    r"money\d*|balance)|"
    r"(?:fully|completely|entirely|wholly) (?:re-?funded|re-?imbursed|credited|repaid|returned|paid back)|"
    r"(?:re-?funded|re-?imbursed|credited|repaid|returned) (?:\w+ ){0,3}(?:fully|completely|entirely|everything)|"
    r"(?:whole|entire) (?:thing|lot)|"
    r"100 ?(?:%|per ?cent|prozent|pour cent|por ciento|per cento|procent|por cento)|every ?thing (?:that )?you|"
    r"all (?:that |of )?(?:you (?:have )?(?:paid|spent)|it|(?:of )?(?:the|your) (?:money\d*|funds|payments?))|"
    r"every (?:cent|penny|dollar)|(?:last|every single) (?:cent|penny)|"
    r"voll\w* (?:\w+ )?(?:betrag\w*|hohe|summe|preis\w*|kaufpreis\w*|\w*erstattung|rechnungsbetrag\w*)|"
    r"(?:gesamte[nrs]?|ganze[nrs]?|komplette[nrs]?) (?:\w+ )?\w*(?:betrag|summe|preis|geld|zahlung)\w*|gesamtbetrag\w*|"
    r"vollstandig\w*|komplett\w*|restlos|"
    r"integral\w*|total(?:ite|idad|idade)|en entier|entier\w*|totalement|montant (?:total|complet)|"
    r"tout (?:le|l')\W?\w+|"
    r"importe (?:total|completo|integro)|integr[ao]\w*|(?:por|al) completo|completamente|total(?:mente)|todo el \w+|"
    r"reembolso (?:total|completo)|importo (?:totale|completo|intero)|inter[ao] \w+|per intero|interamente|"
    r"rimborso (?:totale|completo)|volledig\w*|(?:hele|gehele|totale|volle) \w+|helemaal|valor (?:total|completo)|"
    r"por inteiro|todo o \w+)(?!\w)"
)
# An amount in words, which can't be compared. A period of time ("thirty days") doesn't count.
NUMBER_WORD = pattern_of(
    r"\b(?:ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|"
    r"hundred|thousand|zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|"
    r"vingt|trente|quarante|cinquante|soixante|cent(?=s? euros?)|veinte|treinta|cuarenta|cincuenta|sesenta)\b"
    r"(?![\w -]{0,14}\b(?:minutes?|hours?|days?|weeks?|months?|per ?cent|%|tage\w*|wochen|stunden|jours?|semaines?|"
    r"dias|semanas)\b)"
)
# "per e-mail", "per our policy", "per day": not "per item".
_NOT_EACH = r"(?!e-?mail|mail|bank|post|card|cent\b|paypal|our|your|request|day|telefon|phone|transfer|sepa|the\b)"
# Words that need at least this many succeeded effects.
COUNTS = {
    2: pattern_of(
        r"\b(?:twice|(?<!have your money )again|another|"
        r"further|second|additional|double|both|two|2x|x2|zweimal|nochmals?|erneut|weitere\w*|"
        rf"each|apiece|for every|jeweils|per {_NOT_EACH}\w+|pro stuck|"
        rf"deux fois|encore|dos veces|otra vez|due volte|ancora|tweemaal|nogmaals|duas vezes|novamente)\b"
        rf"|\bmore money|{REST_WORDS}"
    ),
    3: pattern_of(
        r"\b(?:thrice|third|three|triple|3x|x3|dreimal|trois fois|tres veces|tre volte|driemaal|tres vezes)\b"
    ),
}
# One more effect of the kind just mentioned: "and will do the same for the lamp".
SAME_AGAIN = pattern_of(
    r"\b(?:(?:do|did|done|doing|get|got|goes) (?:the same|likewise)|(?:the same|likewise) (?:goes|was done)|"
    r"(?:das gleiche|dasselbe|ebenso mit)|(?:de meme|la meme chose)|lo mismo)\b"
)
