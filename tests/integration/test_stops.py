"""The stop switch: after a stop no effect starts, effects in progress settle, and waiting actions resume once."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from agentops.lib.errors import Refused
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution, lookup, stops
from approvals.models import Action, AuditEvent, Stop
from tests.completions import replies, triage
from tests.screen import card_fields, markup
from tests.scripted import CUT, Say, Script
from tests.waiting import until
from tests.world import World, propose, propose_refund, run_through, ticket_of


@pytest.fixture
def admin(live_database: str) -> User:
    user, _ = User.objects.get_or_create(username="the-admin")
    user.groups.set([Group.objects.get(name="admin")])
    return user


@pytest.fixture(autouse=True)
def released(live_database: str) -> Iterator[None]:
    """Clear all stops before the next test."""
    yield
    Stop.objects.filter(released_at__isnull=True).update(
        released_at=Now(), released_by=User.objects.get_or_create(username="the-admin")[0]
    )


def throw(by: User, kind: str = stops.ALL) -> Stop:
    return stops.stop_kind(kind=kind, reason="The shop is being robbed.", by=by)


def resume_now(stop: Stop, by: User) -> None:
    assert stops.resume_stopped(stop_id=stop.pk, by=by)


def untouched(action: Action) -> bool:
    """Return whether the action is still approved and nobody has attempted it."""
    action.refresh_from_db()
    return action.status == states.APPROVED and not action.attempts.exists()


# --- nothing starts -------------------------------------------------------------------------------------


def test_an_approved_action_waits_and_runs_once_after_resuming(world: World, admin: User) -> None:
    order = world.order()
    action = propose_refund(order, 2_000)
    stop = throw(admin)
    assert action.pk not in execution.due(10_000)
    execution.execute(action.pk)
    assert untouched(action)
    resume_now(stop, admin)
    assert action.pk in execution.due(10_000)
    for _ in range(2):
        assert execution.execute(action.pk).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_a_person_may_approve_during_a_stop(world: World, lead: User, admin: User) -> None:
    order = world.order()
    action = propose_refund(order, 6_000)
    stop = throw(admin)
    request = action.requests.get()
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    execution.execute(action.pk)
    assert untouched(action)
    assert world.refunds(order) == []
    resume_now(stop, admin)
    assert execution.execute(action.pk).status == states.SUCCEEDED


def test_stopping_one_kind_does_not_affect_others(world: World, admin: User) -> None:
    order = world.order()
    ticket = ticket_of(order)
    refund = propose_refund(order, 2_000, ticket=ticket)
    reply = propose(ticket, "reply", {"text": "Thank you for writing.", "claims": [], "reason": "Greets."})
    throw(admin, "refund")
    due = execution.due(10_000)
    assert (refund.pk in due, reply.pk in due) == (False, True)
    execution.execute(refund.pk)
    assert untouched(refund)
    assert execution.execute(reply.pk).status == states.SUCCEEDED


def test_a_global_stop_holds_after_one_kind_is_resumed(world: World, admin: User) -> None:
    action = propose_refund(world.order(), 2_000)
    throw(admin)
    resume_now(throw(admin, "refund"), admin)
    execution.execute(action.pk)
    assert untouched(action)


def test_the_run_waits_with_its_effects_until_resumed(world: World, admin: User, model: Script) -> None:
    ticket = ticket_of(world.order())
    stop = throw(admin)
    model.will_say(triage(), replies("Thank you for your message."))
    run = run_through(ticket)
    reply = Action.objects.get(ticket=ticket, kind="reply")
    assert (run.status, untouched(reply)) == ("waiting", True)
    resume_now(stop, admin)
    execution.execute(reply.pk)
    assert run_through(ticket).outcome == "answered"


# --- effects in progress settle; retries wait -----------------------------------------------------------


def test_a_retry_waits_for_the_stop(world: World, admin: User, payments: Script, settings: Settings) -> None:
    settings.RETRY_BASE_SECONDS = 0.0001
    action = propose_refund(world.order(), 2_000)
    payments.will_say(CUT)
    assert execution.execute(action.pk).status == states.APPROVED
    stop = throw(admin)
    until(lambda: Action.objects.filter(pk=action.pk, not_before__lte=Now()).exists())
    assert execution.execute(action.pk).fence == 1
    resume_now(stop, admin)
    payments.will_say(receipt(action))
    assert execution.execute(action.pk).status == states.SUCCEEDED
    keys = {asked.headers["Idempotency-Key"] for asked in payments.asked}
    assert keys == {action.idempotency_key}


def test_a_dead_workers_action_is_taken_over_after_resuming(world: World, admin: User) -> None:
    order = world.order()
    action = propose_refund(order, 2_000)
    Action.objects.filter(pk=action.pk).update(
        status=states.EXECUTING, fence=1, lease_expires_at=Now() - timedelta(seconds=1)
    )
    action.attempts.create(number=1, worker="dead:1")
    stop = throw(admin)
    assert action.pk not in execution.due(10_000)
    execution.execute(action.pk)
    assert [attempt.outcome for attempt in action.attempts.all()] == [""]
    resume_now(stop, admin)
    assert execution.execute(action.pk).status == states.SUCCEEDED
    assert len(world.refunds(order)) == 1


def test_unknown_outcomes_are_looked_up_during_a_stop(
    world: World, admin: User, payments: Script, settings: Settings
) -> None:
    action = propose_refund(world.order(), 2_000)
    payments.will_say(Say({"error": {"code": "internal", "message": "Again."}}, 500, {"Idempotent-Replayed": "true"}))
    assert execution.execute(action.pk).status == states.UNRESOLVED
    throw(admin)
    payments.will_say(Say({"refunds": [receipt(action).body], "next_cursor": None}))
    assert lookup.settle_by_lookup(action.pk).status == states.SUCCEEDED


# --- races -----------------------------------------------------------------------------------------------


def waits_for_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def in_a_thread(work: object) -> threading.Thread:
    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    return thread


def test_a_claim_during_a_stop_waits_and_is_refused(world: World, admin: User) -> None:
    action = propose_refund(world.order(), 2_000)
    with transaction.atomic():
        throw(admin)
        claiming = in_a_thread(lambda: execution.execute(action.pk))
        until(waits_for_lock)
    claiming.join()
    assert untouched(action)


def test_a_stop_during_a_claim_waits_for_the_claim(world: World, admin: User) -> None:
    with transaction.atomic():
        assert not stops.blocks_claim("refund")  # a claim in progress
        stopping = in_a_thread(lambda: throw(admin))
        until(waits_for_lock)
        assert not Stop.objects.filter(released_at__isnull=True).exists()
    stopping.join()
    assert stops.active_stops().count() == 1


# --- who, why ------------------------------------------------------------------------------------------


def test_a_stop_records_who_and_why(world: World, admin: User) -> None:
    stop = throw(admin, "reply")
    resume_now(stop, admin)
    assert not stops.resume_stopped(stop_id=stop.pk, by=admin)
    events = AuditEvent.objects.filter(object_type="stop", object_id=stop.pk).order_by("pk")
    assert [(event.actor, event.verb) for event in events] == [
        ("the-admin", "effects.stopped"),
        ("the-admin", "effects.released"),
    ]
    assert events[0].after == {"kind": "reply", "reason": "The shop is being robbed."}


@pytest.mark.parametrize(("kind", "reason", "code"), [("gift", "So.", "unknown_kind"), ("", "  ", "reason_missing")])
def test_a_stop_without_reason_or_with_unknown_kind_is_refused(admin: User, kind: str, reason: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        stops.stop_kind(kind=kind, reason=reason, by=admin)
    assert refused.value.code == code


def test_a_kind_is_not_stopped_twice(admin: User) -> None:
    throw(admin)
    with pytest.raises(Refused, match="the-admin already stopped this"):
        throw(admin)
    with pytest.raises(IntegrityError, match="stop_in_force_once_per_kind"), transaction.atomic():
        Stop.objects.create(kind="", reason="again", stopped_by=admin)


def signed_in(name: str, group: str) -> Client:
    user, _ = User.objects.get_or_create(username=name)
    user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


def test_everyone_sees_a_stop_and_admins_resume(world: World, admin: User) -> None:
    lead, auditor, boss = (signed_in(f"a-{group}", group) for group in ("lead", "auditor", "admin"))
    action = propose_refund(world.order(), 2_000)
    answer = lead.post(reverse("policy-stop"), {"kind": "refund", "reason": "<b>Robbed</b>"}, follow=True)
    assert "Refunds are stopped" in markup(answer)
    for page in ("dashboard", "queue", "tickets", "audit", "policy-stops"):
        shown = markup(auditor.get(reverse(page)))
        assert "Refunds are stopped" in shown
        assert "&lt;b&gt;Robbed&lt;/b&gt;" in shown
        assert "a-lead" in shown
    assert "This action is approved and on hold" in markup(auditor.get(reverse("action", args=[action.pk])))
    stop = stops.active_stops().get()
    assert lead.post(reverse("policy-stop-release", args=[stop.pk])).status_code == 403
    answer = boss.post(reverse("policy-stop-release", args=[stop.pk]), follow=True)
    assert "Refunds are stopped" not in markup(answer)
    assert "Robbed" in markup(answer)  # among the earlier ones


def test_open_pages_learn_of_a_stop_and_its_end(world: World, admin: User) -> None:
    auditor, boss = signed_in("a-auditor", "auditor"), signed_in("a-admin", "admin")
    User.objects.filter(username="a-admin").update(is_staff=True)
    news = reverse("policy-stops-standing")
    for page in ("dashboard", "queue", "needs-a-person", "tickets", "audit"):
        assert f'<div id="stops" hx-get="{news}" hx-trigger="every 10s"' in markup(auditor.get(reverse(page)))
    stop = throw(admin, "refund")
    assert "<strong>Refunds are stopped</strong>" in markup(auditor.get(news))
    assert "Refunds are stopped" in markup(boss.get(reverse("admin:index"))), "Django's own pages too"
    resume_now(stop, admin)
    assert markup(auditor.get(news)).strip() == ""


def test_a_decision_during_a_stop_says_that_it_waits(world: World, admin: User) -> None:
    lead = signed_in("a-lead", "lead")
    action = propose_refund(world.order(), 6_000)
    request = action.requests.get()
    throw(admin)
    assert "Once approved, this action will be on hold" in markup(lead.get(reverse("queue-item", args=[request.pk])))
    address = reverse("queue-approve", args=[request.pk])
    assert "On hold: actions are stopped." in markup(lead.post(address, card_fields(request), follow=True))


def test_an_empty_stop_form_is_shown_again(world: World) -> None:
    lead = signed_in("a-lead", "lead")
    answer = lead.post(reverse("policy-stop"), {"kind": "gift", "reason": ""})
    assert answer.status_code == 422
    assert not stops.active_stops().exists()


def receipt(action: Action) -> Say:
    made = {"refund_id": "re_1", "status": "succeeded", "created_at": "2026-01-01T00:00:00Z"}
    return Say({**json.loads(action.request), **made}, 201)
