"""What a process does to a case's tickets: everything, from their delivery to the end, whoever began it.

Each part is what a door of the application calls: the books are compared, intake (the help desk delivers), the sweep's
other kinds of work, and a lead who decides what waits. It can be begun again at any point, as the real ones are.
"""

import gc
import importlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import stripe
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agentops import engine, llm, sweep, tasks, tools
from agentops.celery import app
from agentops.lib.errors import ProviderError, Refused
from agentops.models import Run
from approvals import comparison, decisions, execution, pauses, reconcile, reservations, states, unknown, webhooks
from approvals.models import Action, ApprovalRequest
from approvals.providers import orders, replies
from approvals.providers.payments import contract
from tests.crash import cases, mutations
from tests.crash.boundaries import Boundaries, CrashPoint
from tests.crash.cases import DELIVERED_TWICE, REFUSED_CONNECTION
from tests.crash.worker import Job
from tickets import intake
from tickets.models import Ticket

LEAD = "lead"
ALL = 100_000
POLL_SECONDS = 0.2
OPEN_RUNS = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING)
# An unknown outcome is asked for soon: a request that is under way arrives within the provider's time-out here.
QUIET_SECONDS, ASK_AGAIN_SECONDS = 1, 0.3
# The books are compared once in each story; a short look suffices to die in it.
LOOK_BACK = timedelta(seconds=1)
ON_ITS_WAY_SECONDS = cases.LEASE_SECONDS * 1.5 + 2
CREDENTIALS_SECONDS = 1


def prepare() -> None:
    """In the warm parent. Messages go nowhere: nothing may depend on one."""
    app.conf.broker_url = "memory://"
    assert reconcile.QUIET_SECONDS > QUIET_SECONDS
    assert reconcile.ASK_AGAIN_SECONDS > ASK_AGAIN_SECONDS
    reconcile.QUIET_SECONDS, reconcile.ASK_AGAIN_SECONDS = QUIET_SECONDS, ASK_AGAIN_SECONDS  # type: ignore[assignment]
    engine.CREDENTIALS_SECONDS = CREDENTIALS_SECONDS
    logging.disable(logging.ERROR)
    warm_up()


def warm_up() -> None:
    """What costs each process of the real system something once, done once for all children: clients without a
    connection, lazy imports, schemas."""
    for made in (orders._client, contract._client, replies._client):
        made()
    _ = llm._client(llm.PRIMARY).chat.completions.with_raw_response.create
    importlib.import_module("psycopg_pool")
    tools.specifications()
    tasks.advance.delay(0)
    gc.collect()
    gc.freeze()


def play(job: Job) -> None:
    boundaries = Boundaries(
        trace=Path(job.folder) / f"{job.name}.trace",
        crash_at=CrashPoint(**job.crash_at) if job.crash_at else None,
        refused=job.fault == REFUSED_CONNECTION,
    )
    boundaries.install()
    if job.mutation:
        mutations.BY_NAME[job.mutation].apply()
    if job.role == "sweep":
        sweep._run()
        return
    deadline = time.monotonic() + job.seconds
    comparison.compare(since=reservations.database_now() - LOOK_BACK)
    mine = [deliver(ticket) for ticket in job.tickets]
    times = 2 if job.fault == DELIVERED_TWICE else 1
    while time.monotonic() < deadline and not all_done(mine):
        if not work(mine, backwards=job.backwards, times=times):
            time.sleep(POLL_SECONDS)
    while time.monotonic() < deadline and (unknown := unknown_replies().filter(ticket__in=mine)):
        if not find_out(unknown):
            time.sleep(POLL_SECONDS)
    for action in Action.objects.filter(ticket__in=mine, kind="refund", status=states.SUCCEEDED):
        tell_of(action)


def deliver(given: dict[str, str]) -> str:
    """The help desk delivers, once more where it had no answer. Returns the ticket's id."""
    ticket, _ = intake.receive_ticket(intake.NewTicket(**given))
    return str(ticket.pk)


def work(mine: list[str], *, backwards: bool = False, times: int = 1) -> bool:
    """One round of what is due on these tickets, each done so many times at once; False where nothing was."""
    for provider in pauses.paused():
        pauses.resume(provider, by=LEAD)
    actions = set(Action.objects.filter(ticket_id__in=mine).values_list("pk", flat=True))
    runs = set(Run.objects.filter(ticket_id__in=mine, status__in=OPEN_RUNS).values_list("pk", flat=True))
    due = [
        *((execution.execute, pk) for pk in execution.due(ALL) if pk in actions),
        *((reconcile.settle, pk) for pk in reconcile.due(ALL) if pk in actions),
        *((engine.advance, pk) for pk in engine.due(ALL) if pk in runs),
    ]
    for do, pk in due:
        at_once(partial(do, pk), times)
    at_work = Run.objects.filter(ticket_id__in=mine, status__in=(Run.Status.QUEUED, Run.Status.RUNNING))
    if due or at_work.exists():
        return bool(due)
    # A lead comes when the agent has done what it can.
    waiting = list(ApprovalRequest.objects.filter(action_id__in=actions, closed_at__isnull=True).order_by("pk"))
    for request in reversed(waiting) if backwards else waiting:
        at_once(partial(decide, request), times)
    return bool(waiting)


def at_once(do: Callable[[], object], times: int) -> None:
    """As a message that is delivered twice is worked on by two threads, and a button pressed twice."""
    if times == 1:
        do()
        return

    def apart() -> None:
        try:
            do()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        for done in [pool.submit(apart) for _ in range(times)]:
            done.result()


def unknown_replies() -> QuerySet[Action]:
    return Action.objects.filter(kind="reply", status=states.UNRESOLVED)


def find_out(replies: Iterable[Action]) -> bool:
    """A person looks into the help desk, once nothing can be on its way any more, and says what they saw. False where
    it is too early."""
    found = False
    recent = Now() - timedelta(seconds=ON_ITS_WAY_SECONDS)
    for action in replies:
        if action.attempts.filter(started_at__gt=recent).exists():
            continue
        inbox = json.loads(urlopen(settings.REPLIES_URL).read())["replies"]  # noqa: S310 - the simulator's
        happened = action.idempotency_key in {row["webhook_id"] for row in inbox}
        with suppress(Refused):  # somebody else was quicker
            unknown.settle_by_hand(action_id=action.pk, by=lead(), happened=happened, reason="Looked into the inbox.")
        found = True
    return found


def tell_of(action: Action) -> None:
    """The payment provider tells by itself that a refund arrived, as often as it likes."""
    refund = {
        "id": action.provider_reference,
        "object": "refund",
        "status": "succeeded",
        "created": 1,
        "charge": "ch_1",
        "amount": action.amount,
        "currency": action.currency.lower(),
        "metadata": {"reference": action.idempotency_key, "order_id": action.order_id},
    }
    event = {"id": f"evt_{action.pk}", "type": "refund.updated", "created": 1, "data": {"object": refund}}
    body = json.dumps(event)
    signed_at = int(time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{signed_at}.{body}", settings.STRIPE_WEBHOOK_SECRET)
    webhooks.receive_stripe(body.encode(), f"t={signed_at},v1={signature}")


def lead() -> User:
    return User.objects.get(username=LEAD)


def decide(request: ApprovalRequest) -> None:
    """A lead approves what a customer asked for, and rejects a reply that was held and what can no longer be."""
    shown = {"request_id": request.pk, "by": lead(), "digest": request.digest}
    try:
        if request.action.kind == "reply":
            decisions.reject(**shown, reason="That is not what happened.")
            return
        try:
            decisions.approve(**shown)
        except Refused as refused:
            decisions.reject(**shown, reason=f"No longer possible: {refused.message}")
    except (decisions.AlreadyDecided, decisions.Changed, ProviderError):
        connection.close()  # looked at again in the next round


def all_done(mine: list[str]) -> bool:
    """Whether nothing is left that the system would do by itself."""
    return not unfinished().filter(pk__in=mine).exists()


def unfinished() -> QuerySet[Ticket]:
    """Tickets with a run that goes on, or an action that is not final; a reply whose delivery is unknown is a
    person's, since nobody can be asked for it."""
    unknown = Q(status=states.UNRESOLVED, kind="reply")
    given_up = Action.objects.filter(unknown, run_id=OuterRef("pk"))
    at_work = Run.objects.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING))
    waiting = Run.objects.filter(~Exists(given_up), status=Run.Status.WAITING)
    moving = Action.objects.exclude(unknown).exclude(status__in=states.SETTLED)
    return Ticket.objects.filter(
        Q(pk__in=at_work.values("ticket_id"))
        | Q(pk__in=waiting.values("ticket_id"))
        | Q(pk__in=moving.values("ticket_id"))
    )


def as_dict(point: CrashPoint | None) -> dict[str, object] | None:
    return asdict(point) if point else None
