"""Patterns for the words with which replies say that an effect is done or promised, by kind."""

from approvals.grounding.vocabulary import (
    CANCEL_WORDS,
    CHANGED_WORDS,
    MONEY_WORDS,
    NOT_SENT_WORDS,
    ORDERS_WORDS,
    REFUND_WORDS,
    REPLACEMENT_WORDS,
    REST_WORDS,
    STOPPED_WORDS,
    VOUCHER_WORDS,
    near,
    pattern_of,
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
_ACCOUNT = (
    r"e-?mail|address|name|account|profile|phone|password|subscription|membership|"
    r"adresse|anschrift|konto|nom|compte|direccion|correo|nombre|cuenta|"
    r"indirizzo|adres|endereco"
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
# How each effect is described when it is done or promised.
EFFECTS = {
    "refund": pattern_of(
        rf"{REFUND_WORDS}|(?:paid|sent|put|transferred|gave|given)\b.{{0,30}}\bback|{near(MONEY_WORDS, _MOVES)}"
        rf"|{near(f'(?:price|cost|{MONEY_WORDS})', 'restored')}"
        r"|\b(?:price|cost)s?\b.{0,50}\b(?:is|are|was|were|be|been|have|has) (?:\w+ ){0,2}?"
        r"(?:returned|given back|back|transferred|wired)\b"
        r"|\byou(?:'ve| have)? (?:been|were|got) (?:\w+ly |now |just |already )?paid\b|\bpa(?:id|ying) (?:you|out)\b"
        r"|\b(?:your|the) (?:claim|complaint) (?:was|is|has been) (?:now |already )?"
        r"(?:approved|accepted|granted|settled)\b"
        rf"|\byou(?:'ll| will| should| can)? (?:\w+ ){{0,2}}?(?:see|get|have|find|receive) (?:the|your) {MONEY_WORDS}\b"
        r"|\b(?:see|get|have|find|receive) (?!back\b)\S.{0,25}?\bback (?:on|in|to|with) (?:your|the)\b"
        r"|\b(?:see|find) \S{1,12} on your (?:card|statement|account)\b"
        rf"|\b{MONEY_WORDS} (?:\w+ )?(?:hit|lands?|landed)\b|\bmake sure you get\b"
        rf"|{REST_WORDS}"
        r"|\b(?:returned?|returning|giv(?:e|en|ing) back|gave back|have|has|got|get|receive) .{0,12}\b"
        r"(?:(?:full|whole|entire|complete|purchase) price|what you (?:have )?paid)\b"
        r"|\bvirement\b.{0,40}\b(?:parti|effectue|envoye|emis|fait|ordonne)\b"
        rf"|{near(r'credits?(?! cards?)', '(?:issued|added|applied|granted)')}"
        rf"|\b(?:have|has|got|get)\b.{{0,20}}\b{MONEY_WORDS} again\b"
        r"|\bget (?:that|this|the|your) money\b.{0,20}\bto you\b"
        r"|\b(?:not|\w+n't|never) be (?:charged|billed)\b|\bwaiv(?:ed|ing)\b"
        r"|\b(?:wired|transferred|repaid) (?:you|it|them)\b|\brevers(?:ed|ing|al)\b"
    ),
    "cancel_order": pattern_of(
        rf"{CANCEL_WORDS}|\bcalled\b.{{0,30}}\boff\b|\b(?:will|'ll) call\b.{{0,30}}\boff\b|"
        rf"{near(ORDERS_WORDS, f'(?:{STOPPED_WORDS})')}|{near(ORDERS_WORDS, "(?:(?:will|'ll) (?:stop|halt|close))")}"
        rf"|\b(?:voided|undone|undid|called off|{NOT_SENT_WORDS})\b|\border (?:is|was) (?:now )?off\W*$"
        r"|\b(?:dropped|took|taken|struck|removed)\b.{0,30}\b(?:from|off) (?:your|the) order\b"
        r"|\b(?:auftrag|bestellung)\b.{0,40}\b(?:zuruckgezogen|gestrichen)\b"
        r"|\b(?:stopped|halted) (?:it|this|that|them|"
        r"(?:the|your) (?:parcel|package|shipment|shipping|delivery|dispatch))\b"
        r"|\bhaben?\b.{0,40}\b(?:gestoppt|angehalten)\b|\bhemos (?:parado|detenido)\b|\bavons (?:stoppe|arrete)\b"
    ),
    "account_change": pattern_of(rf"^(?=.*\b(?:{_ACCOUNT}))(?=.*(?:{CHANGED_WORDS}))"),
    "replacement": pattern_of(
        rf"{near(REPLACEMENT_WORDS, _GIVEN)}|\b(?:shipped|sent|dispatched|posted|mailed)\b.{{0,30}}\bagain\b"
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
    "voucher": pattern_of(near(VOUCHER_WORDS, _GIVEN)),
}
