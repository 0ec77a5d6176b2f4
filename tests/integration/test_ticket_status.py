"""A ticket's status: one writer, its history in the audit, and what PostgreSQL refuses."""

from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.db.transaction import TransactionManagementError

from approvals import ticket_status
from approvals.models import AuditEvent
from approvals.ticket_status import hand_to_person, move_ticket
from tests.completions import claims_a_refund_of, triage, uses
from tests.integration.history_rows import a_ticket
from tests.rows import one_after_the_other
from tests.scripted import Script
from tests.world import World, refund_arguments, run_through, ticket_of
from tickets import states
from tickets.models import Ticket


def history(ticket: Ticket) -> list[tuple[str, str, str, str]]:
    """Actor, verb, and the status before and after, oldest first."""
    found = AuditEvent.objects.filter(object_type="ticket", object_id=ticket.pk).order_by("pk")
    return [(event.actor, event.verb, event.before["status"], event.after["status"]) for event in found]


def moved(ticket: Ticket, to: str, **more: Any) -> bool:
    with transaction.atomic():
        return move_ticket(ticket.pk, to, **{"actor": "system", **more})


def stands(ticket: Ticket) -> tuple[str, str, bool]:
    ticket.refresh_from_db()
    return ticket.status, ticket.reason, ticket.kept_by_person


@pytest.mark.django_db
@pytest.mark.parametrize("before", states.ALL)
@pytest.mark.parametrize("after", states.ALL)
def test_a_legal_move_leaves_an_event_and_an_illegal_one_nothing(before: str, after: str) -> None:
    ticket = a_ticket(status=before)
    if before != after and not states.may_move(before, after):
        with pytest.raises(ValueError, match=f"from {before} to {after}"):
            moved(ticket, after)
        assert (stands(ticket)[0], history(ticket)) == (before, [])
        return
    assert moved(ticket, after) is (before != after)
    assert stands(ticket)[0] == after
    assert history(ticket) == ([("system", f"ticket.{after}", before, after)] if before != after else [])


@pytest.mark.django_db
@pytest.mark.parametrize("before", states.ALL)
def test_postgresql_refuses_every_illegal_move(before: str) -> None:
    ticket = a_ticket(status=before)
    for after in states.ALL:
        if after == before:
            continue
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE tickets_ticket SET status = %s WHERE id = %s", [after, ticket.pk])
                raise psycopg.Rollback  # only whether it may be done is asked
        except psycopg.Rollback:
            assert states.may_move(before, after), f"{before} -> {after} was allowed"
        except DatabaseError:
            assert not states.may_move(before, after), f"{before} -> {after} was refused"


@pytest.mark.django_db
def test_a_better_reason_is_an_event_and_the_same_one_is_not() -> None:
    ticket = a_ticket(status="working")
    for reason in ("They want a person.", "They want a person.", "They threaten to sue."):
        hand_to_person(ticket.pk, reason)
    events = AuditEvent.objects.filter(object_id=ticket.pk, verb="ticket.needs_person").order_by("pk")
    assert [(event.before, event.after) for event in events] == [
        ({"status": "working", "reason": ""}, {"status": "needs_person", "reason": "They want a person."}),
        (
            {"status": "needs_person", "reason": "They want a person."},
            {"status": "needs_person", "reason": "They threaten to sue."},
        ),
    ]


@pytest.mark.django_db
def test_a_ticket_that_a_person_keeps_keeps_its_reason() -> None:
    ticket = a_ticket(status="answered")
    assert hand_to_person(ticket.pk, "The refund failed.", keep=True)
    assert not hand_to_person(ticket.pk, "The outcome is not known yet.")
    assert not moved(ticket, "working", only_if=ticket_status.NOT_KEPT)
    assert stands(ticket) == ("needs_person", "The refund failed.", True)
    assert hand_to_person(ticket.pk, "Another refund failed.", keep=True)
    assert stands(ticket) == ("needs_person", "Another refund failed.", True)
    assert moved(ticket, "answered")
    assert stands(ticket) == ("answered", "", False)


@pytest.mark.django_db
def test_a_ticket_can_be_handed_to_a_person_to_keep() -> None:
    ticket = a_ticket(status="needs_person", reason="The refund failed.")
    assert hand_to_person(ticket.pk, "The refund failed.", keep=True)
    assert stands(ticket) == ("needs_person", "The refund failed.", True)


@pytest.mark.django_db
def test_a_ticket_that_does_not_match_is_left_as_it_is() -> None:
    ticket = a_ticket(status="open")
    assert not moved(ticket, "working", only_if=Q(subject="Another"))
    assert (stands(ticket)[0], history(ticket)) == ("open", [])


def test_a_move_outside_a_transaction_is_refused(live_database: str) -> None:
    ticket = a_ticket(status="open")
    with pytest.raises(TransactionManagementError):
        move_ticket(ticket.pk, "working", actor="system")


def test_an_event_is_undone_with_its_move(live_database: str) -> None:
    ticket = a_ticket(status="open")
    with transaction.atomic():
        assert move_ticket(ticket.pk, "working", actor="system")
        transaction.set_rollback(True)
    assert (stands(ticket)[0], history(ticket)) == ("open", [])


def test_of_two_moves_at_once_the_second_sees_the_first(live_database: str) -> None:
    ticket = a_ticket(status="open")
    of_this = Ticket.objects.filter(pk=ticket.pk)
    same = one_after_the_other(of_this, *2 * [lambda: moved(ticket, "working")])
    assert same == [True, False]
    answered, reopened = one_after_the_other(of_this, lambda: moved(ticket, "closed"), lambda: moved(ticket, "open"))
    assert (answered, reopened) == (True, True)
    closed, late = one_after_the_other(of_this, lambda: moved(ticket, "closed"), lambda: moved(ticket, "working"))
    assert closed is True
    assert isinstance(late, ValueError), "an illegal move, though it would have been legal when it was asked for"
    assert [event[2:] for event in history(ticket)] == [
        ("open", "working"),
        ("working", "closed"),
        ("closed", "open"),
        ("open", "closed"),
    ]


def test_an_automatic_ticket_has_its_history_in_the_audit(world: World, model: Script) -> None:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("get_order", {"order_id": order["order_id"]}))
    model.will_say(uses("refund", refund_arguments(order, 2_000)), claims_a_refund_of(order, 2_000))
    run_through(ticket)
    assert history(ticket) == [
        ("agent", "ticket.working", "open", "working"),
        ("agent", "ticket.answered", "working", "answered"),
    ]
