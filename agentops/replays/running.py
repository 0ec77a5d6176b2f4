"""Does a replay: under a lease, a step at a time, each recorded when done, so that a killed worker costs one step.

The decider (`turn`) and the steps are the engine's. All of it happens inside `outbound.only`: what the mode does not
name is refused before a socket is connected, for every caller.
"""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import outbound, redact, retry
from agentops.lib.errors import ProviderError, Refused
from agentops.llm import budgets
from agentops.llm.holds import Held
from agentops.models import Replay, ReplayStep, Run, Step
from agentops.replays import effects, judgement, leases, shadows, spending, worlds
from agentops.replays.effects import EffectOutcome
from agentops.replays.leases import ReplaySuperseded
from agentops.replays.recording import NotRecorded, Recording, call_key
from agentops.runs import steps, turn
from approvals.effects.kinds import KINDS

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8  # tries at one step, after which the replay is given up


def due(limit: int) -> list[int]:
    """Replays that can go on: queued and due, or left by a dead worker."""
    return list(_ready().order_by("pk").values_list("pk", flat=True)[:limit])


def advance_replay(replay_id: int) -> None:
    """Takes the replay as far as it goes now, if nobody else is at it."""
    replay = _claim(replay_id)
    if replay is None:
        return
    try:
        spending.book_lost_call(replay)  # of a worker that died at a call
        if replay.attempt > MAX_ATTEMPTS:
            _finish(replay, status=Replay.Status.FAILED, error=f"One step failed {MAX_ATTEMPTS} times.")
            return
        with outbound.only(*worlds.allowed(replay.mode)):
            _go_on(replay)
    except ProviderError as error:  # what is live did not answer: that says nothing of the run
        _finish(replay, status=Replay.Status.FAILED, error=_told(error))
    except Held as held:  # no budget or no price: nothing broke, and a person has to start it again
        _finish(replay, status=Replay.Status.FAILED, error=f"{held.problem} Restart the replay {held.when}."[:500])
    except ReplaySuperseded:
        log.warning("replay %s was taken over by another worker", replay.pk)
    except (OperationalError, InterfaceError):
        raise  # the database will be back: the lease expires, and the replay continues from its last step
    except Exception as error:  # a fault of ours, or of the recording: it is said, and repeats for nobody
        log.exception("replay %s broke", replay.pk)
        told = f"{type(error).__name__}: {redact.text(str(error))}"[:500]
        _finish(replay, status=Replay.Status.FAILED, error=told)
    except BaseException:  # Ctrl-C: there may be no worker that takes the replay up and enters the call
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


def _go_on(replay: Replay) -> None:
    recording = Recording(replay.run)
    run = shadows.shadow_run(replay)
    kept = list(replay.steps.order_by("index"))
    done = [shadows.shadow_step(row, run) for row in kept]
    while True:
        world = worlds.world_for(replay, recording, done)
        match turn.next_step([steps.to_recorded(step) for step in done], max_turns=settings.MAX_TURNS):
            case turn.AskTriage() if recording.triage:
                step = steps.restart_triage(run, recording.triage.input, world)
                _set_model(replay, step, recording.triage)
            case turn.AskModel():
                step = steps.start_llm(run, done, world)
                _set_model(replay, step, recording.turn(sum(row.kind == turn.LLM for row in done)))
            case turn.RunTool() as call:
                step = steps.start_tool(run, done, call)
            case turn.Answered():
                return _end(replay, recording, kept, Run.Outcome.ANSWERED, "")
            case turn.HandOver(reason):
                return _end(replay, recording, kept, Run.Outcome.WITH_PERSON, reason)
            case other:
                raise RuntimeError(f"a replay has no way to {other}")
        if step.kind in budgets.MODEL_CALLS and replay.mode != Replay.Mode.RECORDED:
            spending.reserve_replay_call(replay, step, steps.request(run, step, done, world))
        try:
            effect, became = _do(replay, recording, world, step, done, kept)
        except worlds.RecordingEnded:
            return _end_of_record(replay, recording, kept)
        except ProviderError as error:
            spending.book_replay_failure(replay, step, error)
            return _put_off(replay, step, error)
        kept.append(_keep(replay, run, step, effect, became))
        done.append(shadows.with_action(step, effect))


def _do(
    replay: Replay, recording: Recording, world: steps.World, step: Step, done: list[Step], kept: list[ReplayStep]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    """Brings the step to its end. Raises ProviderError and RecordingEnded."""
    recorded = replay.mode == Replay.Mode.RECORDED
    model = EffectOutcome("", ReplayStep.Source.RECORDED if recorded else ReplayStep.Source.LIVE, "")
    try:
        if step.kind == turn.TRIAGE:
            steps.do_triage(step.run, step, world)
            _cost_as_then(replay, step, recording.triage)
        elif step.kind == turn.LLM:
            steps.do_llm(step.run, step, done, world)
            _cost_as_then(replay, step, recording.turn(sum(row.kind == turn.LLM for row in done)))
        elif KINDS.by_tool(step.name):
            return _do_effect(replay, recording, step, done, kept)
        else:
            steps.do_read(step.run, step, world)
            live = replay.mode == Replay.Mode.LIVE
            return None, EffectOutcome("", ReplayStep.Source.LIVE if live else ReplayStep.Source.RECORDED, "")
    except worlds.RecordedFailure as copied:
        _copy(step, copied.step)
    except NotRecorded as missing:
        steps.refuse(step, Refused("not_recorded", str(missing)))
        return None, EffectOutcome("", ReplayStep.Source.NOT_RECORDED, str(missing)[:300])
    except Refused as refused:
        steps.refuse(step, refused)
    return None, model


def _cost_as_then(replay: Replay, step: Step, then: Step | None) -> None:
    """What was recorded is counted at the price of then, with what was lost on the way."""
    if replay.mode == Replay.Mode.RECORDED and then is not None:
        step.run.cost_usd += then.cost_usd - step.cost_usd
        step.cost_usd = then.cost_usd


def _do_effect(
    replay: Replay, recording: Recording, step: Step, done: list[Step], kept: list[ReplayStep]
) -> tuple[dict[str, Any] | None, EffectOutcome]:
    if replay.mode != Replay.Mode.RECORDED:
        return effects.judge_effect(replay, recording, step, done, effects.effects_so_far(replay, recording, kept))
    if kind := KINDS.by_tool(step.name):
        kind.parse(steps.arguments(step))
    text = str(step.input["arguments"])
    then = recording.call(step.name, text, worlds.count_calls(done, call_key(step.name, text)))
    if then is None:
        raise NotRecorded(f"{step.name} {text}")
    if then.action is None:
        raise worlds.RecordedFailure(then)
    return effects.repeat_recorded(recording, step, then), EffectOutcome("", ReplayStep.Source.RECORDED, "")


def _copy(step: Step, then: Step) -> None:
    for name in ("status", "output", "error_code", "error_class", "error_message", "cost_usd"):
        setattr(step, name, getattr(then, name))
    step.run.cost_usd += then.cost_usd


def _set_model(replay: Replay, step: Step, then: Step | None) -> None:
    """The model that is tried, for the triage too, or the one that answered `then`; else as routed today."""
    recorded = then if replay.mode == Replay.Mode.RECORDED else None
    name = recorded.name if recorded else replay.llm_model
    if name:
        step.name = step.input["model"] = name
    if recorded and "route" in recorded.input:
        step.input["route"] = recorded.input["route"]


def _put_off(replay: Replay, step: Step, error: ProviderError) -> None:
    """Until the step is tried again. Raises the error where it is not."""
    policy = retry.READ_RETRIES if step.kind == turn.TOOL else retry.MODEL_RETRIES
    delay = policy.delay(replay.attempt, error, settings.RETRY_BASE_SECONDS)
    if delay is None:
        raise error
    leases.write_fenced(replay, status=Replay.Status.QUEUED, attempt=replay.attempt + 1, lease_expires_at=None,
                 not_before=Now() + timedelta(seconds=delay))  # fmt: skip


def _told(error: ProviderError) -> str:
    """What did not answer (its own message says model or not) and how, in one sentence."""
    return redact.text(f"A live service didn't respond ({error.code}): {error.message}")[:500]


def _keep(replay: Replay, run: Run, step: Step, effect: dict[str, Any] | None, became: EffectOutcome) -> ReplayStep:
    """One commit: the step, what its call came to, and the replay with its lease."""
    row = shadows.replay_step(replay, step, effect, source=became.source, note=became.note)
    replay.attempt = 1
    with transaction.atomic():
        spending.book_replay_call(replay, step, attempt=1, lease_expires_at=leases.lease_end())
        row.save()
    replay.reservation = None
    for name, count in shadows.counters(run).items():
        setattr(replay, name, count)
    return row


def _end_of_record(replay: Replay, recording: Recording, kept: list[ReplayStep]) -> None:
    """A run that a fault of ours or a person ended asked the model no further; its end is on record and nowhere
    else."""
    run = recording.run
    broke = bool(recording.steps) and recording.steps[-1].error_code == "fault"
    if broke or run.status == Run.Status.CANCELLED:
        return _end(replay, recording, kept, Run.Outcome(run.outcome) if run.outcome else None, run.reason)
    return _end(replay, recording, kept, None, "The recording ends here. The original run made no further model calls.")


def _end(
    replay: Replay, recording: Recording, kept: list[ReplayStep], outcome: Run.Outcome | None, reason: str
) -> None:
    replay.outcome, replay.reason = outcome or "", reason[:500]
    result, findings = judgement.judge(replay, recording, kept)
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
