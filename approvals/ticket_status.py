"""The one function that writes a ticket's status, with the AuditEvent in the same statement (docs/design.md, 4).

It is written by hand because every step of a run that waits or ends moves its ticket: lock, guard, update and event
cost one round trip. It is here and not in `tickets` because of the audit (docs/decisions/0012-ticket-status.md).
"""

from django.db import connection
from django.db.models import Q

from approvals.audit import events
from tickets import states
from tickets.models import Ticket

# `seen` locks the ticket and reads what it is now, also where another transaction has just changed it. A ticket that
# has the status already is written only if its reason changes, or it becomes a person's to keep.
MOVE = """
WITH seen (id, status, reason, held) AS ({seen}),
moved AS (
    UPDATE tickets_ticket AS ticket
       SET status = %s, reason = %s, held = ticket.held OR %s, updated_at = STATEMENT_TIMESTAMP()
      FROM seen
     WHERE ticket.id = seen.id
       AND (seen.status = ANY(%s) OR (seen.status = %s AND (seen.reason <> %s OR seen.held < %s)))
    RETURNING ticket.id, ticket.status, ticket.reason
),
event AS (
    INSERT INTO approvals_auditevent (actor, verb, object_type, object_id, before, after)
    SELECT %s, %s, 'ticket', moved.id,
           jsonb_build_object('status', seen.status, 'reason', seen.reason),
           jsonb_build_object('status', moved.status, 'reason', moved.reason)
      FROM moved JOIN seen USING (id)
)
SELECT seen.status, moved.id IS NOT NULL FROM seen LEFT JOIN moved USING (id)
"""
SOURCES = {after: [before for before in states.ALL if states.may_move(before, after)] for after in states.ALL}
NOT_KEPT = Q(kept_by_person=False)


def move_ticket(
    ticket_id: str, to: str, *, actor: str, reason: str = "", only_if: Q | None = None, keep: bool = False
) -> bool:
    """Move a ticket to the status `to` and record the AuditEvent `ticket.<to>`; return whether anything changed.

    Nothing changes where the ticket doesn't match `only_if`, or has this status and reason already. `keep` leaves it
    with a person until a person moves it (Ticket.kept_by_person). Call it in the transaction of the change that it
    follows. Raises ValueError where the move is none of states.MOVES.
    """
    tickets = Ticket.objects.filter(only_if or Q(), pk=ticket_id).select_for_update(no_key=True)
    seen, found_by = tickets.values("pk", "status", "reason", "kept_by_person").query.sql_with_params()
    reason = reason[:500]
    written, guard = (to, reason, keep), (SOURCES[to], to, reason, keep)
    with connection.cursor() as cursor:
        cursor.execute(MOVE.format(seen=seen), (*found_by, *written, *guard, actor, f"ticket.{to}"))
        row = cursor.fetchone()
    if row is None:
        return False
    before, moved = row
    if before != to and not moved:
        raise ValueError(f"a ticket does not go from {before} to {to}")
    return bool(moved)


def hand_to_person(ticket_id: str, reason: str, *, actor: str = events.SYSTEM, keep: bool = False) -> bool:
    """Give a ticket to a person, as `move_ticket` does. One that a person keeps already has the better reason, which
    only another `keep` replaces."""
    only_if = None if keep else NOT_KEPT
    return move_ticket(ticket_id, states.NEEDS_PERSON, actor=actor, reason=reason, only_if=only_if, keep=keep)
