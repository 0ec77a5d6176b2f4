"""The states of an action and the moves between them (docs/design.md, 4). Pure: no Django, no HTTP."""

PROPOSED = "proposed"
AWAITING_APPROVAL = "awaiting_approval"
APPROVED = "approved"
EXECUTING = "executing"
SUCCEEDED = "succeeded"
FAILED = "failed"
UNRESOLVED = "unresolved"
BLOCKED = "blocked"
REJECTED = "rejected"
EXPIRED = "expired"
WITHDRAWN = "withdrawn"

ALL = (
    PROPOSED,
    AWAITING_APPROVAL,
    APPROVED,
    EXECUTING,
    SUCCEEDED,
    FAILED,
    UNRESOLVED,
    BLOCKED,
    REJECTED,
    EXPIRED,
    WITHDRAWN,
)

# A retry moves executing -> approved and is due at `not_before`. If the order changed after the approval and nothing
# has been sent, the action moves executing -> awaiting_approval; if the customer has written since, it moves
# approved -> awaiting_approval. The agent withdraws its own proposal while it awaits approval. A provider's late
# failure moves succeeded -> failed.
MOVES: dict[str, frozenset[str]] = {
    PROPOSED: frozenset({AWAITING_APPROVAL, APPROVED, BLOCKED}),
    AWAITING_APPROVAL: frozenset({APPROVED, REJECTED, EXPIRED, BLOCKED, WITHDRAWN}),
    APPROVED: frozenset({EXECUTING, AWAITING_APPROVAL}),
    EXECUTING: frozenset({APPROVED, AWAITING_APPROVAL, SUCCEEDED, FAILED, UNRESOLVED}),
    UNRESOLVED: frozenset({SUCCEEDED, FAILED}),
    SUCCEEDED: frozenset({FAILED}),
    FAILED: frozenset(),
    BLOCKED: frozenset(),
    REJECTED: frozenset(),
    EXPIRED: frozenset(),
    WITHDRAWN: frozenset(),
}

SETTLED = (SUCCEEDED, FAILED, BLOCKED, REJECTED, EXPIRED, WITHDRAWN)
WITHOUT_EFFECT = (FAILED, BLOCKED, REJECTED, EXPIRED, WITHDRAWN)
# The money is promised or may have moved, so it stays reserved against the order.
OPEN = (APPROVED, EXECUTING, UNRESOLVED)


def may_move(before: str, after: str) -> bool:
    return after in MOVES[before]
