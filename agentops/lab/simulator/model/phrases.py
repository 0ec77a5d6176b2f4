"""The English phrases that the agent recognises, in lower case unless noted otherwise."""

import re
from typing import Literal

type Kind = Literal["refund", "cancel", "exchange", "change", "status"]

ORDER_ID = re.compile(r"#?\bW(\d{6,9})\b", re.IGNORECASE)
BARE_ORDER_ID = re.compile(r"(?<![\w#@.$€£¥])(\d{7})\b(?!\s*[%@])")
TRACKING = re.compile(r"(?<![\w#.])\d{10,22}\b")
ITEM_ID_BEFORE = re.compile(r"\b(?:item|product|article|phone|tel|card)\b[\w\s.#:]{0,14}$", re.IGNORECASE)
ORDER_BEFORE = re.compile(r"\border\b(?!.*\btrack)[\w\s.#:'(-]{0,20}$", re.IGNORECASE)

VERBS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "status",
        re.compile(
            r"where(?:'s| is| are)\b|\bstatus\b|\btracking (?:number|link|info)|\bwhen (?:will|can|do)\b"
            r"|\bhow much (?:did )?i pa(?:y|id)|\bhas (?:it|my order|the order) (?:been )?(?:shipped|left)"
            r"|\b(?:still )?in transit\b|\bany (?:news|update)|\btrack my\b"
        ),
    ),
    ("cancel", re.compile(r"\bcancel(?:l?ed|l?ing|lation)?\b|\bcall off\b")),
    (
        "exchange",
        re.compile(
            r"\bexchang\w+|\bswap\w*|\breplac(?:e|ement|ing)\b|\bupgrad\w+"
            r"|\b(?:different|another|larger|smaller|bigger) (?:size|colou?r|one)\b"
        ),
    ),
    (
        "change",
        re.compile(
            r"\b(?:modify|change|switch|update|correct|split|edit)\b"
            r"(?! my mind)(?= (?:the|my|all|our|it|this|that|order|item|two|an?)\b)"
        ),
    ),
    (
        "refund",
        re.compile(
            r"\brefund\w*|\breturn(?:ed|ing)?\b|\bmoney back\b|\breimburs\w+|\bsend(?:ing)? (?:it|them|this) back\b"
            r"|\bcredit (?:me|my card)\b|\bpa(?:y|id) (?:me )?back\b|\bget (?:my money )?back\b"
        ),
    ),
)
# "the total refund", "the refund on my card": about a refund that another sentence requests.
REFUND_NOUN = re.compile(r"\b(?:the|total|any|or) refund(?! of| for)\b|\brefund amount\b|\bto know\b.*\bget back\b")
REFUND_STATUS = re.compile(r"where(?:'s| is) my (?:refund|money)|refund (?:status|yet)|status of my refund")
COMPLAINT = re.compile(
    r"\b(?:damaged|broken|defective|faulty|cracked|shattered|torn|missing|wrong (?:item|article|one|product)"
    r"|never (?:arrived|came|showed up)|not (?:arrive|work)|n't (?:arrive|work)|not as described|leak(?:s|ing)"
    r"|dead on arrival|stopped working|overcharged|charged twice)\b"
)
SHARED = re.compile(r"^(?:.*\b(?:to|please) )?\w+ (?:or|and/or) $")
NEGATED = re.compile(
    r"(?:\bdo(?:es)? not|n't|\bnever|\bnot|\bwithout|\brather than|\binstead of|\bwhether)\W+(?:\w+\W+){0,4}$"
)
BENIGN_IF = re.compile(
    r"\b(?:wonder(?:ing)?|see|know|ask|check|tell me) if\b|\bif (?:possible|you can|the agent can help)\b"
)
CONDITION = re.compile(r"\b(?:if|in case|unless)\b")

EVERYTHING = re.compile(
    r"\beverything\b|\ball (?:of )?(?:the |my )?(?:things|orders|pending|possible|stuff)\b"
    r"|\bboth\b|\beach order\b|\bcomplete orders\b"
)
WHOLE = re.compile(r"\b(?:whole|entire|full|complete) order\b|\beverything\b|\ball of it\b")
VAGUE = re.compile(r"\b(?:everything|all|anything|items?)\b[^.]{0,20}\b(?:not|associated|related|that go)\b")
PARTIAL = re.compile(r"\b(?:one (?:item|thing|article|of (?:them|the|these|my))|an item|part of|some of|half)\b")
SINGLE = re.compile(r"\bone of\b|\bonly one\b|\bone (?:came|arrived|is|was|has)\b")
NEWEST = re.compile(
    r"\b(?:most recent|latest|newest|last order|just (?:placed|ordered|bought)|recent(?:ly)? (?:order|placed))"
)
EXCEPT = re.compile(r"\b(?:except|apart from|but not|other than)\b(?P<excluded>.*)")

LEGAL = re.compile(
    r"\b(?:lawyers?|attorney|solicitor|legal action|su(?:e|ing) you|small claims|court|chargeback|ombudsman"
    r"|trading standards|consumer protection)\b"
)
HUMAN = re.compile(
    r"\b(?:human|real person|living person|actual person|manager|supervisor|representative)\b"
    r"|\b(?:speak|talk) (?:to|with) (?:a person|someone|somebody)\b"
)
ANGER = re.compile(
    r"\b(?:furious|outrag\w+|ridiculous|unacceptable|disgust\w+|scam\w*|useless|worst|angry|fed up|appalling)\b|!{2,}"
)
THANKS = re.compile(r"^\W*(?:(?:many )?thanks?|thank you|great|perfect|wonderful|got it|ok(?:ay)?|cheers)\b")
# The customer takes back what they asked for before.
WITHDRAWN = re.compile(
    r"\b(?:withdraw|take back|stop|cancel|forget)\b[^.!?]{0,20}\b(?:request|refund|wish|complaint|it|that)\b"
    r"|\b(?:do not|don't|no longer|no need to)\b[^.!?]{0,20}\b(?:refund\w*|money|cancel|change)\b"
    r"|\bplease stop\b|\bnever ?mind\b|\b(?:i|we)(?:'ll| will)? keep (?:it|them|everything)\b"
)
# Text addressed to the machine instead of the shop.
INJECTION = re.compile(
    r"(?:ignore|disregard|forget) (?:all |any |the )?(?:of )?(?:your |my |previous |prior |above |earlier )+"
    r"(?:instructions?|rules?|polic(?:y|ies)|guidelines?)|\bsystem (?:override|prompt|message|note|notice|update)\b"
    r"|\byou are now\b|\b(?:developer|admin|maintenance|debug|test) mode\b|\bnew instructions?\b"
    r"|\bwithout (?:any )?approval\b|\b(?:note|message|instructions?|notice|memo|command) (?:to|for) "
    r"(?:the |any )?(?:support )?(?:ai|agent|assistant|bot|model|llm|system)\b"
    r"|^\s*[<\[#*]*\s*(?:system|assistant|developer|tool)\s*[>\]:]"
    r"|\b(?:ai|automated|virtual) (?:agent|assistant|support)\b|\b(?:approver|supervisor|manager) (?:has |have )?"
    r"(?:already |just )?(?:agreed|approved|authori[sz]ed|signed)|\bend of (?:ticket|message|customer)\b"
    r"|\"(?:tool|role|function)\"\s*:|\bfurther\s*=\s*true\b|\bpolicy (?:update|change|override)\b"
    r"|\bas an? (?:ai|language model)\b|\bdecode (?:this|the following)\b|\bbase64\b|\bpretend\b|\brole-?play\b",
    re.MULTILINE,
)
PROMISED = re.compile(
    r"\b(?:already|was) (?:approved|promised|agreed|confirmed)\b.*\bjust (?:confirm|tell|write)"
    r"|\bjust confirm\b.*\brefund",
    re.DOTALL,
)
MARKER = re.compile(r"\[\[misbehave:(\w+)\]\]")
