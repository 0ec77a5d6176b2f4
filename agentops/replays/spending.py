"""Book a replay's model calls in the budgets per day and month, as a run's are.

The worst case is reserved before a call, and its cost is booked after it. The reservation is kept on the replay's
row meanwhile, so that a worker that takes over from a dead one, or gives the replay up, books it as spent. Budgets
per ticket don't apply: they limit a ticket's runs.
"""

from typing import Any

from django.db import transaction

from agentops.lib.errors import EffectUnknown, ProviderError
from agentops.llm import admission, budgets, client
from agentops.llm.breakers import Target
from agentops.models import Replay, Step
from agentops.replays import leases, shadows


def reserve_replay_call(replay: Replay, step: Step, request: dict[str, Any]) -> None:
    """Reserve the worst case of the step's call in one commit. Raises Held without a price or room, and
    ReplaySuperseded."""
    with transaction.atomic():
        entry = admission.reserve_call(step, request, Target(client.PRIMARY, step.name), ticket_id=None, entries=[])
        leases.write_fenced(replay, reservation=step.reservation, lease_expires_at=leases.lease_end())
        budgets.post_entries([entry])
    replay.reservation = step.reservation


def book_replay_call(replay: Replay, step: Step, **fields: Any) -> None:
    """Book the cost of the step's call and write the replay, in the caller's transaction."""
    leases.write_fenced(replay, reservation=None, **shadows.counters(step.run), **fields)
    budgets.post_entries([step.settled] if step.settled else [])


def book_replay_failure(replay: Replay, step: Step, error: ProviderError) -> None:
    """Book a failed call in one commit: its worst case if it may have been billed, nothing otherwise."""
    if isinstance(error, EffectUnknown):
        budgets.book_lost(step)
    else:
        budgets.free(step)
    _close(replay, step)


def book_lost_call(replay: Replay) -> None:
    """Book the worst case of a call that was never finished, because it may have been billed. One commit."""
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
