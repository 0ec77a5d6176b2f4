"""Execute approved actions: record intent, commit, then call. No transaction is open during a call (docs/design.md,
5.4).

    claim   guarded move to executing, a lease, a fence, an Attempt     -- committed
    call    the provider, with the frozen request under the frozen key  -- no transaction
    settle  the outcome, fenced by the attempt's number                 -- committed

If a worker dies in between, its lease expires. The next claim sends the same bytes under the same key, or looks the
effect up first if the provider may have forgotten the key.
"""

import logging
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import calls, tracing
from agentops.lib.errors import ProviderError, ReplayedFailure, Terminal, Transient
from approvals import locks, states, transitions
from approvals.effects import (
    attempt_plan,
    back_in_queue,
    late_answers,
    lookup,
    pauses,
    payload,
    settlement,
    snapshots,
    stops,
)
from approvals.effects.attempt_plan import Attempted, LookFirst, Send
from approvals.effects.kinds import KINDS
from approvals.models import Action, Attempt, Deferral
from approvals.providers.receipt import Receipt

log = logging.getLogger(__name__)
LINE = "execution"  # of the sweep
DATABASE_AWAY = (OperationalError, InterfaceError)
READY = Q(status=states.APPROVED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
LEFT_BEHIND = Q(status=states.EXECUTING, lease_expires_at__lt=Now())  # its worker's lease ran out


class LeaseExpired(Exception):
    """The attempt's lease expired before anything was sent. Another worker may have settled the action by now."""


def execute(action_id: int) -> Action:
    """Make one attempt at an approved action, if it is due and not leased. Returns the action as it is afterwards."""
    action = _claim(action_id)
    if action is not None:
        span = tracing.attempt_span(action.pk, action.fence)
        renewed = calls.holding(partial(_renew_lease, action), seconds=settings.ACTION_LEASE_SECONDS)
        at = tracing.at(ticket_id=action.ticket_id, run_id=action.run_id, span=span, action=action.idempotency_key)
        with renewed, at:
            _attempt(action)
    return Action.objects.get(pk=action_id)


def unblocked_actions() -> QuerySet[Action]:
    """Return the actions whose kind is not stopped and whose providers are not paused."""
    paused, stopped = pauses.paused_names(), stops.stopped_kinds()
    held_back = [name for name, kind in KINDS.items() if name in stopped or paused.intersection(kind.providers)]
    return Action.objects.exclude(kind__in=held_back)


def due(limit: int) -> list[int]:
    """Approved actions whose time has come, and those whose worker's lease ran out."""
    found = unblocked_actions().exclude(Deferral.holds(LINE))
    queries = (  # each reads an index of its own, whatever else there is
        found.filter(status=states.APPROVED, not_before__isnull=True).order_by("pk"),
        found.filter(status=states.APPROVED, not_before__lte=Now()).order_by("not_before"),
        found.filter(LEFT_BEHIND).order_by("lease_expires_at"),
    )
    return sorted(number for query in queries for number in query.values_list("pk", flat=True)[:limit])[:limit]


def _claim(action_id: int) -> Action | None:
    """Lease the action and start an attempt. Takes over from a dead worker if its lease has expired. Returns None if
    the action is not due, leased, stopped or paused, or if it goes back to the queue because the customer has written
    since its approval."""
    free = Action.objects.select_for_update(skip_locked=True, of=("self",)).select_related("ticket__customer")
    with transaction.atomic():
        # Intake takes this lock too: a message is either seen here, or stored after this claim.
        locks.lock_ticket(Action.objects.values_list("ticket", flat=True).get(pk=action_id))
        action = free.filter(READY | LEFT_BEHIND, pk=action_id).first()
        if action is not None and back_in_queue.overtaken_by_message(action):
            back_in_queue.return_for_message(action)
            return None
        if action is None or stops.blocks_claim(action.kind):
            return None
        if pauses.paused_names().intersection(KINDS.of(action).providers):
            return None
        fence = action.fence + 1
        held: dict[str, Any] = {"fence": fence, "lease_expires_at": _lease_expiry()}
        if action.status == states.EXECUTING:  # the dead worker's request may have taken effect
            settlement.finish_attempt(action, "lost", error=Transient("worker_lost", "The worker stopped responding."))
            Action.objects.filter(pk=action.pk, fence=action.fence).update(**held)
        else:
            transitions.move(action, states.EXECUTING, verb="action.claimed", details={"attempt": fence}, **held)
        action.fence = fence
        Attempt.objects.create(action=action, number=fence, worker=f"{socket.gethostname()}:{os.getpid()}")
    return action


def _lease_expiry() -> Any:
    return Now() + timedelta(seconds=settings.ACTION_LEASE_SECONDS)


def _renew_lease(action: Action) -> None:
    """Extend the lease while it is valid, unless the row is locked: the renewal of others must not wait."""
    held = Action.objects.filter(status=states.EXECUTING, fence=action.fence, lease_expires_at__gt=Now(), pk=action.pk)
    with transaction.atomic():
        free = held.select_for_update(skip_locked=True, no_key=True).values("pk")
        Action.objects.filter(pk__in=free).update(lease_expires_at=_lease_expiry())


def _attempt(action: Action) -> None:
    try:
        receipt = _receipt(action)
    except snapshots.ChangedSinceApproved as changed:
        _settle(
            action, partial(back_in_queue.return_to_queue, action, snapshot=changed.snapshot, changes=changed.changes)
        )
    except ProviderError as error:
        _failed(action, error)
    except LeaseExpired:
        log.warning("%s: attempt %s stalled past its lease and sends nothing", action, action.fence)
        expired = Transient("overtaken", "The attempt timed out before anything was sent.")
        # A newer attempt may have marked this one as lost, but it is certain that it sent nothing.
        _settle(action, lambda: settlement.finish_attempt(action, expired.code, error=expired, known="lost"))
    except DATABASE_AWAY:
        raise  # when the database is back, the lease has expired and the attempt counts as lost
    except Exception as error:  # noqa: BLE001 - our own bug would repeat at each attempt, so alert people and send nothing
        _broke(action, error)
    else:
        _succeeded(action, receipt)


def _receipt(action: Action) -> Receipt:
    """Does what is planned for this attempt and returns the provider's answer. Raises ProviderError,
    ChangedSinceApproved (nothing was ever sent) or LeaseExpired."""
    _require_as_approved(action)
    step = _plan(action)
    if isinstance(step, LookFirst):
        if found := lookup.find_effect(action):
            return found
        step = step.absent
    if not isinstance(step, Send):
        raise step.error
    if step.check:
        snapshots.require_unchanged(action, again=step.again)
    _require_lease(action)
    return _send(action)


def _plan(action: Action) -> attempt_plan.Plan:
    kind = KINDS.of(action)
    attempts = list(action.attempts.values_list("number", "outcome", "started_at"))
    return attempt_plan.plan(
        [Attempted(outcome, started_at) for number, outcome, started_at in attempts if number != action.fence],
        keeps_keys=kind.keeps_keys,
        can_be_looked_up=kind.can_be_looked_up,
        now=max(started_at for *_, started_at in attempts),  # the current attempt's, by the database's clock
        horizon=timedelta(seconds=settings.RETRY_HORIZON_SECONDS),
    )


def _require_as_approved(action: Action) -> None:
    """Raise Terminal unless the frozen request still has the approved digest."""
    if payload.action_digest(action) != action.digest:
        raise Terminal("digest_mismatch", "The request to be sent differs from the approved one.")


def _require_lease(action: Action) -> None:
    """Right before the sending, so that a worker that stood still moves nothing that was given up since. Raises
    LeaseExpired."""
    held = Action.objects.filter(status=states.EXECUTING, fence=action.fence, lease_expires_at__gt=Now())
    if not held.filter(pk=action.pk).exists():
        raise LeaseExpired


def _send(action: Action) -> Receipt:
    kind = KINDS.of(action)
    return kind.send(kind.params_of(action), body=action.request, key=action.idempotency_key)


def _succeeded(action: Action, receipt: Receipt) -> None:
    try:
        if not _settle(action, lambda: settlement.settle_success(action, receipt)):
            _settle(action, lambda: late_answers.apply_late_answer(action, receipt))
    except DATABASE_AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - we can't store the answer, so the outcome is unknown
        _broke(action, error)


def _failed(action: Action, error: ProviderError) -> None:
    _settle(action, lambda: settlement.settle_failure(action, error))


def _broke(action: Action, error: Exception) -> None:
    """Settle an attempt in which our own code failed. The effect may already exist, so it is unknown until looked
    up."""
    log.exception("%s: attempt %s failed with an internal error", action.idempotency_key, action.fence)
    _failed(action, ReplayedFailure("fault", f"Bug in AgentOps: {type(error).__name__}: {error}"))


def _settle(action: Action, write: Callable[[], None]) -> bool:
    """Write the outcome unless a newer attempt has taken over. Returns whether it was written."""
    try:
        with transaction.atomic():
            locks.lock_action(action)
            write()
    except transitions.Lost:
        log.warning("%s: attempt %s finished after a newer one took over", action.idempotency_key, action.fence)
        return False
    return True
