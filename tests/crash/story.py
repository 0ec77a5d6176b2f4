"""The work of a process on a case's tickets, from delivery to the end.

Each part is one entry point of the application: comparison, intake (the help desk delivers), the sweep's other kinds
of work, and a lead who decides. Like the real ones, each part can start again at any point.
"""

import gc
import importlib
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import stripe
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from agentops.celery import app
from agentops.llm import client
from agentops.models import Run
from agentops.runs import engine, leasing, tools
from agentops.worker import sweep, tasks
from approvals import states
from approvals.effects import execution, lookup, reservations
from approvals.models import Action, ApprovalRequest
from approvals.providers import orders, replies
from approvals.providers.payments import contract
from approvals.reconciliation import comparison, webhooks
from tests.crash import mutations, people
from tests.crash.boundaries import Boundaries
from tests.crash.cases import DELIVERED_TWICE, REFUSED_CONNECTION
from tests.crash.worker import Job
from tickets import intake
from tickets.models import Ticket

ALL = 100_000
POLL_SECONDS = 0.2
# An unknown outcome is looked up soon: here a request in progress arrives within the provider's timeout.
QUIET_SECONDS, ASK_AGAIN_SECONDS = 1, 0.3
# Records are compared once in each story; a short period is enough to die in it.
LOOK_BACK = timedelta(seconds=1)
CREDENTIALS_SECONDS = 1
SHORTEST_NAP, LONGEST_NAP = 0.05, 1.0
# The amount of work that continues automatically, the seconds until the first of it is due, and the number of requests
# that wait for people. One cheap statement, since most processes mostly wait; due work is queried as the sweep does.
REMAINING_WORK = """
    WITH moving AS (
        SELECT coalesce(lease_expires_at, not_before, now()) AS due FROM agentops_run
        WHERE ticket_id = ANY(%(mine)s) AND status IN ('queued', 'running')
        UNION ALL
        SELECT coalesce(lease_expires_at, not_before, now()) FROM approvals_action
        WHERE ticket_id = ANY(%(mine)s)
            AND (status IN ('approved', 'executing') OR (status = 'unresolved' AND kind <> 'reply'))
        UNION ALL
        SELECT now() FROM agentops_run
        WHERE ticket_id = ANY(%(mine)s) AND status = 'waiting' AND NOT EXISTS (
            SELECT FROM agentops_step JOIN approvals_action ON approvals_action.id = action_id
            WHERE agentops_step.run_id = agentops_run.id AND agentops_step.status = 'waiting' AND settled_at IS NULL
        )
    )
    SELECT count(*), coalesce(extract(epoch FROM min(due) - clock_timestamp()), 0), (
        SELECT count(*) FROM approvals_approvalrequest JOIN approvals_action ON approvals_action.id = action_id
        WHERE ticket_id = ANY(%(mine)s) AND closed_at IS NULL
    ) FROM moving
"""


def prepare() -> None:
    """Prepare the warm parent. Messages are dropped, because nothing may depend on one."""
    app.conf.broker_url = "memory://"
    assert lookup.QUIET_SECONDS > QUIET_SECONDS
    assert lookup.ASK_AGAIN_SECONDS > ASK_AGAIN_SECONDS
    lookup.QUIET_SECONDS, lookup.ASK_AGAIN_SECONDS = QUIET_SECONDS, ASK_AGAIN_SECONDS
    engine.CREDENTIALS_SECONDS = CREDENTIALS_SECONDS
    logging.disable(logging.ERROR)
    warm_up()


def warm_up() -> None:
    """One-time costs of each process of the real system, paid once for all children: clients without a connection,
    lazy imports, schemas."""
    for made in (orders._client, contract._client, replies._client):
        made()
    _ = client._client(client.PRIMARY).chat.completions.with_raw_response.create
    importlib.import_module("psycopg_pool")
    tools.specifications()
    tasks.advance_run.delay(0)
    gc.collect()
    gc.freeze()


def play(job: Job) -> None:
    boundaries = Boundaries(
        trace=Path(job.folder) / f"{job.name}.trace",
        deaths=frozenset(job.deaths),
        stall=job.stall,
        refused=job.fault == REFUSED_CONNECTION,
    )
    boundaries.install()
    if job.mutation:
        mutations.BY_NAME[job.mutation].apply()
    if job.role == "sweep":
        sweep._run()
        return
    deadline = time.monotonic() + job.seconds
    people.before(job.also, job.number)
    if job.compares:
        comparison.compare_records(since=reservations.database_now() - LOOK_BACK)
    mine = [deliver(ticket) for ticket in job.tickets]
    people.write_again(job.also, mine)
    times = 2 if job.fault == DELIVERED_TWICE else 1
    while time.monotonic() < deadline:
        work(mine, seconds=job.seconds, backwards=job.backwards, times=times)
        unknown = people.unknown_replies().filter(ticket__in=mine)
        if not unknown and not people.round_off(job.also, mine):
            break
        if not people.find_out(unknown):
            time.sleep(POLL_SECONDS)
    for action in Action.objects.filter(ticket__in=mine, kind="refund", status=states.SUCCEEDED):
        tell_of(action)


def deliver(given: dict[str, str]) -> str:
    """The help desk delivers, again where it had no answer. Returns the ticket's id."""
    ticket, _ = intake.receive_ticket(intake.NewTicket(**given))
    return str(ticket.pk)


def work(mine: list[str], *, seconds: float = 60.0, backwards: bool = False, times: int = 1) -> None:
    """Do all the work on these tickets, each part this many times at once."""
    continue_work(
        mine,
        seconds=seconds,
        do_what_is_due=partial(_do_what_is_due, mine, times),
        decide=partial(_let_a_lead_decide, mine, backwards, times),
    )


def continue_work(
    mine: list[str], *, seconds: float, do_what_is_due: Callable[[], bool], decide: Callable[[], None]
) -> None:
    """Continue until nothing is left to do on these tickets, or the time is over.

    People decide once the agent can't continue. `do_what_is_due` returns whether anything was due.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(REMAINING_WORK, {"mine": mine})
            moving, pause, requests = cursor.fetchone()
        if moving and pause <= 0 and do_what_is_due():
            continue
        if moving:
            people.resume_held_work(mine)
            time.sleep(min(max(float(pause) + 0.01, SHORTEST_NAP), LONGEST_NAP))
        elif requests:
            decide()
        else:
            return


def _do_what_is_due(mine: list[str], times: int) -> bool:
    """Run one round of the sweep on these tickets."""
    due = due_on(mine)
    for do, pk in due:
        at_once(partial(do, pk), times)
    return bool(due)


def due_on(mine: list[str]) -> list[tuple[Callable[[int], object], int]]:
    """Return what is due on these tickets, as the sweep queries it."""
    actions = set(Action.objects.filter(ticket_id__in=mine).values_list("pk", flat=True))
    runs = set(Run.objects.filter(ticket_id__in=mine).values_list("pk", flat=True))
    return [
        *((execution.execute, pk) for pk in execution.due(ALL) if pk in actions),
        *((lookup.settle_by_lookup, pk) for pk in lookup.due(ALL) if pk in actions),
        *((engine.advance, pk) for pk in leasing.due(ALL) if pk in runs),
    ]


def _let_a_lead_decide(mine: list[str], backwards: bool, times: int) -> None:
    waiting = list(ApprovalRequest.objects.filter(action__ticket_id__in=mine, closed_at=None).order_by("pk"))
    for request in reversed(waiting) if backwards else waiting:
        at_once(partial(people.decide, request), times)


def at_once(do: Callable[[], object], times: int) -> None:
    """Run it in two threads at once, as for a message delivered twice or a button pressed twice."""
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


def tell_of(action: Action) -> None:
    """The payment provider reports that a refund arrived, as often as it likes."""
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


def unfinished() -> QuerySet[Ticket]:
    """Return tickets with an unfinished run or an unsettled action. A reply with unknown delivery counts as a
    person's, since it cannot be looked up."""
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
