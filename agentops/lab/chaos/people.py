"""The scripted people: they decide waiting requests through the same functions as the pages, and survive a database
that goes away. `office` is their process."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import User
from django.db import Error, connection
from django.db.models import Count, Sum

from agentops.lib.errors import ProviderError, Refused
from approvals import states
from approvals.decisions import decide as deciding
from approvals.models import Action, ApprovalRequest, AuditEvent
from tickets.models import Ticket

# Of every EVERY requests other than replies, one is rejected, one is edited, and two are decided by two people at once.
EVERY = 7
REJECTED, EDITED, CONTESTED = 0, 1, (2, 3)
REASON = "Nothing in the order supports this."
NOT_SO = "It claims something that didn't happen."

Work = Callable[[], object]


class People:
    """Two leads who decide together or alone."""

    def __init__(self) -> None:
        self.first, self.second = User.objects.filter(groups__name="lead").order_by("pk")[:2]
        self._pool = ThreadPoolExecutor(2)

    def decide(self) -> None:
        """Decide everything that is waiting now."""
        waiting = ApprovalRequest.objects.filter(closed_at__isnull=True).select_related("action")
        for request in waiting.order_by("pk"):
            for future in [self._pool.submit(_try_decision, work) for work in self._decisions_on(request)]:
                future.result()

    def _decisions_on(self, request: ApprovalRequest) -> list[Work]:
        """Return the decisions on a request: one, or two at once that race."""
        action = request.action
        named: dict[str, Any] = {"request_id": request.pk, "seen": deciding.seen_now(request)}

        def approve(by: User) -> Work:
            return lambda: deciding.approve(**named, by=by)

        def reject(reason: str) -> Work:
            return lambda: deciding.reject(**named, by=self.first, reason=reason)

        def lower() -> Work:
            changes = {"amount": max((action.amount or 0) // 2, 1)}
            return lambda: deciding.edit(**named, by=self.first, changes=changes)

        if action.kind == "reply":
            return [reject(NOT_SO)]
        draw = int(sha256(action.idempotency_key.encode()).hexdigest(), 16) % EVERY
        if draw == REJECTED:
            return [reject(REASON)]
        if draw == EDITED and action.kind == "refund":
            return [lower()]
        if draw in CONTESTED:
            return [approve(self.first), approve(self.second)]
        return [approve(self.first)]


def progress() -> dict[str, Any]:
    """Return the progress: {"tickets": {status: count}, "under_way", "unresolved", "absorbed"}."""
    actions = dict(Action.objects.values_list("status").annotate(Count("pk")))
    replayed = AuditEvent.objects.filter(verb="action.succeeded", after__replayed=True).count()
    repeated = Action.objects.aggregate(total=Sum("duplicates_absorbed"))["total"] or 0
    return {
        "tickets": dict(Ticket.objects.values_list("status").annotate(Count("pk"))),
        "under_way": sum(actions.get(status, 0) for status in (states.PROPOSED, states.APPROVED, states.EXECUTING)),
        "unresolved": actions.get(states.UNRESOLVED, 0),
        "absorbed": replayed + repeated,
    }


def _try_decision(work: Work) -> None:
    """Run `work`. If the decision can't be made now, it is retried in the next round, if the request still waits."""
    try:
        with suppress(deciding.AlreadyDecided, deciding.ChangedSinceShown, Refused, ProviderError, Error):
            work()
    finally:
        connection.close()
