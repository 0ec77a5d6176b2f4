"""A replay's model calls count against the budgets of the day and the month, as a run's do: the worst case is reserved
before a call, and what it came to is entered after it. The reservation stands on the replay's row meanwhile, so that
whoever takes the replay up after a dead worker, or gives it up, enters it as spent. Budgets per ticket are not asked:
they are there for what its runs spend."""

from typing import Any

from django.db import transaction

from agentops.lib.errors import EffectUnknown, ProviderError
from agentops.llm import admission, budgets, client
from agentops.llm.breakers import Target
from agentops.models import Replay, Step
from agentops.replays import leases, shadows


def reserve_replay_call(replay: Replay, step: Step, request: dict[str, Any]) -> None:
    """One commit: the step may ask its model. Raises Held where there is no price or no room, and Superseded."""
    with transaction.atomic():
        entry = admission.reserve_call(step, request, Target(client.PRIMARY, step.name), ticket_id=None, entries=[])
        leases.write_fenced(replay, reservation=step.reservation, lease_expires_at=leases.lease_end())
        budgets.post_entries([entry])
    replay.reservation = step.reservation


def book_replay_call(replay: Replay, step: Step, **fields: Any) -> None:
    """Enters what the step's call came to, and writes the replay, in a transaction of the caller's."""
    leases.write_fenced(replay, reservation=None, **shadows.counters(step.run), **fields)
    budgets.post_entries([step.settled] if step.settled else [])


def book_replay_failure(replay: Replay, step: Step, error: ProviderError) -> None:
    """One commit. What may have been billed counts as spent; what was not sent, or was refused, is free again."""
    if isinstance(error, EffectUnknown):
        budgets.book_lost(step)
    else:
        budgets.free(step)
    _close(replay, step)


def book_lost_call(replay: Replay) -> None:
    """One commit, where a call was left under way: it may have been billed, so its worst case counts as spent."""
    if replay.reservation is None:
        return
    step = Step(run=shadows.shadow_run(replay), reservation=replay.reservation)
    budgets.book_lost(step)
    _close(replay, step)


def _close(replay: Replay, step: Step) -> None:
    with transaction.atomic():
        book_replay_call(replay, step)
    replay.reservation = None
    replay.cost_usd = step.run.cost_usd
