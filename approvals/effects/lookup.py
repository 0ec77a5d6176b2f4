"""Look up unknown outcomes (docs/design.md, 5.7): refunds by our reference, cancellations and account changes by
reading the order or the account, which prove something only while they exist and no one else has changed them."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import DurationField, ExpressionWrapper, Max, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Least, Now

from agentops.lib import redact, tracing
from agentops.lib.errors import ProviderError, Refused, Terminal
from approvals import states, transitions
from approvals.effects import settlement
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.base import CannotBeAsked
from approvals.models import Action, Attempt, Deferral
from approvals.providers.receipt import FAILED, Receipt

log = logging.getLogger(__name__)
LINE = "lookup"  # of the sweep
# Our request may still be under way when we ask. "There is none" only counts this many seconds after the timeout.
QUIET_SECONDS = 60
ASK_SOON_SECONDS, ASK_AGAIN_SECONDS, ASK_RARELY_SECONDS = 1, 60, 3600


@dataclass(frozen=True)
class LookupResult:
    """The action after a look-up, and the result as a `message` for people. `absent` means that the provider doesn't
    have the effect, but that it is too soon after an attempt to prove anything."""

    action: Action
    message: str
    absent: bool = False


def find_effect(action: Action) -> Receipt | None:
    """Return the provider's record of this action's effect, or None if it has none. Raises CannotBeAsked or another
    ProviderError."""
    kind = KINDS.of(action)
    try:
        params = kind.params_of(action)
    except Refused as error:  # a row that this release can't read: only a person can settle it
        raise CannotBeAsked(f"the stored parameters can't be read ({error.message}).") from error
    return kind.look_up(action, params)


def settle_by_lookup(action_id: int) -> Action:
    """Look up an unresolved action and settle it if the provider can tell; otherwise it stays unresolved."""
    return ask_provider(action_id).action


def ask_provider(action_id: int) -> LookupResult:
    """Look up and settle the action, and return the provider's answer. Raises Action.DoesNotExist."""
    action = Action.objects.get(pk=action_id)
    if action.status != states.UNRESOLVED:
        return LookupResult(action, "This action is already settled.")
    span = tracing.attempt_span(action.pk, action.fence)  # a look-up belongs to the last attempt
    try:
        with tracing.at(ticket_id=action.ticket_id, run_id=action.run_id, span=span, action=action.idempotency_key):
            return _ask(action)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # our own bug: postpone this action, so that it doesn't block the others
        _ask_later(action)
        raise


def _ask(action: Action) -> LookupResult:
    # Taken before we ask: a request that arrives while the provider answers is not in its answer.
    quiet = not quiet_in(action)
    try:
        return _write(action, find_effect(action), quiet=quiet)
    except ProviderError as error:
        log.info("%s stays unresolved: %s", action.idempotency_key, error)
        if KINDS.of(action).can_be_looked_up:
            _ask_later(action)
        else:  # recorded by an older release, which asked for ever
            Action.objects.filter(pk=action.pk, status=states.UNRESOLVED).update(not_before=None)
        told = "The provider can't tell:" if isinstance(error, CannotBeAsked) else "Couldn't check with the provider."
        return LookupResult(action, f"{told} {error}")
    except transitions.Lost:
        action.refresh_from_db()
        return LookupResult(action, "This action was settled in the meantime.")


def quiet_in(action: Action) -> float:
    """Return the seconds until the last attempt can no longer arrive, or 0."""
    # An attempt that ended was sent before it did, however long it had read the shop before.
    ago = action.attempts.aggregate(ago=Now() - Max(Coalesce("finished_at", "started_at")))["ago"]
    return max(QUIET_SECONDS + settings.PROVIDER_TIMEOUT_SECONDS - ago.total_seconds(), 0.0) if ago else 0.0


def due(limit: int) -> list[int]:
    """Return the ids of unresolved actions that are due for a look-up, the longest due first. Without a due time, only
    a person can find out."""
    unresolved = Action.objects.filter(status=states.UNRESOLVED, not_before__lte=Now()).exclude(Deferral.holds(LINE))
    return list(unresolved.order_by("not_before").values_list("pk", flat=True)[:limit])


def _write(action: Action, found: Receipt | None, *, quiet: bool) -> LookupResult:
    """Settle the action if the answer proves anything. Raises Lost."""
    if found is None and not quiet:
        _ask_later(action)
        message = "The provider doesn't have this yet. A recent attempt may still arrive, so check again in a minute."
        return LookupResult(action, message, absent=True)
    with transaction.atomic():
        if found and found.status != FAILED:
            told = {"found": redact.storable(found.reference)}
            settlement.close(action, states.SUCCEEDED, "action.reconciled", told, receipt=found)
            return LookupResult(action, f"The provider has this: {found.reference}, {found.status}.")
        never_happened = ("never_happened", KINDS.of(action).never_happened)
        error = Terminal(*(settlement.PROVIDER_FAILED if found else never_happened))
        settlement.close(action, states.FAILED, "action.reconciled", {"found": None}, error=error, receipt=found)
    return LookupResult(action, error.message)


def _ask_later(action: Action) -> None:
    """Schedule the next look-up after the time that has passed since the last attempt, so a provider that was briefly
    unavailable is asked again soon. From a minute on it is every minute for the first hour, then ever more rarely, at
    least hourly, so that outcomes unknown for days don't keep the others from their turn."""
    ago = Now() - Subquery(Attempt.objects.filter(action=OuterRef("pk")).order_by("-number").values("started_at")[:1])
    soonest, minute, longest = (
        Value(timedelta(seconds=seconds)) for seconds in (ASK_SOON_SECONDS, ASK_AGAIN_SECONDS, ASK_RARELY_SECONDS)
    )
    sixtieth = ExpressionWrapper(ago / Value(60), output_field=DurationField())
    pause = Least(Greatest(Least(ago, minute), soonest, sixtieth), longest, output_field=DurationField())
    Action.objects.filter(pk=action.pk, status=states.UNRESOLVED).update(not_before=Now() + pause)
