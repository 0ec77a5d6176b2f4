"""A reference model for refunds of one order, as simple as possible: no database, no provider, no crashes.

Amounts are in minor units. `left` is what may still be refunded. An unsettled effect that the shop already shows
counts twice: refunding too little is safe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

CAPTURED, AUTO_UP_TO, MOST_ATTEMPTS = 10_000, 5_000, 6
AWAITING, APPROVED, EXECUTING, UNRESOLVED = "awaiting_approval", "approved", "executing", "unresolved"
SUCCEEDED, FAILED, REJECTED, EXPIRED = "succeeded", "failed", "rejected", "expired"
OPEN, WITHOUT_EFFECT = (APPROVED, EXECUTING, UNRESOLVED), (FAILED, REJECTED, EXPIRED)
# What the provider does with a request: whether there is an effect, and how we interpret the answer.
OK, LOST_ANSWER, BROKEN, AWAY, BANK = "ok", "lost_answer", "error_500_before", "unavailable", "refused_by_bank"


class ModelRefused(Exception):
    """The system refuses. `args[0]` is its code, or the name of its exception."""


@dataclass(eq=False)
class Row:
    """An action. `shown`: what had been refunded and what was left when it was last shown or judged. `passed`: which
    of our refunds had succeeded when it was approved."""

    ticket: int
    sequence: int
    amount: int
    further: bool
    status: str
    shown: tuple[int, int]
    attempts: int = 0
    possible: bool = False  # an attempt may have taken effect
    effect: bool = False
    refused: bool = False  # the provider replays its refusal for this key
    passed: tuple["Row", ...] = ()
    quiet: bool = True  # the last attempt can no longer arrive


@dataclass
class Model:
    rows: list[Row] = field(default_factory=list)
    elsewhere: int = 0

    @property
    def refunded(self) -> int:
        return self.elsewhere + sum(row.amount for row in self.rows if row.effect)

    def left(self, without: Row | None = None) -> int:
        others = [row for row in self.rows if row is not without]
        running, settled = _sum(others, OPEN), _sum(others, (SUCCEEDED,))
        return max(CAPTURED - running - max(self.refunded, settled), 0)

    def propose(self, ticket: int, amount: int, *, further: bool) -> Row:
        """Return the action, new or deduplicated."""
        mine = [row for row in self.rows if row.ticket == ticket]
        same = [row for row in mine if row.amount == amount]
        if not further and same:
            return same[0]
        if amount > self.left():
            raise ModelRefused("amount_exceeds_refundable")
        living = [row for row in same if row.further and row.status not in WITHOUT_EFFECT]
        if living:
            return living[0]
        if mine and not further:
            raise ModelRefused("key_conflict")
        status = AWAITING if mine or amount > AUTO_UP_TO else APPROVED
        row = Row(
            ticket, len(mine) + 1, amount, bool(mine), status, (self.refunded, self.left()), passed=self._passed()
        )
        self.rows.append(row)
        return row

    def approve(self, row: Row, amount: int) -> None:
        """Approve it as it is, or with another amount."""
        if row.status != AWAITING:
            raise ModelRefused("AlreadyDecided")
        now = (self.refunded, self.left(row))
        if row.shown != now:
            row.shown = now
            raise ModelRefused("ChangedSinceShown")
        if amount > self.left(row):
            raise ModelRefused("amount_exceeds_refundable")
        row.amount, row.status, row.passed = amount, APPROVED, self._passed()

    def close(self, row: Row, status: str) -> None:
        if row.status != AWAITING:
            raise ModelRefused("AlreadyDecided")
        row.status = status

    def attempt(self, row: Row, answer: str, *, dies: bool = False) -> None:
        """Attempt an action that is approved, or whose worker died. With `dies`, the worker dies before the answer."""
        if row.status not in (APPROVED, EXECUTING):
            return
        first, row.status = not row.possible, EXECUTING
        moved_by_us = sum(one.amount for one in self._passed() if one not in row.passed)
        unseen = self.refunded not in (row.shown[0], row.shown[0] + moved_by_us)
        if first and (unseen or row.amount > self.left(row)):
            if not dies:
                row.status, row.shown = AWAITING, (self.refunded, self.left(row))
                return
            answer = AWAY  # it failed on what it read, and nothing was sent
        row.attempts, row.quiet = row.attempts + 1, False
        if not first and row.attempts > MOST_ATTEMPTS:
            if not dies:
                row.status = SUCCEEDED if row.effect else UNRESOLVED
            return
        self._reach(row, answer)
        row.possible = row.possible or dies or answer in (LOST_ANSWER, BROKEN)
        if not dies:
            row.status = self._told(row, answer)

    def _passed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.status == SUCCEEDED)

    def _reach(self, row: Row, answer: str) -> None:
        if answer in (BROKEN, AWAY) or row.effect or row.refused:
            return
        row.refused = answer == BANK or row.amount > CAPTURED - self.refunded
        row.effect = not row.refused

    def _told(self, row: Row, answer: str) -> str:
        if answer in (LOST_ANSWER, BROKEN, AWAY):
            if row.attempts < MOST_ATTEMPTS:
                return APPROVED
            return UNRESOLVED if row.possible else FAILED
        if row.effect:
            return SUCCEEDED
        return UNRESOLVED if row.possible else FAILED

    def reconcile(self, row: Row) -> None:
        if row.status == UNRESOLVED and (row.effect or row.quiet):
            row.status = SUCCEEDED if row.effect else FAILED


def _sum(rows: Iterable[Row], statuses: tuple[str, ...]) -> int:
    return sum(row.amount for row in rows if row.status in statuses)
