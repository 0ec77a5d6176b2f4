"""The states of a ticket and the moves between them (docs/design.md, 4). Pure: no Django, no HTTP."""

OPEN = "open"
WORKING = "working"
AWAITING_APPROVAL = "awaiting_approval"
ANSWERED = "answered"
NEEDS_PERSON = "needs_person"
CLOSED = "closed"

ALL = (OPEN, WORKING, AWAITING_APPROVAL, ANSWERED, NEEDS_PERSON, CLOSED)

# A person can be given a ticket in any state, and a person's reply can arrive in any state. Only a message from the
# customer reopens a ticket that is finished, and a run has to wait for that: it never works on a closed ticket. A
# ticket that the agent has started on doesn't go back to `open`.
MOVES: dict[str, frozenset[str]] = {
    OPEN: frozenset({WORKING, AWAITING_APPROVAL, ANSWERED, NEEDS_PERSON, CLOSED}),
    WORKING: frozenset({AWAITING_APPROVAL, ANSWERED, NEEDS_PERSON, CLOSED}),
    AWAITING_APPROVAL: frozenset({WORKING, ANSWERED, NEEDS_PERSON, CLOSED}),
    ANSWERED: frozenset({OPEN, WORKING, AWAITING_APPROVAL, NEEDS_PERSON, CLOSED}),
    NEEDS_PERSON: frozenset({OPEN, WORKING, AWAITING_APPROVAL, ANSWERED, CLOSED}),
    CLOSED: frozenset({OPEN, AWAITING_APPROVAL, ANSWERED, NEEDS_PERSON}),
}


def may_move(before: str, after: str) -> bool:
    return after in MOVES[before]
