"""Record intent, commit, then call; no transaction is open during a call (docs/design.md, 5.4).

    claim   guarded move to executing, a lease, a fence, an Attempt     -- committed
    call    the provider, with the frozen request under the frozen key  -- no transaction
    settle  the outcome, fenced by the attempt's number                 -- committed

A worker that dies anywhere in between leaves a lease that runs out; the next claim sends the same bytes under the
same key, or asks first where the key may have been forgotten.
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

from agentops.lib import tracing
from agentops.lib.errors import ProviderError, Refused, ReplayedFailure, Terminal
from approvals import locks, states, transitions
from approvals.audit import events
from approvals.effects import acknowledgements, attempt_plan, late_answers, lookup, pauses, payload, settlement, stops
from approvals.effects.attempt_plan import Attempted, LookFirst, Send
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import CannotBeAsked
from approvals.models import Action, Attempt
from approvals.providers import orders
from approvals.providers.receipt import Receipt

log = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)
READY = Q(status=states.APPROVED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
LEFT_BEHIND = Q(status=states.EXECUTING, lease_expires_at__lt=Now())  # its worker's lease ran out


class Changed(Exception):
    """The world is no longer as it was when this was approved."""

    def __init__(self, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> None:
        super().__init__("changed since it was approved")
        self.snapshot = snapshot
        self.changes = changes


class Overtaken(Exception):
    """The attempt's lease has run out before anything was sent: whoever takes it up may have settled it by now."""


def execute(action_id: int) -> Action:
    """Makes one attempt at an approved action, if it is due and nobody else has it. Returns it as it then stands."""
    action = _claim(action_id)
    if action is not None:
        span = tracing.attempt_span(action.pk, action.fence)
        with tracing.at(ticket_id=action.ticket_id, run_id=action.run_id, span=span, action=action.idempotency_key):
            _attempt(action)
    return Action.objects.get(pk=action_id)


def going_on() -> QuerySet[Action]:
    """Actions of kinds that are neither stopped nor wait for a paused provider."""
    paused, stopped = pauses.paused(), stops.stopped()
    held_back = [name for name, kind in KINDS.items() if name in stopped or paused.intersection(kind.providers)]
    return Action.objects.exclude(kind__in=held_back)


def due(limit: int) -> list[int]:
    """Approved actions whose time has come, and those whose worker's lease ran out."""
    return list(going_on().filter(READY | LEFT_BEHIND).order_by("pk").values_list("pk", flat=True)[:limit])


def _claim(action_id: int) -> Action | None:
    """Takes the action, or what a dead worker left of it, for one lease. None where it is not to be had."""
    with transaction.atomic():
        action = _lock(action_id, READY)
        if action is None:
            action = _lock(action_id, LEFT_BEHIND)
        elif pauses.paused().intersection(KINDS.of(action).providers):
            return None
        if action is None or stops.keeps_from(action.kind):
            return None
        fence = action.fence + 1
        lease = Now() + timedelta(seconds=settings.ACTION_LEASE_SECONDS)
        held: dict[str, Any] = {"fence": fence, "lease_expires_at": lease}
        if action.status == states.EXECUTING:
            _give_up_lost(action)
            Action.objects.filter(pk=action.pk, fence=action.fence).update(**held)
        else:
            told = {"attempt": fence}
            transitions.move(action, states.EXECUTING, actor=events.SYSTEM, verb="action.claimed", told=told, **held)
        action.fence = fence
        Attempt.objects.create(action=action, number=fence, worker=f"{socket.gethostname()}:{os.getpid()}")
    return action


def _lock(action_id: int, wanted: Q) -> Action | None:
    """The action, locked, if it is as `wanted` and nobody else holds it."""
    free = Action.objects.select_for_update(skip_locked=True, of=("self",)).select_related("ticket__customer")
    return free.filter(wanted, pk=action_id).first()


def _give_up_lost(action: Action) -> None:
    """The attempt of the worker that died: its effect is unknown."""
    action.attempts.filter(outcome="").update(
        outcome="lost", finished_at=Now(), error_code="worker_lost", error_message="The worker stopped responding."
    )


def _attempt(action: Action) -> None:
    try:
        receipt = _receipt(action)
    except Changed as changed:
        _settle(action, partial(settlement.back_to_queue, action, snapshot=changed.snapshot, changes=changed.changes))
    except ProviderError as error:
        _failed(action, error)
    except Overtaken:
        log.warning("%s: attempt %s stood still for longer than its lease and sends nothing", action, action.fence)
        _settle(action, lambda: settlement.overtaken(action))
    except DATABASE_AWAY:
        raise  # it will be back: the lease runs out, and the attempt counts as lost
    except Exception as error:  # noqa: BLE001 - a fault of ours, met at each attempt: people are told, nothing is sent again
        _broke(action, error)
    else:
        _succeeded(action, receipt)


def _receipt(action: Action) -> Receipt:
    """Does what is planned for this attempt and returns the provider's answer. Raises ProviderError, Changed (nothing
    was ever sent) or Overtaken."""
    _require_as_approved(action)
    step = _plan(action)
    if isinstance(step, LookFirst):
        if found := _found(action):
            return found
        step = step.absent
    if not isinstance(step, Send):
        raise step.error
    if step.check:
        _check_again(action) if step.again else _check_world(action)
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


def _failed(action: Action, error: ProviderError) -> None:
    _settle(action, lambda: settlement.failed(action, error))


def _succeeded(action: Action, receipt: Receipt) -> None:
    try:
        if not _settle(action, lambda: settlement.succeeded(action, receipt)):
            _settle(action, lambda: late_answers.receive(action, receipt))
    except DATABASE_AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - an answer that we cannot keep: it is not known
        _broke(action, error)


def _broke(action: Action, error: Exception) -> None:
    """Settle an attempt that our own code broke. It may have happened before that: unknown, until it is looked up."""
    log.exception("%s: attempt %s broke", action.idempotency_key, action.fence)
    _failed(action, ReplayedFailure("fault", f"Bug in AgentOps: {type(error).__name__}: {error}"))


def _require_as_approved(action: Action) -> None:
    """Check the bytes that are about to be sent. Raises Terminal."""
    if payload.digest_of(action) != action.digest:
        raise Terminal("digest_mismatch", "The request to be sent differs from the approved one.")


def _require_lease(action: Action) -> None:
    """Right before the sending, so that a worker that stood still moves nothing that was given up since. Raises
    Overtaken."""
    held = Action.objects.filter(status=states.EXECUTING, fence=action.fence, lease_expires_at__gt=Now())
    if not held.filter(pk=action.pk).exists():
        raise Overtaken


def _send(action: Action) -> Receipt:
    kind = KINDS.of(action)
    return kind.send(kind.params_of(action), body=action.request, key=action.idempotency_key)


def _check_world(action: Action) -> None:
    """Read the order or customer again before the first sending (docs/design.md, 5.8). Raises Changed or
    ProviderError."""
    try:
        _require_unchanged(action)
    except ProviderError as error:
        error.provider = orders.NAME  # the shop failed, not the provider that the effect is sent to
        raise


def _require_unchanged(action: Action) -> None:
    if acknowledgements.outdated(action):
        raise Terminal("answered_meanwhile", "The ticket was answered or picked up again in the meantime.")
    kind = KINDS.of(action)
    try:
        now = kind.read_again(action).with_left(without=action.pk)
    except Refused as gone:
        raise Changed({}, [{"field": "exists", "before": True, "after": gone.message}]) from gone
    snapshot, changes = kind.compare(action, now, action.snapshot)
    # What is left moves with every other refund of the order; it matters only where it no longer suffices.
    if now.left and (action.amount or 0) > now.left.whole:
        changes.append({"field": "left for this action", "before": action.amount, "after": snapshot["refundable"]})
    known = kind.may_differ(action, snapshot)
    if any(row["field"] not in known for row in changes):
        raise Changed(snapshot, changes)


def _check_again(action: Action) -> None:
    """The same before what is not there after all is sent once more. What has changed is not, nor does it go back to
    the queue: what was sent may still arrive. Raises ProviderError."""
    try:
        _check_world(action)
    except Changed as changed:
        fields = ", ".join(str(row["field"]) for row in changed.changes)
        raise ReplayedFailure("changed", f"Not sent again: changed since the approval ({fields}).") from changed


def _found(action: Action) -> Receipt | None:
    try:
        return lookup.lookup(action)
    except CannotBeAsked as error:
        raise ReplayedFailure("cannot_be_asked", str(error)) from error


def _settle(action: Action, write: Callable[[], None]) -> bool:
    """Writes the outcome, unless a successor has taken over since; whether it was written."""
    try:
        with transaction.atomic():
            locks.with_ticket(action)
            write()
    except transitions.Lost:
        log.warning("%s: attempt %s came back too late", action.idempotency_key, action.fence)
        return False
    return True
