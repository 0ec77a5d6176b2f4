"""Words for money, orders and effects that several patterns are built from.

Patterns match text without accents (`text.bare`), in which amounts are written as `money0`, `money1` and so on, and
order numbers as `order`.
"""

import re

from approvals.grounding.text import bare

MONEY_WORDS = (
    r"(?:funds?|money\d*|cash|payments?|charges?|balance|amounts?|sums?|geld|betrag|summe|zahlung|argent|montant|somme|"
    r"dinero|importe|cargo|fondos|denaro|somma|kaufpreis|abbuchung|soldi|importo|bedrag|dinheiro|valor|quantia)"
)
ORDERS_WORDS = r"(?:orders?|purchase|subscription|booking|bestellung|commande|pedido|ordine|bestelling|encomenda)"
CHANGED_WORDS = (
    r"updated|changed|corrected|switched|replaced|amended|edited|(?:now|been|have|i|we) set|geandert|aktualisiert|"
    r"from now on|(?:put|placed|saved|entered|recorded|stored|added)\b.{0,40}\bon (?:file|record)|"
    r"(?:now|been|have|i|we) (?:saved|entered|recorded|stored)|now uses?|from now on\b.{0,40}\buses?|"
    r"eingetragen|hinterlegt|umgestellt|moved|(?:is|are) now|(?:avons|ete|est|a|ai)(?: bien| deja)? change(?:e|s|es)?|"
    r"puesto|modifi\w+|mis a jour|actualiz\w+|cambi\w+|aggiorn\w+|gewijzigd|atualiz\w+|alterad\w+"
)
REFUND_WORDS = (
    r"re-?fund\w*|re-?imburs\w+|credited|credit back|charge-?backs?|recredited|"
    r"erstatt\w*|ruckerstatt\w*|zuruckerstatt\w*|"
    r"zuruck(?:ge)?zahl\w*|ruckzahlung\w*|zuruckgenommen|recredit\w*|credite(?:e|s|es)?|gutgeschrieben|"
    r"gutschrift|uberwiesen|rembours\w*|reembols\w*|devuelt\w*|devuelv\w*|devolvi\w*|devolver\w*|devolucion|"
    r"rimbors\w*|terugbeta\w*|estorn\w*|abono|repa(?:id|yment)|repay|compensat\w*|"
    r"ma(?:de|ke|king) you whole"
)
CANCEL_WORDS = r"cancel\w*|stornier\w*|ruckgangig|aufgehoben|annul\w*|anula\w*|geannuleerd|rescinded"
STOPPED_WORDS = (
    r"stopped|halted|closed|voided|undone|withdrawn|revoked|scrapped|removed|deleted|terminated|"
    r"called off|calling off"
)
NOT_SENT_WORDS = (
    r"(?:\w+n't|not|never) be (?:shipped|sent|dispatched|posted|delivered) (?:any ?more|any longer|at all|after all)|"
    r"no longer (?:be (?:shipped|sent|dispatched|posted)|exists?)|(?:\w+n't|will not) ship(?= *\W*$)|"
    r"(?<!heute )nicht mehr (?:verschickt|versendet|versandt)"
)
# What no action does: a reply that tells of it goes to a person.
REPLACEMENT_WORDS = (
    r"(?:replacements?|substitutes?|ersatz\w*|remplacements?|reemplazos?|sostituzion\w+|vervang\w+|substituic\w+)"
)
VOUCHER_WORDS = (
    r"(?:vouchers?|coupons?|store credits?|(?<!your )gift ?cards?|discounts?|gutschein\w*|"
    r"bons? d'achat|buono|tegoedbon)"
)
# "The rest follows": a promise of a further refund.
REST_WORDS = (
    r"(?<!deliver the )(?<!ship the )(?<!send the )\b(?:rest|remainder|restbetrag|restlich\w*|reste|resto)\b"
    r"(?! (?:of (?:your|the)|ihrer|der|de (?:su|tu|la|votre)) "
    r"(?:orders?|parcel|items?|delivery|bestellung|lieferung|pedido|commande))"
    r"[^.]{0,40}\b(?:comes?|coming|follows?|get|receive|have|soon|tomorrow|next|later|way|bekommen|erhalten|folgt|"
    r"folgen|kommt|morgen|suivra|suit|llegara|seguira)\b"
)


def pattern_of(pattern: str) -> re.Pattern[str]:
    return re.compile(bare(pattern), re.IGNORECASE)


def near(one: str, other: str) -> str:
    return rf"\b{one}\b.{{0,50}}\b{other}\b|\b{other}\b.{{0,50}}\b{one}\b"
