"""The run engine: one run, one lease, one step at a time (docs/design.md, 5.4, 5.9 and 5.11).

`advance` leases a run, asks `turn.next_step` what to do, does it and records it, until the run waits or ends. Each
commit finishes one step and starts the next, and is fenced: a worker that lost its lease writes nothing. After a
crash the run continues with the first step that isn't recorded.
"""

import logging
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from agentops.lib import calls, redact, retry, tracing
from agentops.lib.errors import ProviderError, Refused, Unauthorized
from agentops.llm import admission, breakers, budget_use, budgets
from agentops.llm.holds import Held
from agentops.models import Run, Step
from agentops.runs import leasing, steps, succession, tools, turn, withdrawing
from agentops.runs.commit import RunSuperseded, commit_step, set_ticket
from approvals import states
from approvals.effects import acknowledgements, duplicates, execution, pauses, proposals
from approvals.effects.kinds import KINDS, REPLY
from approvals.effects.kinds.base import Kind
from approvals.grounding import claims
from approvals.models import Action
from tickets.models import Ticket

log = logging.getLogger(__name__)
CREDENTIALS_SECONDS = 60
WORKER_LOST = "worker_lost"
MAX_LOST_WORKERS = 8  # at one step, then the step fails


class Paused(Exception):
    """The run waits for an action, for what a model call needs, or for its next attempt."""


def advance(run_id: int) -> None:
    """Do what there is to do on this run now, unless another worker has it."""
    run = leasing.lease_run(run_id)
    if run is not None:
        renewed = calls.holding(partial(leasing.renew_lease, run), seconds=settings.RUN_LEASE_SECONDS)
        with renewed, tracing.at(ticket_id=run.ticket_id, run_id=run.pk, span="run"):
            _advance(run)


def _advance(run: Run) -> None:
    try:
        _continue(run)
    except RunSuperseded:
        log.warning("run %s was taken over by another worker", run.pk)
    except Paused:
        log.debug("run %s waits", run.pk)
    except (OperationalError, InterfaceError):
        raise  # the database will be back: the lease expires, and the run continues from here
    except Exception as error:  # a bug must neither repeat forever nor go unnoticed: a person takes over
        log.exception("run %s broke", run.pk)
        with suppress(RunSuperseded):  # another worker has taken the run over, and continues it
            _give_up(run, f"Bug in AgentOps: {type(error).__name__}: {redact.text(str(error))}")


def _continue(run: Run) -> None:
    done = list(run.steps.select_related("action").order_by("index"))
    for step in done:
        step.run = run
    finished: Step | None = None
    while True:
        match turn.next_step([steps.to_recorded(step) for step in done], max_turns=settings.MAX_TURNS):
            case turn.AskTriage():
                step = steps.start_triage(run)
            case turn.AskModel():
                if newer := succession.successor(run, done):
                    return succession.leave_to(run, finished, newer)
                step = steps.start_llm(run, done)
            case turn.RunTool() as call:
                step = steps.start_tool(run, done, call)
            case turn.SkipCall() as skip:
                step = steps.skip_call(run, done, skip)
            case turn.Resume(index) | turn.WaitFor(index):
                step = done.pop(index)
                _count_lost_worker(run, step)
                step.tried_at = Now()
            case turn.Answered():
                return _end(run, finished, Run.Outcome.ANSWERED, "")
            case turn.HandOver(reason, failed):
                status = Run.Status.FAILED if failed else Run.Status.SUCCEEDED
                return _end(run, finished, Run.Outcome.WITH_PERSON, reason, status)
        asks = step.kind in budget_use.MODEL_CALLS and step.status == Step.Status.STARTED
        try:
            commit_step(run, finished, step, call=steps.request(run, step, done) if asks else None)
        except Held as held:
            _hold(run, finished, step, held)
        if step.status != Step.Status.FAILED:
            _do(run, step, done)
        done.append(step)
        finished = step


def _count_lost_worker(run: Run, step: Step) -> None:
    """Repeat a step whose worker died, up to LOST_WORKERS times: the step itself may be what killed the worker."""
    if run.status != Run.Status.RUNNING or step.action_id is not None:
        return
    run.status = Run.Status.QUEUED
    budgets.book_lost(step)
    _note_failure(step, code=WORKER_LOST, error_class="transient", message="The worker crashed.")
    if _lost_workers(step) >= MAX_LOST_WORKERS:
        steps.fail(
            step, {"code": WORKER_LOST, "message": f"{MAX_LOST_WORKERS} workers crashed on this step."}, "transient"
        )
    step.attempts += 1


def _lost_workers(step: Step) -> int:
    return sum(failure["code"] == WORKER_LOST for failure in step.failures)


def _note_failure(step: Step, *, code: str, error_class: str, message: str, **more: Any) -> None:
    """Record a failed attempt at the step, with its times for the trace."""
    began = step.tried_at or step.started_at
    times = {"started_at": began.isoformat(), "finished_at": timezone.now().isoformat()}
    failure = {"attempt": step.attempts, "code": code, "class": error_class, "message": message, **more, **times}
    step.failures = [*step.failures, failure]


def _do(run: Run, step: Step, done: list[Step]) -> None:
    """Finish the step, or raise Paused."""
    span = tracing.try_span(step.index, step.attempts)
    try:
        with tracing.at(ticket_id=run.ticket_id, run_id=run.pk, span=span, step=step.index):
            if step.kind == turn.TRIAGE:
                steps.do_triage(run, step)
            elif step.kind == turn.LLM:
                steps.do_llm(run, step, done)
            elif step.name == REPLY.tool and _must_wait(run, step):
                succession.refuse_reply(step)
            elif KINDS.by_tool(step.name):
                _do_action(run, step)
            elif step.name == tools.WITHDRAW:
                withdrawing.withdraw_action(run, step)
            else:
                steps.do_read(run, step)
    except ProviderError as error:
        _try_later(run, step, error)
    else:
        if step.call is not None:
            breakers.reset(step.call.target)


def _do_action(run: Run, step: Step) -> None:
    """Propose the action once, execute it if it is approved, and wait if it isn't settled."""
    if step.action is None:
        try:
            _propose(run, step)
        except Refused as refused:
            return steps.refuse(step, refused)
    assert step.action is not None
    # Safe in any state: execute only takes an approved action that is due.
    action = step.action = execution.execute(step.action.pk)
    if action.status not in states.SETTLED:
        _wait(run, step, action)
    if step.status == Step.Status.WAITING:
        step.waited_for_person = step.waited_for_person or tools.was_delayed(action, step.started_at)
    again = Step.objects.filter(action=action).exclude(pk=step.pk).exists()
    output = redact.data(tools.action_result(action, tools.decision_on(action), again=again))
    return steps.finish_action(step, action.status, output, action.error_class)


def _must_wait(run: Run, step: Step) -> bool:
    """Return whether the reply may not be proposed yet, or was written before the outcome that it waited for. Raises
    Paused while an outcome is open."""
    if step.action is not None and succession.awaited_by(step) is None:
        return False  # its own action
    if undecided := succession.undecided_action(run):
        step.action, step.waited_for_person = undecided, True
        _wait(run, step, undecided)
    return step.action is not None


def _propose(run: Run, step: Step) -> None:
    """Create the step's action, or reuse the one from before. Raises Refused or ProviderError."""
    kind = KINDS.by_tool(step.name)
    assert kind is not None
    given = kind.parse(steps.arguments(step))
    made = duplicates.find_earlier(kind, given, ticket_id=run.ticket_id)
    resolved = None if made else proposals.resolve_arguments(kind, given, run.ticket, mendable=_mendable(run, kind))
    with transaction.atomic():
        commit_step(run, None, step)  # lock the run before its ticket, as leasing does, to avoid deadlocks
        if made:
            step.action = duplicates.absorb_duplicate(made)
        elif resolved:
            step.action = proposals.record_proposal(
                resolved, ticket_id=run.ticket_id, run_id=run.pk, through_message=run.through_message
            )
        commit_step(run, None, step)


def _mendable(run: Run, kind: Kind[Any, Any]) -> bool:
    """Return whether the model may still correct its reply's claims: once per run, then a person reviews the reply."""
    return kind.once_a_run and not Step.objects.filter(run=run, error_code=claims.INCOMPLETE).exists()


def _try_later(run: Run, step: Step, error: ProviderError) -> None:
    """Schedule another attempt after a transient failure, within bounds. Any other failure ends the step."""
    asked_model = step.kind in budget_use.MODEL_CALLS
    still_away = asked_model and admission.book_failure(step, error)
    if isinstance(error, Unauthorized):
        _wait_for_credentials(run, step, "llm" if asked_model else "orders", error)
    policy = retry.MODEL_RETRIES if asked_model else retry.READ_RETRIES
    # Dead workers are no evidence against the provider, and probes none against the step.
    answers = step.attempts - _lost_workers(step) - sum(failure.get("probe", False) for failure in step.failures)
    delay = 0.0 if still_away else policy.delay(answers, error, settings.RETRY_BASE_SECONDS)
    message = redact.text(error.message)[:300]
    if delay is None:
        return steps.fail(step, {"code": error.code, "message": message}, error.error_class)
    more = {"http_status": error.http_status, **({"probe": True} if still_away else {})}
    _note_failure(step, code=error.code, error_class=error.error_class, message=message, **more)
    step.attempts += 1
    due_at = Now() + timedelta(seconds=delay)
    commit_step(run, None, step, status=_back(run, step), not_before=due_at, lease_expires_at=None)
    raise Paused


def _back(run: Run, step: Step) -> Run.Status:
    """Return the status in which the run waits for the next attempt: waiting if only a probe failed, else queued."""
    probed = run.keeps_hold and step.call is not None and step.call.probe
    return Run.Status.WAITING if probed else Run.Status.QUEUED


def _hold(run: Run, finished: Step | None, step: Step, held: Held) -> NoReturn:
    """Put the run on hold because its call may not be sent. It continues from here when it may."""
    started, step.waited_for_person = step if step.pk else None, True
    with transaction.atomic():
        commit_step(run, None, None)  # lock order: run, budget, spending rows (approvals.locks)
        admission.hold_run(run, held)
        commit_step(run, finished, started, status=Run.Status.WAITING, lease_expires_at=None)
        set_ticket(run, Ticket.Status.NEEDS_PERSON, held.reason)
    raise Paused


def _wait_for_credentials(run: Run, step: Step, provider: str, error: ProviderError) -> NoReturn:
    """Pause the provider that rejected our credentials, and retry once a minute. The ticket is not at fault."""
    step.waited_for_person = True
    with transaction.atomic():
        due_at = Now() + timedelta(seconds=CREDENTIALS_SECONDS)
        commit_step(run, None, step, status=_back(run, step), not_before=due_at, lease_expires_at=None)
        pauses.pause_provider(provider, error.message)
    raise Paused


def _wait(run: Run, step: Step, action: Action) -> None:
    step.status = Step.Status.WAITING
    step.waited_for_person |= action.status == states.AWAITING_APPROVAL
    with transaction.atomic():
        commit_step(run, None, step, status=Run.Status.WAITING, lease_expires_at=None)
        match action.status:
            case states.AWAITING_APPROVAL:
                set_ticket(run, Ticket.Status.AWAITING_APPROVAL)
            case states.UNRESOLVED:
                reason = f"The outcome of {action.idempotency_key} is unknown."
                set_ticket(run, Ticket.Status.NEEDS_PERSON, reason)
        leasing.wake_if_settled(run, action.pk)
    raise Paused


def _end(
    run: Run, finished: Step | None, outcome: Run.Outcome, reason: str, status: Run.Status = Run.Status.SUCCEEDED
) -> None:
    with transaction.atomic():
        commit_step(
            run,
            finished,
            None,
            status=status,
            outcome=outcome,
            reason=reason[:500],
            finished_at=Now(),
            lease_expires_at=None,
        )
        if outcome == Run.Outcome.ANSWERED:
            waits = succession.others_wait(run)
            set_ticket(run, Ticket.Status.AWAITING_APPROVAL if waits else Ticket.Status.ANSWERED)
        else:
            set_ticket(run, Ticket.Status.NEEDS_PERSON, reason)
            acknowledgements.acknowledge(run.ticket_id, run_id=run.pk, failed=status == Run.Status.FAILED)


def _give_up(run: Run, reason: str) -> None:
    run.refresh_from_db(fields=["turns", "tokens", "cost_usd"])  # discard what was counted but not recorded
    with transaction.atomic():
        for step in Step.objects.filter(run=run, status=Step.Status.STARTED):
            step.run = run
            budgets.book_lost(step)
            steps.fail(step, {"code": "fault", "message": reason}, "internal")
            commit_step(run, step, None)
        _end(run, None, Run.Outcome.WITH_PERSON, reason, Run.Status.FAILED)
