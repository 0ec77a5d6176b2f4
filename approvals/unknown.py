"""An outcome that nobody knows: the provider is asked again, or a person who found out says what became of it."""

from django.contrib.auth.models import User
from django.db import transaction

from agentops.lib.errors import Refused
from approvals import audit, policies, reconcile, states, transitions
from approvals.models import Action, HandSettlement


def ask_again(*, action_id: int, by: User) -> Action:
    """Asks the provider now instead of at its next turn."""
    audit.record(actor=by.get_username(), verb="action.asked_again", object_type="action", object_id=action_id)
    return reconcile.settle(action_id)


def people_needed(action: Action) -> int:
    """Two where no threshold covers the amount: above the ceiling, or in a currency that has none."""
    if action.amount is None:
        return 1
    rules = policies.rules_of(policies.current())
    covered = any(
        row.kind == action.kind and row.currency == action.currency and action.amount <= row.block_above
        for row in rules.thresholds
    )
    return 1 if covered else 2


def settle_by_hand(*, action_id: int, by: User, happened: bool, reason: str) -> Action:
    """Records what a person found out; settles the action once enough people say the same.

    Raises Refused: the action is no longer unknown, no reason is given, this person has spoken before, or a colleague
    has said otherwise."""
    if not reason.strip():
        raise Refused("reason_missing", "Say how you know: the statement, the provider's support, the customer.")
    with transaction.atomic():
        action = Action.objects.select_for_update(of=("self",)).get(pk=action_id)
        if action.status != states.UNRESOLVED:
            raise Refused("already_settled", f"It is {action.get_status_display().lower()} by now.")
        said = list(HandSettlement.objects.filter(action=action).select_related("by"))
        if any(row.by_id == by.pk for row in said):
            raise Refused("said_before", "You have said so already; a second person must confirm it.")
        against = next((row for row in said if row.happened != happened), None)
        if against:
            raise Refused("contradicted", f"{against.by.get_username()} says the opposite: {against.reason}")
        HandSettlement.objects.create(action=action, by=by, happened=happened, reason=reason.strip()[:500])
        if len(said) + 1 >= people_needed(action):
            _settle(action, by, happened, reason)
        else:
            told = {"happened": happened, "reason": reason}
            name = by.get_username()
            audit.record(actor=name, verb="action.settlement_proposed", object_type="action", object_id=action.pk,
                         after=told)  # fmt: skip
    return action


def _settle(action: Action, by: User, happened: bool, reason: str) -> None:
    told = {"happened": happened, "reason": reason}
    if happened:
        transitions.move(action, states.SUCCEEDED, actor=by.get_username(), verb="action.settled_by_hand", told=told,
                         result={"settled_by": by.get_username(), "reason": reason})  # fmt: skip
        return
    transitions.move(
        action,
        states.FAILED,
        actor=by.get_username(),
        verb="action.settled_by_hand",
        told=told,
        error_code="settled_by_hand",
        error_class="terminal",
        error_message=reason[:1000],
    )
