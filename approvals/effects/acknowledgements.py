"""Send the shop's own fixed text to a customer whose ticket went to a person (docs/design.md, 5.10).

An acknowledgement is an action like any other. It is proposed in the transaction that ends the run, so both commit or
neither does. A ticket gets at most one until it is answered, and none after that.
"""

import logging

from django.db import transaction
from django.db.models import F, Q, QuerySet

from agentops.lib.errors import Refused
from approvals import signals, states
from approvals.audit import events
from approvals.effects import proposals
from approvals.effects.kinds import REPLY
from approvals.models import Action
from approvals.policy import versions
from tickets.models import Ticket

log = logging.getLogger(__name__)
REASON = "Policy: customers get a message when their ticket {}."


def acknowledge(ticket_id: str, *, run_id: int, failed: bool) -> Action | None:
    """Propose an acknowledgement if the policy asks for one. Call it in the transaction that ends the run; an error
    here never rolls that back."""
    try:
        # A savepoint, so that a refusal undoes only what was written here.
        with transaction.atomic():
            rules = versions.policy_rules(versions.current_policy())
            if rules.acknowledge == "never" or (rules.acknowledge == "failed" and not failed):
                return None
            ticket = Ticket.objects.select_related("customer").get(pk=ticket_id)
            if not _wanted(ticket):
                return None
            reason = REASON.format("fails" if failed else "goes to a person")
            resolved = REPLY.fixed(rules.acknowledgement, reason, ticket)
            action = proposals.record_proposal(resolved, ticket_id=ticket_id, run_id=run_id, actor=events.SYSTEM)
    except Refused as refused:  # the ticket is with a person either way
        log.error("no acknowledgement on ticket %s: %s", ticket_id, refused.message)
        return None
    # After the commit, or a worker could look for the action before it is visible. Robust, because a broker that is
    # away must not make the run's end look like a failure.
    transaction.on_commit(lambda: signals.action_approved.send(sender=Action, action_id=action.pk), robust=True)
    return action


def outdated(action: Action) -> bool:
    """Return whether it is too late for this acknowledgement: the ticket no longer needs a person, or an answer has
    been sent or approved since it was proposed. False for any other action."""
    if not action.facts.get("fixed"):
        return False
    needed = Ticket.objects.filter(pk=action.ticket_id, status=Ticket.Status.NEEDS_PERSON).exists()
    later = Q(status__in=states.OPEN) | Q(status=states.SUCCEEDED, settled_at__gte=action.created_at)
    return not needed or _replies(action.ticket_id).filter(later).exclude(pk=action.pk).exists()


def _wanted(ticket: Ticket) -> bool:
    """Return False if a reply may still be sent, or if the last reply sent was an acknowledgement."""
    if _replies(ticket.pk).filter(status__in=states.OPEN).exists():
        return False
    newest = _replies(ticket.pk).filter(status=states.SUCCEEDED).order_by(F("settled_at").desc(nulls_last=True)).first()
    return newest is None or not newest.facts.get("fixed")


def _replies(ticket_id: str) -> QuerySet[Action]:
    return Action.objects.filter(ticket=ticket_id, kind=REPLY.name)
