"""The lines of work that the sweep does, in order of priority, and how many of its threads each may take.

First alerts, then the hourly comparison, then money, then runs. No line can take all threads, so none blocks the others
however slow its outside system is: the background lines together leave threads for money and runs, and those leave
threads for each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agentops.models import Run
from agentops.replays import running as replays
from agentops.runs import engine, leasing, unseen
from agentops.telemetry import shipping, tallies
from approvals.audit import notifications, seals
from approvals.decisions import expiry
from approvals.effects import execution, lookup
from approvals.models import Action, ApprovalRequest
from approvals.policy import lowering
from approvals.reconciliation import comparison

THREADS = 8
BACKGROUND = 3  # threads at most for all lines that can wait or may hang
FEW = 2


def _no_ticket(item: int) -> str | None:
    return None


def _ticket_of_action(item: int) -> str | None:
    return Action.objects.filter(pk=item).values_list("ticket_id", flat=True).first()


def _ticket_of_request(item: int) -> str | None:
    return ApprovalRequest.objects.filter(pk=item).values_list("action__ticket_id", flat=True).first()


def _ticket_of_run(item: int) -> str | None:
    return Run.objects.filter(pk=item).values_list("ticket_id", flat=True).first()


@dataclass(frozen=True)
class Line:
    """One kind of work. `due(limit)` returns the items that are due now, without those that `Deferral.holds` back, and
    `work(item)` does one. `most` is how many threads the line may take. `ticket_of` returns the id of the item's
    ticket, which a person gets if the item keeps failing."""

    name: str
    work: Callable[[int], object]
    due: Callable[[int], list[int]]
    most: int = 1
    background: bool = False
    ticket_of: Callable[[int], str | None] = _no_ticket


LINES = (
    Line(notifications.LINE, notifications.send_notification, notifications.due, FEW, background=True),
    Line("tallies", tallies.roll_up, lambda limit: tallies.due(), background=True),
    Line("traces", shipping.ship, lambda limit: shipping.due(), background=True),
    Line("comparison", comparison.run_periodic_comparison, lambda limit: comparison.due(), background=True),
    Line("dial", lowering.lower_dial, lambda limit: lowering.due(), background=True),
    Line("seals", lambda item: seals.seal_events(), lambda limit: seals.due(), background=True),
    Line("unseen", lambda item: unseen.hand_over_unseen(), lambda limit: unseen.due(), background=True),
    Line(execution.LINE, execution.execute, execution.due, 5, ticket_of=_ticket_of_action),
    Line(lookup.LINE, lookup.settle_by_lookup, lookup.due, 4, ticket_of=_ticket_of_action),
    Line(expiry.LINE, expiry.expire, expiry.due, FEW, ticket_of=_ticket_of_request),
    Line(leasing.LINE, engine.advance, leasing.due, 4, ticket_of=_ticket_of_run),
    Line(replays.LINE, replays.advance_replay, replays.due, FEW, background=True),
)
