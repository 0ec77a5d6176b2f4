"""Patterns for the words with which replies claim, deny or leave open an effect. They match text without accents
(`text.bare`), in which amounts are written as `money0`, `money1` and so on, and order numbers as `order`.
"""

import re

from approvals.grounding.text import bare

_MONEY = (
    r"(?:funds?|money\d*|cash|payments?|charges?|balance|amounts?|sums?|geld|betrag|summe|zahlung|argent|montant|somme|"
    r"dinero|importe|cargo|fondos|denaro|somma|kaufpreis|abbuchung|soldi|importo|bedrag|dinheiro|valor|quantia)"
)
_MOVES = (
    r"(?:way|route|underway|back|accounts?|statement|card|wallet|bank|revers\w+|wir(?:ed|ing|e)|transfer\w*|sent|send\w*|"
    r"be with you|"
    r"credit\w*|follow\w*|return\w*|reach\w*|arriv\w*|receiv\w*|"
    r"recibi\w*|releas\w*|remit\w*|deposit\w*|repa(?:id|y\w*)|issu\w+|"
    r"dropped|"
    r"unterwegs|raus|zuruck\w*|konto|karte|gutschr\w*|uberw\w+|angewiesen|"
    r"route|chemin|vir(?:e|ee|es|ement)|vers(?:e|ee|es)|"
    r"compte|carte|rend(?:u\w*|ons|re|rons)|camino|cuenta|tarjeta|transferi\w*|enviad\w*|abonad\w*|ingresad\w*|"
    r"arrivo|conto|carta|accreditat\w*|bonific\w*|restitu\w*|recuper\w*|revert\w*|onderweg|rekening|overgemaakt|"
    r"teruggestort|gestort|caminho|conta|cartao|"
    r"creditad\w*)"
)
_ORDERS = r"(?:orders?|purchase|subscription|booking|bestellung|commande|pedido|ordine|bestelling|encomenda)"
_ACCOUNT = (
    r"e-?mail|address|name|account|profile|phone|password|subscription|membership|"
    r"adresse|anschrift|konto|nom|compte|direccion|correo|nombre|cuenta|"
    r"indirizzo|adres|endereco"
)
_CHANGED = (
    r"updated|changed|corrected|switched|replaced|amended|edited|(?:now|been|have|i|we) set|geandert|aktualisiert|"
    r"from now on|(?:put|placed|saved|entered|recorded|stored|added)\b.{0,40}\bon (?:file|record)|"
    r"(?:now|been|have|i|we) (?:saved|entered|recorded|stored)|now uses?|from now on\b.{0,40}\buses?|"
    r"eingetragen|hinterlegt|umgestellt|moved|(?:is|are) now|(?:avons|ete|est|a|ai)(?: bien| deja)? change(?:e|s|es)?|"
    r"puesto|modifi\w+|mis a jour|actualiz\w+|cambi\w+|aggiorn\w+|gewijzigd|atualiz\w+|alterad\w+"
)
_REFUND = (
    r"re-?fund\w*|re-?imburs\w+|credited|credit back|charge-?backs?|recredited|"
    r"erstatt\w*|ruckerstatt\w*|zuruckerstatt\w*|"
    r"zuruck(?:ge)?zahl\w*|ruckzahlung\w*|zuruckgenommen|recredit\w*|credite(?:e|s|es)?|gutgeschrieben|"
    r"gutschrift|uberwiesen|rembours\w*|reembols\w*|devuelt\w*|devuelv\w*|devolvi\w*|devolver\w*|devolucion|"
    r"rimbors\w*|terugbeta\w*|estorn\w*|abono|repa(?:id|yment)|repay|compensat\w*|"
    r"ma(?:de|ke|king) you whole"
)
_CANCEL = r"cancel\w*|stornier\w*|ruckgangig|aufgehoben|annul\w*|anula\w*|geannuleerd|rescinded"
_STOPPED = (
    r"stopped|halted|closed|voided|undone|withdrawn|revoked|scrapped|removed|deleted|terminated|"
    r"called off|calling off"
)
_NEVER_SENT = (
    r"(?:\w+n't|not|never) be (?:shipped|sent|dispatched|posted|delivered) (?:any ?more|any longer|at all|after all)|"
    r"no longer (?:be (?:shipped|sent|dispatched|posted)|exists?)|(?:\w+n't|will not) ship(?= *\W*$)|"
    r"(?<!heute )nicht mehr (?:verschickt|versendet|versandt)"
)

# What no action does: a reply that tells of it goes to a person.
_REPLACEMENT = (
    r"(?:replacements?|substitutes?|ersatz\w*|remplacements?|reemplazos?|sostituzion\w+|vervang\w+|substituic\w+)"
)
_VOUCHER = (
    r"(?:vouchers?|coupons?|store credits?|(?<!your )gift ?cards?|discounts?|gutschein\w*|"
    r"bons? d'achat|buono|tegoedbon)"
)
_GIVEN = (
    r"(?:sent|sending|shipped|dispatched|posted|ordered|arranged|issued|created|added|granted|given|gave|applied|made|"
    r"on (?:its|the|their) way|follows|arrives|underway|you get|"
    r"(?:will|'ll|going to) (?:\w+ )?(?:be|send|ship|receive|get|"
    r"have|issue|add|give|follow|arrive|arrange|order)|geschickt|verschickt|versendet|gesendet|ausgestellt|erstellt|"
    r"bestellt|unterwegs|envoy\w+|expedi\w+|emis\w*|en route|enviad\w+|emitid\w+|en camino|spedit\w+|"
    r"inviat\w+|emess\w+|"
    r"gestuurd|verzonden|onderweg|a caminho)"
)


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(bare(pattern), re.IGNORECASE)


# "The rest follows": a promise of a further refund.
_REST = (
    r"(?<!deliver the )(?<!ship the )(?<!send the )\b(?:rest|remainder|restbetrag|restlich\w*|reste|resto)\b"
    r"(?! (?:of (?:your|the)|ihrer|der|de (?:su|tu|la|votre)) "
    r"(?:orders?|parcel|items?|delivery|bestellung|lieferung|pedido|commande))"
    r"[^.]{0,40}\b(?:comes?|coming|follows?|get|receive|have|soon|tomorrow|next|later|way|bekommen|erhalten|folgt|"
    r"folgen|kommt|morgen|suivra|suit|llegara|seguira)\b"
)


def _near(one: str, other: str) -> str:
    return rf"\b{one}\b.{{0,50}}\b{other}\b|\b{other}\b.{{0,50}}\b{one}\b"


# How each effect is described when it is done or promised.
EFFECTS = {
    "refund": _compile(
        rf"{_REFUND}|(?:paid|sent|put|transferred|gave|given)\b.{{0,30}}\bback|{_near(_MONEY, _MOVES)}"
        rf"|{_near(f'(?:price|cost|{_MONEY})', 'restored')}"
        r"|\b(?:price|cost)s?\b.{0,50}\b(?:is|are|was|were|be|been|have|has) (?:\w+ ){0,2}?"
        r"(?:returned|given back|back|transferred|wired)\b"
        r"|\byou(?:'ve| have)? (?:been|were|got) (?:\w+ly |now |just |already )?paid\b|\bpa(?:id|ying) (?:you|out)\b"
        r"|\b(?:your|the) (?:claim|complaint) (?:was|is|has been) (?:now |already )?"
        r"(?:approved|accepted|granted|settled)\b"
        rf"|\byou(?:'ll| will| should| can)? (?:\w+ ){{0,2}}?(?:see|get|have|find|receive) (?:the|your) {_MONEY}\b"
        r"|\b(?:see|get|have|find|receive) (?!back\b)\S.{0,25}?\bback (?:on|in|to|with) (?:your|the)\b"
        r"|\b(?:see|find) \S{1,12} on your (?:card|statement|account)\b"
        rf"|\b{_MONEY} (?:\w+ )?(?:hit|lands?|landed)\b|\bmake sure you get\b"
        rf"|{_REST}"
        r"|\b(?:returned?|returning|giv(?:e|en|ing) back|gave back|have|has|got|get|receive) .{0,12}\b"
        r"(?:(?:full|whole|entire|complete|purchase) price|what you (?:have )?paid)\b"
        r"|\bvirement\b.{0,40}\b(?:parti|effectue|envoye|emis|fait|ordonne)\b"
        rf"|{_near(r'credits?(?! cards?)', '(?:issued|added|applied|granted)')}"
        rf"|\b(?:have|has|got|get)\b.{{0,20}}\b{_MONEY} again\b|\bget (?:that|this|the|your) money\b.{{0,20}}\bto you\b"
        r"|\b(?:not|\w+n't|never) be (?:charged|billed)\b|\bwaiv(?:ed|ing)\b"
        r"|\b(?:wired|transferred|repaid) (?:you|it|them)\b|\brevers(?:ed|ing|al)\b"
    ),
    "cancel_order": _compile(
        rf"{_CANCEL}|\bcalled\b.{{0,30}}\boff\b|\b(?:will|'ll) call\b.{{0,30}}\boff\b|"
        rf"{_near(_ORDERS, f'(?:{_STOPPED})')}|{_near(_ORDERS, "(?:(?:will|'ll) (?:stop|halt|close))")}"
        rf"|\b(?:voided|undone|undid|called off|{_NEVER_SENT})\b|\border (?:is|was) (?:now )?off\W*$"
        r"|\b(?:dropped|took|taken|struck|removed)\b.{0,30}\b(?:from|off) (?:your|the) order\b"
        r"|\b(?:auftrag|bestellung)\b.{0,40}\b(?:zuruckgezogen|gestrichen)\b"
        r"|\b(?:stopped|halted) (?:it|this|that|them|"
        r"(?:the|your) (?:parcel|package|shipment|shipping|delivery|dispatch))\b"
        r"|\bhaben?\b.{0,40}\b(?:gestoppt|angehalten)\b|\bhemos (?:parado|detenido)\b|\bavons (?:stoppe|arrete)\b"
    ),
    "account_change": _compile(rf"^(?=.*\b(?:{_ACCOUNT}))(?=.*(?:{_CHANGED}))"),
    "replacement": _compile(
        rf"{_near(_REPLACEMENT, _GIVEN)}|\b(?:shipped|sent|dispatched|posted|mailed)\b.{{0,30}}\bagain\b"
        r"|\bre-?(?:shipped|sent|dispatched)\b"
        r"|\b(?:dispatched|shipped|sent|posted) (?:another|a (?:new|further|second))(?: new)? "
        r"(?!e-?mail|link|message|mail|password|code|copy|invoice|reply|answer)"
        r"|\b(?:a|another|the|your) new \w+ (?:is )?(?:heading|coming)\b"
        r"|\b(?:sent|shipped|dispatched|posted|mailed) you (?:a|another|the) new (?!e-?mail|link|message|password|code)"
        r"|\b(?:get|getting|receive|have|send|sent|sending) (?:you )?(?:a|another) new one\b"
        r"|\b(?:a|another|the|your) new \w+ (?:is|will be) (?:on (?:its|the) way|sent|shipped|dispatched)\b"
        r"|\bneue\w* \w+ (?:ge|ver)(?:schickt|sendet|sandt)\b|\benvoye (?:un|une) nouve\w+"
        r"|\benviado (?:un|una) (?:nuev\w+|\w+ nuev\w+)\b"
    ),
    "voucher": _compile(_near(_VOUCHER, _GIVEN)),
}
# Where a clause ends. A denial in one clause says nothing about the next.
CLAUSE_BREAK = _compile(
    r"[,;:](?=\s)|\s[-–—]\s|—|[()]"  # noqa: RUF001
    r"|(?<=\s)(?:and|but|so|however|instead|although|though|because|which|while|whereas|as(?! well)|since|yet|"
    r"und|aber|denn|et|mais|car|y|pero|porque|e|ma|pero|perche|maar|mas)(?=\s)"
    # Dutch "and"; in French and Spanish the word is "in" ("en route", "en camino").
    r"|(?<=\s)en(?=\s(?:ik|wij|we|u|uw|het|dat|heb|hebben)\s)"
)
_NOT = (
    r"(?:not|cannot|can't|\w+n't|unable|no|never|nothing|none|neither|nor|too late|nicht|nichts|kein\w*|"
    r"(?:ne |n')(?:(?:pouvons|avons|a|ai|est|sera|peut|sommes|sont|ete|vous|la|le|l') ?){0,3}(?:pas|plus|jamais)|"
    r"aucun\w*|non|no|nunca|niet|geen|nao)"
)
# Words allowed between a negation and what it denies. Any other word ("not worry", "not long") breaks the denial.
_BETWEEN = (
    r"(?:yet|been|be|is|was|were|has|have|had|to|able|possible|allowed|allow|left|that|could|can|would|will|a|an|any|"
    r"the|this|that|these|your|you|it|them|such|further|full|partial|issue|issued|make|made|process|processed|give|"
    r"offer|offered|approve|approved|grant|granted|send|sent|i|we|agree|authori[sz]e|von|ihnen|sie|den|die|das|der|"
    r"betrag|podemos|puedo|hemos|ha|sido|possiamo|posso|abbiamo|e|stato|vous|le|la|les|de|podemos|kunnen|dit|foi|"
    r"werden|wurde|worden|wir|hebben|mehr|leider|malheureusement|etre|encore|se|puede|pueden|es|posible|est)"
)
_DENIABLE = (
    rf"(?:(?:{_REFUND}|{_CANCEL}|{_STOPPED}|{_CHANGED})|paid back|pay(?:ing)? back|pay|paid|transfer\w*|wire[d]?|"
    rf"{_REPLACEMENT}|{_VOUCHER}|credits?|stop|halt|close|restore|issued|shipped|added|"
    r"revers\w+|return(?:ed|ing)?|send|sent|chang(?:e|ing)|call(?:ed|ing)? off)"
)
_OBJECT = (
    rf"(?:{_MONEY}|{_ORDERS}|the|this|that|these|it|its|you|your|back|to|for|of|on|from|in|item|items|card|account|"
    r"e-?mail|address|name|lamp|yet|any more|a|an|and)"
)
_HAPPEN = (
    r"(?:possible|made|issued|approved|allowed|granted|go through|gone through|succeed\w*|work\w*|processed|sent|"
    r"moglich)"
)
DENIAL = _compile(
    rf"\b{_NOT}(?:\s+{_BETWEEN}){{0,7}}\s+{_DENIABLE}\b(?:\s+{_OBJECT}\b){{0,8}}"
    rf"|\b{_DENIABLE}(?:\s+{_OBJECT}\b){{0,8}}\s+(?:is|are|was|were|has|have|did|could|can|does|do|wurde|ist)"
    rf"(?:\s?n't|\s+not|not|(?:\s+leider)?\s+nicht)(?:\s+{_BETWEEN}){{0,3}}\s+{_HAPPEN}\b"
    rf"|\b{_DENIABLE}(?:\s+{_OBJECT}\b){{0,8}}\s+(?:is|are|was|were|has been|have been)\s+"
    r"(?:declined|refused|rejected|denied|impossible|turned down)\b"
    rf"|\b(?:may|might|could) still be {_DENIABLE}(?:\s+(?:up|{_OBJECT})\b){{0,8}}"
)
NEGATIVE = _compile(rf"\b{_NOT}(?!\w)")
# Words that turn a denial into a claim: "never refunded faster", "no refund is missing".
REVERSAL = _compile(
    r"\b(?:faster|quicker|sooner|less|longer|later than|only|until|except|other than|more than|outstanding|missing|"
    rf"pending|overdue|unless|nur|seulement|solo|soltanto|alleen|apenas|{_NEVER_SENT})\b"
)
# A clause that asks, or explains what is needed, claims nothing ...
OPEN_ENDED = _compile(
    r"\?\s*$|^\s*(?:if|once(?! again)|before|unless|should you|"
    r"to (?:process|issue|make|get|look|cancel|refund|change))\b"
    r"|\b(?:would (?:you )?like|do you want|you want|could you|can you|"
    r"please (?:tell|send|confirm|reply|share|provide|let)|may still be)\b"
)
# ... unless it presupposes that there is a refund.
REFUND_EXISTS = _compile(
    r"\b(?:re-?funds?|re-?imbursements?|money\d*|funds|credits?)\b[^?]{0,30}?\b(?:"
    r"(?:does|do|did|has|have|is|are)(?: not|n't) (?:\w+ ){0,2}?(?:show\w*|appear\w*|arriv\w*|reach\w*|land\w*|come|"
    r"there)|"
    r"(?:is|are|was|were|has been|have been) (?:now |already |fully )?(?:completed?|done|finished|through|settled|"
    r"final(?:i[sz]ed)?)|"
    r"shows?(?: up)?|appears?|arrives?|arrived|reach(?:es|ed)|lands?|landed|clears?|cleared)\b"
    r"|\b(?:just|only|simply) wait\b"
)
# A clause that reports what someone asked for claims nothing either ...
REQUESTED = _compile(
    r"\b(?:kolleg\w+|companer\w+|collegue)\b.{0,40}\b(?:pruf(?:t|en)|revisara|examinera|verifiera)\b|"
    r"\b(?:your (?:refund |cancell?ation )?request|you (?:asked|requested|wrote|wanted)|request(?:ed)? (?:for|to|a)|"
    r"asked (?:a|my) colleague about)\b"
)
# ... unless it says that something is done, under way or certain.
_SOON = r"(?: (?:now|just|already|also|fully|gladly)){0,2} "
_DEEDS = (
    r"(?:re-?funded|reimbursed|credited|returned|cancell?ed|changed|updated|corrected|issued|sent|processed|made|set|"
    r"wired|transferred|reversed|(?<!order was )paid|repaid|voided|undone|called|"
    r"released|approved|deposited|initiated|started|arranged)"
)
DONE = _compile(
    rf"\b(?:i|we)(?:'ve| have| had)?{_SOON}{_DEEDS}\b|\b(?:is|are|was|were|has|have)(?: been)?{_SOON}{_DEEDS}\b"
    r"|\bon (?:its|the|their) way\b|\b(?:refund|money\d*|funds?|amount|payment) (?:arrives|follows)\b"
    r"|\b(?:is|are|be) (?:back )?(?:in|on|with) (?:your|the)\b|\byou(?:'ll| will| can| should)(?: soon| then)? "
    r"(?:see|receive|get|have|find)\b|\b(?:has|have) (?:arrived|left|gone|reached)\b"
)
# Words for a wish that was or will be fulfilled.
_DO = (
    r"(?:re-?fund|reimburse|credit|return|cancel|change|update|correct|issue|send|process|make|wire|transfer|reverse|"
    r"pay|repay|void|release|deposit|arrange|complete|fulfil+|grant|finali[sz]e)"
)
_DOING = (
    r"(?:re-?funding|reimbursing|crediting|returning|cancell?ing|changing|updating|correcting|issuing|sending|"
    r"processing|making|wiring|transferring|reversing|(?:re)?paying|releasing|arranging|completing|granting)"
)
FULFILLED = _compile(
    r"\b(?:is|are|was|were|been|be|got|looks|went)(?: \w+ly| now| just| already| all| also| being){0,2} "
    rf"(?:{_DEEDS}|completed?|done|final(?:i[sz]ed)?|success\w*|confirmed|executed|handled|settled|accepted|granted|"
    r"authori[sz]ed|taken care of|fulfil+ed|scheduled|booked|concluded|in progress|under ?way|through|ready|out|"
    r"coming|arriving|in your|with you|yours)\b"
    r"|\b(?:has|have|had|having)(?: \w+ly| now| just| already| all| also){0,2} (?:gone|come|cleared|succeeded|worked|"
    rf"landed|{_DEEDS})\b"
    r"|\b(?:goes|comes|arrives|follows|lands|leaves|cleared|succeeded|worked)\b"
    r"|\bwill(?: \w+ly| now| soon| also){0,2} (?:arrive|come|follow|go|land|reach|appear|show|leave)\b"
    rf"|\b(?:i|we)(?:'ll|'m|'re| will| shall| am| are)(?: \w+ly| now| just| also| going to){{0,2}} (?:{_DO}|{_DOING})\b"
)
# "Done as requested": a wish counts as fulfilled, without naming what was done.
AS_ASKED = _compile(
    r"\b(?:it|that)(?:'s| is| has been| was)(?: all| now| already){0,2} done\b|"
    r"\beverything (?:is|was|has been)(?: now| already){0,2} (?:done|settled|sorted|arranged|resolved|taken care of)\b|"
    r"\bwunsch (?:\w+ )?erfullt\b|\banliegen (?:\w+ ){0,2}erledigt\b|\bnecessaire (?:a ete|est) fait\b|"
    r"\b(?:done|completed|handled) as (?:you )?(?:requested|asked|wished)\b|"
    r"\byour request (?:has been|was|is) (?:now )?(?:completed|fulfilled|processed|done|carried out)\b|"
    r"\b(?:did|(?<!not )done) (?:what|as|everything|all) (?:that )?you\b|"
    r"\bconsider it (?:done|settled|handled)\b|"
    r"\b(?:processed|completed|fulfilled|carried out|accepted|granted) your (?:request|wish)\b|"
    r"\balles erledigt\b|\bc'est fait\b|"
    r"\b(?:ya )?esta hecho\b"
)
# Words for amounts that belong to no effect: what was ordered, asked for or is still possible ...
OTHER_AMOUNT = _compile(
    r"\b(?:totals?|prices?|priced|costs?|worth|value of|asked|requested|request|in question|subtotal|shipping|"
    r"could not|couldn't|cannot|can't|unable|not able|may still be|order was paid in|would have|invoice|tax|limit|"
    r"gesamtbetrag|preis|kostet|prix|coute|precio|cuesta|prezzo|costa|prijs|kost|preco|custa)\b"
)
# ... but not if a sentence about an effect adds them to it ("refunded $5, plus the shipping of $2") ...
ADDED = _compile(
    r"\b(?:also|too|as well|plus|likewise|in addition|additionally|along with|together with|ebenso|ebenfalls|auch|"
    r"zusatzlich|zuzuglich|aussi|egalement|ainsi que|tambien|ademas|anche|inoltre|ook|tambem)\b"
)
# ... or says that they move.
MOVING = _compile(
    r"\b(?:will|shall|'ll|going to|sent|send|sending|on (?:its|the|their) way|see|seen|follow\w*|receive\w*|get|got|"
    r"arriv\w*|transferr?\w*|wired?|wiring|credit\w*|(?<!order was )paid|issued|reversed|"
    r"deposit\w*|goes|went|refunded|reimbursed|"
    r"returned|back (?:to|in|on|with)|tomorrow|soon|werden|wird|erstattet|sera|sera|sara|wordt|zal)\b|'ll\b"
)
# A pronoun for an amount in another clause: "the total was $84.00 and you will see it soon".
PRONOUN = _compile(r"\b(?:it|this|that|them)\b")
# Words for a refund of everything that was paid.
FULL_REFUND = _compile(
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
# "per e-mail", "per our policy", "per day": not "per item".
_NOT_EACH = r"(?!e-?mail|mail|bank|post|card|cent\b|paypal|our|your|request|day|telefon|phone|transfer|sepa|the\b)"
# An amount in words, which can't be compared. A period of time ("thirty days") doesn't count.
NUMBER_WORD = _compile(
    r"\b(?:ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|"
    r"hundred|thousand|zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|"
    r"vingt|trente|quarante|cinquante|soixante|cent(?=s? euros?)|veinte|treinta|cuarenta|cincuenta|sesenta)\b"
    r"(?![\w -]{0,14}\b(?:minutes?|hours?|days?|weeks?|months?|per ?cent|%|tage\w*|wochen|stunden|jours?|semaines?|"
    r"dias|semanas)\b)"
)
# Words that need at least this many succeeded effects.
COUNTS = {
    2: _compile(
        r"\b(?:twice|(?<!have your money )again|another|"
        r"further|second|additional|double|both|two|2x|x2|zweimal|nochmals?|erneut|weitere\w*|"
        rf"each|apiece|for every|jeweils|per {_NOT_EACH}\w+|pro stuck|"
        rf"deux fois|encore|dos veces|otra vez|due volte|ancora|tweemaal|nogmaals|duas vezes|novamente)\b"
        rf"|\bmore money|{_REST}"
    ),
    3: _compile(r"\b(?:thrice|third|three|triple|3x|x3|dreimal|trois fois|tres veces|tre volte|driemaal|tres vezes)\b"),
}
# One more effect of the kind just mentioned: "and will do the same for the lamp".
SAME_AGAIN = _compile(
    r"\b(?:(?:do|did|done|doing|get|got|goes) (?:the same|likewise)|(?:the same|likewise) (?:goes|was done)|"
    r"(?:das gleiche|dasselbe|ebenso mit)|(?:de meme|la meme chose)|lo mismo)\b"
)
# Words for what a sentence says about an order itself. A sentence without them refers to an effect in another one ...
OWN_SUBJECT = _compile(
    r"\b(?:deliver\w*|on (?:its|the|their) way|ship(?:s|ped|ping)?|dispatch\w*|transit|pack(?:ed|ing)?|parcel|"
    r"warehouse|track\w*|placed|arriv\w*|came back|sold|was paid in|status|pending|wait\w*|remain\w*|unchanged|"
    r"look(?:ed|ing)?|cannot|not|nothing|unable|asked|total (?:is|was)|geliefert|unterwegs|versendet|versandt|"
    r"nicht|livre\w*|route|expedi\w+|pas|entregad\w+|camino|enviad\w+|consegnat\w+|spedit\w+|geleverd|onderweg|verzonden|niet|"
    r"entregue|caminho)\b|n't\b"
)
# ... and so is a clause that starts with these words: "it was for #W1, which is on its way".
REFERS_BACK = _compile(
    r"^(?:(?:it|this|that|these|those|they|both|all of (?:it|this|that))(?: also| all)? "
    r"(?:is|was|were|are|covers?|covered|includes?|included|concerns?|concerned|applies|applied|belongs?|goes|went)"
    r"|(?:es|das|dies|ceci|cela|esto|eso|questo|dit|isso|isto) \w+ \w+)\b"
)
