"""Perform a replay under a lease. Each step is committed when it ends, so a killed worker costs one step.

The decider (`turn`) and the steps are the engine's. Everything runs inside `outbound.only`, which refuses requests
that the mode doesn't allow before a socket is connected.
"""

import logging
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import calls, outbound, redact, retry
from agentops.lib.errors import ProviderError
from agentops.llm import budget_use
from agentops.llm.holds import Held
from agentops.models import Replay, ReplayStep, Run, Step
from agentops.replays import judgement, leases, performing, shadows, spending, worlds
from agentops.replays.effects import EffectOutcome
from agentops.replays.leases import ReplaySuperseded
from agentops.replays.recording import Recording
from agentops.runs import steps, turn
from approvals.models import Deferral

log = logging.getLogger(__name__)
LINE = "replays"  # of the sweep
MAX_ATTEMPTS = 8  # of one step; lost workers count too, so a step that kills its worker can't do so forever


def due(limit: int) -> list[int]:
    """Return ids of replays to continue: queued and due, or abandoned by a dead worker."""
    return list(_ready().exclude(Deferral.holds(LINE)).order_by("pk").values_list("pk", flat=True)[:limit])


def advance_replay(replay_id: int) -> None:
    """Continue the replay as far as possible now. Do nothing if another worker holds its lease."""
    replay = _claim(replay_id)
    if replay is None:
        return
    try:
        spending.book_lost_call(replay)  # a worker may have died during a call
        if replay.attempt > MAX_ATTEMPTS:
            _finish(replay, status=Replay.Status.FAILED, error=f"One step failed {MAX_ATTEMPTS} times.")
            return
        renewed = calls.holding(partial(leases.renew_replay_lease, replay), seconds=settings.RUN_LEASE_SECONDS)
        with renewed, outbound.only(*worlds.allowed(replay.mode)):
            _run_steps(replay)
    except ProviderError as error:  # a live service failed, which says nothing about the run
        _finish(replay, status=Replay.Status.FAILED, error=_live_error(error))
    except Held as held:  # no budget or price: a replay is an experiment, so it ends instead of waiting
        _finish(replay, status=Replay.Status.FAILED, error=f"{held.problem} Restart the replay {held.when}."[:500])
    except ReplaySuperseded:
        log.warning("replay %s was taken over by another worker", replay.pk)
    except (OperationalError, InterfaceError):
        raise  # the database will be back: the lease expires, and the replay continues from its last step
    except Exception as error:  # our bug or a broken recording would repeat at each attempt, so report it and end
        log.exception("replay %s failed", replay.pk)
        message = f"{type(error).__name__}: {redact.text(str(error))}"[:500]
        _finish(replay, status=Replay.Status.FAILED, error=message)
    except BaseException:  # Ctrl-C of the command: there may be no worker to take over and book the call
        with suppress(DatabaseError, ReplaySuperseded):
            spending.book_lost_call(replay)
        raise


def _ready() -> QuerySet[Replay]:
    due_now = Q(status=Replay.Status.QUEUED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
    left_behind = Q(status=Replay.Status.RUNNING, lease_expires_at__lt=Now())
    return Replay.objects.filter(due_now | left_behind)


def _claim(replay_id: int) -> Replay | None:
    replay = _ready().select_related("run__ticket__customer", "policy_version").filter(pk=replay_id).first()
    if replay is None:
        return None
    lost = replay.status == Replay.Status.RUNNING
    # The fence in the WHERE lets only one of two workers that read the same row claim it.
    untouched = Replay.objects.filter(pk=replay_id, status=replay.status, fence=replay.fence)
    claimed = untouched.update(
        status=Replay.Status.RUNNING,
        fence=replay.fence + 1,
        lease_expires_at=leases.lease_end(),
        not_before=None,
        attempt=replay.attempt + lost,
    )
    replay.fence += 1
    replay.attempt += lost
    return replay if claimed else None


def _run_steps(replay: Replay) -> None:
    recording = Recording(replay.run)
    run = shadows.shadow_run(replay)
    saved = list(replay.steps.order_by("index"))
    done = [shadows.shadow_step(row, run) for row in saved]
    while True:
        world = worlds.world_for(replay, recording, done)
        match turn.next_step([steps.to_recorded(step) for step in done], max_turns=settings.MAX_TURNS):
            case turn.AskTriage() if recording.triage:
                step = steps.restart_triage(run, recording.triage.input, world)
                performing.set_model(replay, step, recording.triage)
            case turn.AskModel():
                step = steps.start_llm(run, done, world)
                performing.set_model(replay, step, recording.turn(sum(row.kind == turn.LLM for row in done)))
            case turn.RunTool() as call:
                step = steps.start_tool(run, done, call)
            case turn.SkipCall() as skip:
                step = steps.skip_call(run, done, skip)
            case turn.Answered():
                return _end(replay, recording, saved, Run.Outcome.ANSWERED, "")
            case turn.HandOver(reason):
                return _end(replay, recording, saved, Run.Outcome.WITH_PERSON, reason)
            case other:
                raise RuntimeError(f"a replay can't do {other}")
        if step.kind in budget_use.MODEL_CALLS and replay.mode != Replay.Mode.RECORDED:
            spending.reserve_replay_call(replay, step, steps.request(run, step, done, world))
        try:
            effect, result = performing.perform(replay, recording, world, step, done, saved)
        except worlds.RecordingEnded:
            return _end_with_recording(replay, recording, saved)
        except ProviderError as error:
            spending.book_replay_failure(replay, step, error)
            return _schedule_retry(replay, step, error)
        saved.append(_save_step(replay, run, step, effect, result))
        done.append(shadows.with_action(step, effect, replay.mode))


def _schedule_retry(replay: Replay, step: Step, error: ProviderError) -> None:
    """Queue the replay for another attempt at the step. Raises the error if no attempt is left."""
    policy = retry.READ_RETRIES if step.kind == turn.TOOL else retry.MODEL_RETRIES
    delay = policy.delay(replay.attempt, error, settings.RETRY_BASE_SECONDS)
    if delay is None:
        raise error
    not_before = Now() + timedelta(seconds=delay)
    leases.write_fenced(
        replay, status=Replay.Status.QUEUED, attempt=replay.attempt + 1, lease_expires_at=None, not_before=not_before
    )


def _live_error(error: ProviderError) -> str:
    """Describe the failure of a live service; the error's message says which one."""
    return redact.text(f"A live service failed ({error.code}). {error.message}")[:500]


def _save_step(
    replay: Replay, run: Run, step: Step, effect: dict[str, Any] | None, result: EffectOutcome
) -> ReplayStep:
    """Save the step, its call's cost and the replay with its lease, in one commit."""
    row = shadows.replay_step(replay, step, effect, source=result.source, note=result.note)
    replay.attempt = 1
    with transaction.atomic():
        spending.book_replay_call(replay, step, attempt=1, lease_expires_at=leases.lease_end())
        row.save()
    replay.reservation = None
    for name, count in shadows.counters(run).items():
        setattr(replay, name, count)
    return row


def _end_with_recording(replay: Replay, recording: Recording, saved: list[ReplayStep]) -> None:
    """End the replay where the original run made no further model call.

    If our own bug or a person ended the run, no step of a replay can come to the same end, so it is copied.
    """
    run = recording.run
    failed = bool(recording.steps) and recording.steps[-1].error_code == "fault"
    if failed or run.status == Run.Status.CANCELLED:
        return _end(replay, recording, saved, Run.Outcome(run.outcome) if run.outcome else None, run.reason)
    reason = "The recording ends here. The original run made no further model calls."
    return _end(replay, recording, saved, None, reason)


def _end(
    replay: Replay, recording: Recording, saved: list[ReplayStep], outcome: Run.Outcome | None, reason: str
) -> None:
    replay.outcome, replay.reason = outcome or "", reason[:500]
    result, findings = judgement.judge(replay, recording, saved)
    _finish(
        replay,
        status=Replay.Status.DONE,
        outcome=replay.outcome,
        reason=replay.reason,
        result=result,
        findings=[finding.as_dict() for finding in findings],
    )


def _finish(replay: Replay, **fields: Any) -> None:
    spending.book_lost_call(replay)
    leases.write_fenced(replay, lease_expires_at=None, finished_at=Now(), **fields)
