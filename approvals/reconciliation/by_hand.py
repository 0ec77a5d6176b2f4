"""Resolve actions whose outcome is unknown (docs/design.md, 5.7): ask the provider now, or record what people found
out."""

from dataclasses import dataclass, replace
from math import ceil

from django.contrib.auth.models import User
from django.db import transaction

from agentops.lib.errors import Refused, Terminal
from approvals import locks, states
from approvals.audit import events
from approvals.effects import lookup, settlement
from approvals.effects.kinds import KINDS
from approvals.models import Action, HandSettlement
from approvals.policy import versions

LONGEST_REASON = 500


@dataclass(frozen=True)
class OutcomeDecisions:
    """What people have reported about an action, oldest first, and how many must agree. While an attempt may still
    arrive, nobody can report that the action did not happen; `wait` is the remaining time in seconds."""

    needed: int
    reports: list[HandSettlement]
    wait: int

    @property
    def contradicted(self) -> bool:
        return len({row.happened for row in self.reports}) > 1


def check_now(*, action_id: int, by: User) -> lookup.LookupResult:
    """Ask the provider now instead of at the next scheduled look-up. Raises Action.DoesNotExist."""
    result = lookup.ask_provider(action_id)
    answer = {"said": result.message}
    events.record_action_event(result.action, "action.asked_again", actor=by.get_username(), after=answer)
    return result


def decisions_on(action: Action) -> OutcomeDecisions:
    reports = HandSettlement.objects.filter(action=action).select_related("by").order_by("pk")
    wait = ceil(lookup.quiet_in(action)) if KINDS.of(action).can_be_looked_up else 0
    return OutcomeDecisions(people_needed(action), list(reports), wait)


def people_needed(action: Action) -> int:
    """Return how many people must agree: two if no threshold covers the amount, that is above `block_above` or in a
    currency without a threshold; otherwise one."""
    if action.amount is None:
        return 1
    rules = versions.policy_rules(versions.current_policy())
    covered = any(
        row.kind == action.kind and row.currency == action.currency and action.amount <= row.block_above
        for row in rules.thresholds
    )
    return 1 if covered else 2


def resolve_by_hand(*, action_id: int, by: User, happened: bool, reason: str) -> lookup.LookupResult:
    """Record a person's statement about an unresolved action. Returns the action as it is now, and a message.

    The provider is asked first, and its answer wins. The action is settled once enough people agree and they outnumber
    those who disagree; until then it stays unresolved.

    Raises Refused without a reason, if the action is no longer unresolved, if this person has already reported, or
    while an attempt may still arrive and the statement is that nothing happened, or that it happened although the
    provider doesn't have it.
    """
    reason = reason.strip()
    if not reason:
        raise Refused(
            "reason_missing",
            "Enter the evidence: for example the bank statement, the provider's support or the customer.",
        )
    # Ask before locking: no lock and no transaction is held during a call.
    action = Action.objects.get(pk=action_id)
    absent = False
    if action.status == states.UNRESOLVED and KINDS.of(action).can_be_looked_up:
        result = check_now(action_id=action_id, by=by)
        absent = result.absent
        if result.action.status != states.UNRESOLVED:
            return replace(result, message=f"The provider answered first. {result.message}")
    with transaction.atomic():
        action = locks.lock_action(action)
        if action.status != states.UNRESOLVED:
            raise Refused("already_settled", f"The outcome is now known: {action.get_status_display().lower()}.")
        before = decisions_on(action)
        if any(row.by_id == by.pk for row in before.reports):
            raise Refused("said_before", "You already answered. Another person must confirm it.")
        if before.wait and (absent or not happened):
            known = "The provider doesn't have this yet, and an" if absent else "An"
            problem = f"{known} attempt may still arrive. You can confirm the outcome in {before.wait} seconds."
            raise Refused("too_early", problem)
        HandSettlement.objects.create(action=action, by=by, happened=happened, reason=reason[:LONGEST_REASON])
        # Enough people must agree and outnumber the others, so one contradiction takes one more person to settle.
        agree = 1 + sum(row.happened == happened for row in before.reports)
        against = 1 + len(before.reports) - agree
        if agree >= before.needed and agree > against:
            _settle(action, by, happened, reason)
            message = f"Outcome confirmed: {action.get_status_display().lower()}."
        else:
            message = "Recorded. The outcome stays unknown until another person confirms it."
            report = {"happened": happened, "reason": reason}
            events.record_action_event(action, "action.settlement_proposed", actor=by.get_username(), after=report)
    return lookup.LookupResult(action, message)


def _settle(action: Action, by: User, happened: bool, reason: str) -> None:
    name, verb = by.get_username(), "action.settled_by_hand"
    details = {"happened": happened, "reason": reason}
    if happened:
        result = {"settled_by": name, "reason": reason}
        settlement.close(action, states.SUCCEEDED, verb, details, actor=name, result=result)
    else:
        error = Terminal("settled_by_hand", reason)
        settlement.close(action, states.FAILED, verb, details, actor=name, error=error)
