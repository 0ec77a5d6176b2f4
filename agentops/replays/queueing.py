"""Queue replays: of one run, or of a random sample."""

import random
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal

from agentops.lib.errors import Refused
from agentops.llm import pricelist
from agentops.models import ModelPrice, Replay, Run
from agentops.runs import steps
from approvals.audit import events
from approvals.models import PolicyVersion
from approvals.policy import versions

replay_queued = Signal()  # replay_id, in the transaction that records it, so that a worker can start at once
RECORDED = Q(steps__index=0, steps__kind="triage")
MAX_PROMPT = 50_000  # characters


def queue_replay(
    *,
    run: Run,
    mode: str,
    asked_by: str,
    llm_model: str = "",
    prompt: str = "",
    policy_version: int | None = None,
) -> Replay:
    """Queue a replay and record it in the audit.

    Empty arguments mean today's routing, prompt and policy; a recorded replay takes none. Raises Refused.
    """
    if mode not in Replay.Mode.values:
        raise Refused("unknown_mode", f"There is no mode {mode!r}.", valid=Replay.Mode.values)
    _require_replayable(run)
    recorded = mode == Replay.Mode.RECORDED
    if recorded and (llm_model or prompt or policy_version):
        problem = "A recorded replay can't use another model, prompt or policy. Choose a live mode instead."
        raise Refused("nothing_to_try", problem, valid=[Replay.Mode.MODEL.value, Replay.Mode.LIVE.value])
    if not (recorded or settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        problem = "No model is configured. Set OPENAI_API_KEY, or OPENAI_BASE_URL for your own server."
        raise Refused("no_model", problem, valid=[Replay.Mode.RECORDED.value])
    if len(prompt) > MAX_PROMPT:
        raise Refused("prompt_too_long", f"The prompt has {len(prompt):,} characters. The limit is {MAX_PROMPT:,}.")
    name = llm_model.strip()[:100]
    # Without a price the first call could not be reserved, so refuse here rather than fail in the worker.
    if name and pricelist.find_price(name) is None:
        priced = list(ModelPrice.objects.order_by("model").values_list("model", flat=True).distinct())
        raise Refused(
            "no_price", f"The model {name!r} has no price. Models with a price: {', '.join(priced)}.", valid=priced
        )
    version = None if recorded else _version(policy_version)
    digest = steps.store_text(prompt) if prompt.strip() else ""
    with transaction.atomic():
        replay = Replay.objects.create(
            run=run,
            mode=mode,
            asked_by=asked_by[:150],
            llm_model=name,
            prompt=digest,
            policy_version=version,
        )
        events.record_event(
            actor=asked_by,
            verb="run.replayed",
            object_type="run",
            object_id=run.pk,
            after={
                "replay": replay.pk,
                "mode": mode,
                "llm_model": replay.llm_model,
                "prompt": replay.prompt,
                "policy_version": version.pk if version else None,
            },
        )
        replay_queued.send(Replay, replay_id=replay.pk)
    return replay


def sample(*, since: datetime, size: int, seed: int) -> list[Run]:
    """Return at most `size` random runs, oldest first, that were created since then and finished on their own.

    The same seed gives the same sample of the same runs.
    """
    finished = Run.objects.filter(RECORDED, finished_at__isnull=False, created_at__gte=since)
    # A person ended a cancelled run, so its end says nothing about the model, the prompt or the policy.
    finished = finished.exclude(status=Run.Status.CANCELLED)
    found = list(finished.order_by("pk").values_list("pk", flat=True))
    chosen = found if len(found) <= size else random.Random(seed).sample(found, size)  # noqa: S311 - a sample, not a secret
    return list(Run.objects.filter(pk__in=chosen).order_by("pk"))


def _require_replayable(run: Run) -> None:
    if run.finished_at is None:
        raise Refused("not_finished", "This run hasn't finished yet.")
    if not run.steps.filter(index=0, kind="triage").exists():
        raise Refused("nothing_recorded", "This run recorded no steps, so it can't be replayed.")


def _version(number: int | None) -> PolicyVersion:
    if number is None:
        return versions.current_policy()
    found = PolicyVersion.objects.filter(pk=number).first()
    if found is None:
        newest = versions.current_policy().pk
        raise Refused("unknown_policy", f"There is no policy version {number}. The newest is {newest}.", newest=newest)
    return found
