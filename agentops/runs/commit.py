"""The only place that writes a run and its steps: fenced, with one step's end and the next one's start in one commit
(docs/design.md, 5.4)."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from agentops.llm import admission, budgets
from agentops.models import Hold, Run, Step
from approvals.audit import events
from approvals.ticket_status import NOT_KEPT, move_ticket
from tickets.models import Ticket

_COUNTERS = ("turns", "tokens", "cost_usd", "triage", "llm_model", "route")


class RunSuperseded(Exception):
    """Another worker holds the run's lease."""


def commit_step(
    run: Run, finished: Step | None, started: Step | None, *, call: dict[str, Any] | None = None, **fields: Any
) -> None:
    """Commit step end, step start, lease and spending together.

    With `call`, the model request of the started step, also admit that call. Raises RunSuperseded or Held; nothing
    is written then.
    """
    counted = {name: getattr(run, name) for name in _COUNTERS}
    held = {"lease_expires_at": lease_expiry(), **counted, **fields}
    written = [step for step in (finished, started) if step is not None]
    with transaction.atomic(savepoint=False):
        if not Run.objects.filter(pk=run.pk, fence=run.fence, status=Run.Status.RUNNING).update(**held):
            raise RunSuperseded
        _account(run, written, started, call)
        for step in written:
            step.save()
        if run.keeps_hold and (written or fields) and not _still_held(started, fields):
            _end_hold(run)


def set_ticket(run: Run, status: Ticket.Status, reason: str = "", *, actor: str = events.AGENT) -> None:
    """Move the run's ticket. No run takes back a ticket that a person keeps, and an older run not one that a newer run
    gave to a person."""
    handed_over = Run.objects.filter(ticket=OuterRef("pk"), number__gt=run.number, outcome=Run.Outcome.WITH_PERSON)
    only_if = NOT_KEPT if status == Ticket.Status.NEEDS_PERSON else NOT_KEPT & Q(~Exists(handed_over))
    move_ticket(run.ticket_id, status.value, actor=actor, reason=reason, only_if=only_if)


def lease_expiry() -> Any:
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def _still_held(started: Step | None, fields: dict[str, Any]) -> bool:
    """Return whether the run did nothing since but probe a failing model."""
    probing = started is not None and started.call is not None and started.call.probe
    return bool(probing) or fields.get("status") == Run.Status.WAITING


def _end_hold(run: Run) -> None:
    if Hold.objects.filter(run=run).delete()[0]:
        set_ticket(run, Ticket.Status.WORKING)


def _account(run: Run, written: list[Step], started: Step | None, call: dict[str, Any] | None) -> None:
    """Book what the steps' calls cost, and reserve the worst case of the call about to be sent."""
    settled = [step for step in written if step.settled]
    entries = [step.settled for step in settled]
    asking = started if call is not None else None
    if asking is not None and call is not None:
        entries.append(admission.admit(asking, call, ticket_id=run.ticket_id, entries=entries))
    budgets.post_entries(entries)
    for step in settled:
        step.settled = None
        if step is not asking:
            step.reservation = None
