"""Patterns for the words with which a clause denies an effect, leaves it open, or says that it is done."""

from approvals.grounding.vocabulary import (
    CANCEL_WORDS,
    CHANGED_WORDS,
    MONEY_WORDS,
    NOT_SENT_WORDS,
    ORDERS_WORDS,
    REFUND_WORDS,
    REPLACEMENT_WORDS,
    STOPPED_WORDS,
    VOUCHER_WORDS,
    pattern_of,
)

# Where a clause ends. A denial in one clause says nothing about the next.
CLAUSE_BREAK = pattern_of(
    r"[,;:](?=\s)|\s[-–—]\s|—|[()]"  # noqa: RUF001 - these characters are what is matched
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
    rf"(?:(?:{REFUND_WORDS}|{CANCEL_WORDS}|{STOPPED_WORDS}|{CHANGED_WORDS})|"
    r"paid back|pay(?:ing)? back|pay|paid|transfer\w*|wire[d]?|"
    rf"{REPLACEMENT_WORDS}|{VOUCHER_WORDS}|credits?|stop|halt|close|restore|issued|shipped|added|"
    r"revers\w+|return(?:ed|ing)?|send|sent|chang(?:e|ing)|call(?:ed|ing)? off)"
)
_OBJECT = (
    rf"(?:{MONEY_WORDS}|{ORDERS_WORDS}|the|this|that|these|it|its|you|your|back|to|for|of|on|from|in|item|items|card|account|"
    r"e-?mail|address|name|lamp|yet|any more|a|an|and)"
)
_HAPPEN = (
    r"(?:possible|made|issued|approved|allowed|granted|go through|gone through|succeed\w*|work\w*|processed|sent|"
    r"moglich)"
)
DENIAL = pattern_of(
    rf"\b{_NOT}(?:\s+{_BETWEEN}){{0,7}}\s+{_DENIABLE}\b(?:\s+{_OBJECT}\b){{0,8}}"
    rf"|\b{_DENIABLE}(?:\s+{_OBJECT}\b){{0,8}}\s+(?:is|are|was|were|has|have|did|could|can|does|do|wurde|ist)"
    rf"(?:\s?n't|\s+not|not|(?:\s+leider)?\s+nicht)(?:\s+{_BETWEEN}){{0,3}}\s+{_HAPPEN}\b"
    rf"|\b{_DENIABLE}(?:\s+{_OBJECT}\b){{0,8}}\s+(?:is|are|was|were|has been|have been)\s+"
    r"(?:declined|refused|rejected|denied|impossible|turned down)\b"
    rf"|\b(?:may|might|could) still be {_DENIABLE}(?:\s+(?:up|{_OBJECT})\b){{0,8}}"
)
NEGATIVE = pattern_of(rf"\b{_NOT}(?!\w)")
# Words that turn a denial into a claim: "never refunded faster", "no refund is missing".
REVERSAL = pattern_of(
    r"\b(?:faster|quicker|sooner|less|longer|later than|only|until|except|other than|more than|outstanding|missing|"
    rf"pending|overdue|unless|nur|seulement|solo|soltanto|alleen|apenas|{NOT_SENT_WORDS})\b"
)
# A clause that asks, or explains what is needed, claims nothing ...
OPEN_ENDED = pattern_of(
    r"\?\s*$|^\s*(?:if|once(?! again)|before|unless|should you|"
    r"to (?:process|issue|make|get|look|cancel|refund|change))\b"
    r"|\b(?:would (?:you )?like|do you want|you want|could you|can you|"
    r"please (?:tell|send|confirm|reply|share|provide|let)|may still be)\b"
)
# ... unless it presupposes that there is a refund.
REFUND_EXISTS = pattern_of(
    r"\b(?:re-?funds?|re-?imbursements?|money\d*|funds|credits?)\b[^?]{0,30}?\b(?:"
    r"(?:does|do|did|has|have|is|are)(?: not|n't) (?:\w+ ){0,2}?(?:show\w*|appear\w*|arriv\w*|reach\w*|land\w*|come|"
    r"there)|"
    r"(?:is|are|was|were|has been|have been) (?:now |already |fully )?(?:completed?|done|finished|through|settled|"
    r"final(?:i[sz]ed)?)|"
    r"shows?(?: up)?|appears?|arrives?|arrived|reach(?:es|ed)|lands?|landed|clears?|cleared)\b"
    r"|\b(?:just|only|simply) wait\b"
)
# A clause that reports what someone asked for claims nothing either ...
REQUESTED = pattern_of(
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
DONE = pattern_of(
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
FULFILLED = pattern_of(
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
AS_ASKED = pattern_of(
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
# Words for what a sentence says about an order itself. A sentence without them refers to an effect in another one ...
OWN_SUBJECT = pattern_of(
    r"\b(?:deliver\w*|on (?:its|the|their) way|ship(?:s|ped|ping)?|dispatch\w*|transit|pack(?:ed|ing)?|parcel|"
    r"warehouse|track\w*|placed|arriv\w*|came back|sold|was paid in|status|pending|wait\w*|remain\w*|unchanged|"
    r"look(?:ed|ing)?|cannot|not|nothing|unable|asked|total (?:is|was)|geliefert|unterwegs|versendet|versandt|"
    r"nicht|livre\w*|route|expedi\w+|pas|entregad\w+|camino|enviad\w+|consegnat\w+|spedit\w+|geleverd|onderweg|verzonden|niet|"
    r"entregue|caminho)\b|n't\b"
)
# ... and so is a clause that starts with these words: "it was for #W1, which is on its way".
REFERS_BACK = pattern_of(
    r"^(?:(?:it|this|that|these|those|they|both|all of (?:it|this|that))(?: also| all)? "
    r"(?:is|was|were|are|covers?|covered|includes?|included|concerns?|concerned|applies|applied|belongs?|goes|went)"
    r"|(?:es|das|dies|ceci|cela|esto|eso|questo|dit|isso|isto) \w+ \w+)\b"
)
