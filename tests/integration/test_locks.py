"""All code that locks several rows locks them in one order (approvals.locks), so there are no deadlocks."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from agentops.llm import budgets
from agentops.llm.budget_use import SpendingEntry
from agentops.models import Budget, Run
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import Action, Attempt
from tests import lock_order
from tests.integration.history_rows import an_action
from tests.rows import one_after_the_other
from tests.scripted import Say, Script
from tests.world import World, propose_refund, ticket_of
from tickets.models import Ticket


def attempted_beside_a_double_click(action: Action, again: Callable[[], Any]) -> Any:
    """Return the answer to the second click, made while the attempt is being settled."""
    claimed = execution._claim(action.pk)
    assert claimed is not None
    attempts = Attempt.objects.filter(action=action)
    attempted, clicked = one_after_the_other(attempts, lambda: execution._attempt(claimed), again)
    assert attempted is None
    return clicked


def test_a_double_clicked_reply_waits_for_the_first_to_settle(world: World, lead: User) -> None:
    ticket = ticket_of(world.order())
    Run.objects.filter(ticket=ticket).update(status="succeeded")
    said = {"ticket": ticket, "text": "Thank you, we are on it.", "by": lead}
    action = decide.reply_by_hand(**said)
    absorbed = attempted_beside_a_double_click(action, lambda: decide.reply_by_hand(**said))
    action.refresh_from_db()
    assert (action.status, action.duplicates_absorbed, absorbed.pk) == (states.SUCCEEDED, 1, action.pk)
    assert [row["ticket_id"] for row in world.simulator.replies()].count(ticket.pk) == 1


def test_a_repeated_proposal_waits_for_the_first_ones_outcome(world: World, payments: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    action = propose_refund(order, 2_000, ticket=ticket)
    payments.will_say(Say({"error": {"code": "already_refunded", "message": "It went before."}}, 422))
    absorbed = attempted_beside_a_double_click(action, lambda: propose_refund(order, 2_000, ticket=ticket))
    action.refresh_from_db()
    assert (action.status, action.duplicates_absorbed, absorbed.pk) == (states.UNRESOLVED, 1, action.pk)


def test_a_row_that_an_insert_conflicts_with_counts_as_locked(live_database: str) -> None:
    def wrong() -> None:
        with lock_order.kept(), transaction.atomic():
            budgets.post_entries([SpendingEntry(date(2020, 1, 1), "none")])
            list(Budget.objects.select_for_update())

    with pytest.raises(AssertionError, match="agentops_budget is locked after agentops_spending"):
        wrong()


def test_a_lock_out_of_order_is_detected(live_database: str) -> None:
    action = an_action()

    def wrong() -> None:
        with lock_order.kept(), transaction.atomic():
            Action.objects.select_for_update().get(pk=action.pk)
            Ticket.objects.filter(pk=action.ticket_id).update(reason="")

    with pytest.raises(AssertionError, match="tickets_ticket is locked after approvals_action"):
        wrong()
