"""Look up unknown outcomes (docs/design.md, 5.7): a refund by our reference, a cancellation or an account change by
reading the order or the account. Those prove something only while they exist and nobody else has changed them."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import DurationField, Max, OuterRef, Subquery, Value
from django.db.models.functions import Greatest, Least, Now

from agentops.lib import redact, tracing
from agentops.lib.errors import ProviderError
from approvals import states, transitions
from approvals.audit import events
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import CannotBeAsked
from approvals.models import Action, Attempt
from approvals.providers.receipt import Receipt

log = logging.getLogger(__name__)
# A request of ours may still be on its way in when we ask: "there is none" counts only after this long.
QUIET_SECONDS = 60
ASK_SOON_SECONDS, ASK_AGAIN_SECONDS = 1, 60


@dataclass(frozen=True)
class Asked:
    """An action as it stands after the provider was asked for it, and what came of asking, in a sentence. `absent`: the
    provider does not have it, so soon after an attempt that it proves nothing."""

    action: Action
    said: str
    absent: bool = False


def lookup(action: Action) -> Receipt | None:
    """What the provider says of this action's effect; None where it says there is none.

    Raises CannotBeAsked or ProviderError."""
    kind = KINDS.of(action)
    return kind.look_up(action, kind.params_of(action))


def settle(action_id: int) -> Action:
    """Asks for an unresolved action and settles it by the answer; without one it stays unresolved."""
    return ask(action_id).action


def ask(action_id: int) -> Asked:
    """The same, and what the provider said. Raises Action.DoesNotExist."""
    action = Action.objects.get(pk=action_id)
    if action.status != states.UNRESOLVED:
        return Asked(action, "This action is already settled.")
    span = tracing.attempt_span(action.pk, action.fence)  # asking is about the attempt that was last
    try:
        with tracing.at(ticket_id=action.ticket_id, run_id=action.run_id, span=span, action=action.idempotency_key):
            return _ask(action)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # a fault of ours: it takes its turn like the others, and not theirs
        _ask_later(action)
        raise


def _ask(action: Action) -> Asked:
    quiet = not quiet_in(action)  # before the question leaves: what arrives while it is answered is not in the answer
    try:
        found = lookup(action)
    except (CannotBeAsked, ProviderError) as error:
        log.info("%s stays unresolved: %s", action.idempotency_key, error)
        _ask_later(action)
        told = "The provider can't tell" if isinstance(error, CannotBeAsked) else "The provider didn't respond"
        return Asked(action, f"{told}: {error}")
    try:
        return _write(action, found, quiet=quiet)
    except transitions.Lost:
        action.refresh_from_db()
        return Asked(action, "This action was settled in the meantime.")


def quiet_in(action: Action) -> float:
    """Return the seconds until the last attempt is so long ago that it cannot arrive any more; 0 from then on."""
    ago = action.attempts.aggregate(ago=Now() - Max("started_at"))["ago"]
    return max(QUIET_SECONDS + settings.PROVIDER_TIMEOUT_SECONDS - ago.total_seconds(), 0.0) if ago else 0.0


def due(limit: int) -> list[int]:
    """Unresolved actions that it is time to ask for."""
    unresolved = Action.objects.filter(status=states.UNRESOLVED, not_before__lte=Now())
    return list(unresolved.order_by("not_before").values_list("pk", flat=True)[:limit])


def _write(action: Action, found: Receipt | None, *, quiet: bool) -> Asked:
    """Settles it by the answer where it is one. Raises Lost."""
    if found and found.status != "failed":
        transitions.move(
            action,
            states.SUCCEEDED,
            actor=events.SYSTEM,
            verb="action.reconciled",
            told={"found": redact.storable(found.reference)},
            **found.stored(),
        )
        return Asked(action, f"The provider has this: {found.reference}, {found.status}.")
    if found is None and not quiet:
        _ask_later(action)
        said = "The provider doesn't have this yet. A recent attempt may still arrive, so check again in a minute."
        return Asked(action, said, absent=True)
    code, message = (
        ("provider_failed", "The provider reports that this failed.")
        if found
        else ("never_happened", KINDS.of(action).never_happened)
    )
    transitions.move(
        action,
        states.FAILED,
        actor=events.SYSTEM,
        verb="action.reconciled",
        told={"found": None},
        error_code=code,
        error_class="terminal",
        error_message=message,
        **(found.stored() if found else {}),
    )
    return Asked(action, message)


def _ask_later(action: Action) -> None:
    """After as long again as the last attempt is ago: a provider that was away for a moment is asked again soon."""
    ago = Now() - Subquery(Attempt.objects.filter(action=OuterRef("pk")).order_by("-number").values("started_at")[:1])
    soonest, latest = (Value(timedelta(seconds=seconds)) for seconds in (ASK_SOON_SECONDS, ASK_AGAIN_SECONDS))
    pause = Least(Greatest(ago, soonest), latest, output_field=DurationField())
    Action.objects.filter(pk=action.pk, status=states.UNRESOLVED).update(not_before=Now() + pause)
