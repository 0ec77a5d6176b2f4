"""The provider's records compared with ours: each difference is found once, shown, and closed when it disappears."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from agentops.lib.errors import Refused
from approvals import states
from approvals.effects import execution
from approvals.models import Action, AuditEvent, Comparison, Finding
from approvals.reconciliation import both_sides, by_hand, comparison, findings
from tests.integration.books import (
    come_undone,
    fail,
    make_quiet,
    on_its_way,
    page,
    pay,
    refunded,
    succeeded,
    theirs,
    unresolved_refund,
)
from tests.interruptions import Killed, before_statement, die
from tests.scripted import Say, Script
from tests.world import World, at_once, propose_refund
from tickets.models import Ticket

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def since(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """The period of this test in both records, up to its very end."""
    monkeypatch.setattr(comparison, "RECENT", timedelta(0))
    yield timezone.now()
    Finding.objects.filter(closed_at__isnull=True).update(closed_at=Now())
    Action.objects.filter(status=states.SUCCEEDED, result__status="pending").update(result={"status": "succeeded"})


def found(since: datetime) -> list[Finding]:
    """Return the open findings since then, after a comparison."""
    assert comparison.compare_records(since=since).error == ""
    return list(Finding.objects.filter(closed_at__isnull=True, happened_at__gte=since))


# --- what is found --------------------------------------------------------------------------------------


def test_matching_records_have_no_findings(world: World, since: datetime) -> None:
    action = refunded(world)
    made = comparison.compare_records(since=since)
    assert (made.theirs, made.ours, made.opened, made.closed, made.error) == (1, 1, 0, 0, "")
    assert made.finished_at is not None
    assert not Finding.objects.filter(action=action).exists()


def test_a_refund_missing_at_the_provider_is_found(world: World, since: datetime) -> None:
    action = succeeded(world.order())
    [finding] = found(since)
    assert (finding.kind, finding.reference) == ("ours_alone", action.idempotency_key)
    assert (finding.action_id, finding.ours["amount"], finding.theirs) == (action.pk, 2_000, {})
    assert AuditEvent.objects.filter(object_type="finding", object_id=finding.pk, verb="finding.opened").exists()


def test_a_refund_missing_in_our_records_is_found(world: World, since: datetime) -> None:
    refund = pay(world, world.order(), 1_000, "from-the-dashboard")
    [finding] = found(since)
    assert (finding.kind, finding.reference, finding.action) == ("theirs_alone", refund["refund_id"], None)
    assert (finding.ours, finding.theirs["reference"], finding.theirs["amount"]) == ({}, "from-the-dashboard", 1_000)


def test_different_amounts_are_found(world: World, since: datetime) -> None:
    order = world.order()
    action = succeeded(order, 2_000)
    pay(world, order, 1_500, action.idempotency_key)
    [finding] = found(since)
    assert (finding.kind, finding.action_id) == ("amounts_differ", action.pk)
    assert (finding.ours["amount"], finding.theirs["amount"]) == (2_000, 1_500)


@pytest.mark.parametrize("differing", [{"payment_id": "pay_other"}, {"order_id": "#OTHER"}])
@pytest.mark.parametrize("status", [states.SUCCEEDED, states.APPROVED])
def test_a_refund_for_another_order_or_payment_is_not_ours(
    world: World, payments: Script, since: datetime, status: str, differing: dict[str, Any]
) -> None:
    action = succeeded(world.order(), status=status)
    asked = {**action.params, "reference": action.idempotency_key}
    payments.will_say(page({**asked, "refund_id": "re_x", "status": "succeeded", **differing}))
    assert comparison.compare_records(since=since).opened == 1
    finding = Finding.objects.get(action=action)
    assert (finding.kind, finding.reference) == ("theirs_alone", "re_x")
    assert finding.theirs | differing == finding.theirs


@pytest.mark.parametrize("differing", [{"amount": 1_500}, {"currency": "EUR"}])
@pytest.mark.parametrize("status", [states.SUCCEEDED, states.APPROVED, states.EXECUTING])
def test_another_amount_or_currency_is_found_in_any_state(
    world: World, payments: Script, since: datetime, status: str, differing: dict[str, Any]
) -> None:
    action = succeeded(world.order(), status=status)
    asked = {**action.params, "reference": action.idempotency_key}
    payments.will_say(page({**asked, "refund_id": "re_x", "status": "pending", **differing}))
    assert comparison.compare_records(since=since).opened == 1
    finding = Finding.objects.get(action=action)
    assert (finding.kind, finding.ours["status"]) == ("amounts_differ", status)
    assert finding.theirs | differing == finding.theirs


def test_an_unknown_outcome_with_another_amount_is_a_finding(world: World, payments: Script, since: datetime) -> None:
    action = propose_refund(world.order(), 2_000)
    stuck = Say({"error": {"code": "internal", "message": "Oh."}}, 500, {"Idempotent-Replayed": "true"})
    failed, other = theirs(action, "failed", refund_id="re_first"), theirs(action, amount=1_500)
    payments.will_say(stuck, *[page(failed, other)] * 3)  # for the page, and for the look-up of each row
    assert execution.execute(action.pk).status == states.UNRESOLVED
    assert comparison.compare_records(since=since).opened == 1
    finding = Finding.objects.get(action=action)
    assert (finding.kind, finding.ours["status"], finding.theirs["amount"]) == ("amounts_differ", "unresolved", 1_500)
    assert Action.objects.get(pk=action.pk).status == states.UNRESOLVED


def test_a_second_refund_under_one_key_is_not_ours(world: World, since: datetime) -> None:
    action = refunded(world)
    [order] = [world.now({"order_id": action.order_id})]
    second = pay(world, order, 2_000, action.idempotency_key, key="another")
    [finding] = found(since)
    assert (finding.kind, finding.reference, finding.action_id) == ("theirs_alone", second["refund_id"], action.pk)


def test_a_late_failure_is_found(world: World, since: datetime) -> None:
    action = refunded(world)
    Ticket.objects.filter(pk=action.ticket_id).update(status="answered")
    fail(world, action.provider_reference)
    [finding] = found(since)
    assert (finding.kind, finding.action_id, finding.ours["status"]) == ("failed_afterwards", action.pk, "succeeded")
    action.refresh_from_db()
    assert (action.status, action.error_code) == (states.FAILED, "provider_failed")
    assert Ticket.objects.get(pk=action.ticket_id).status == "needs_person"
    assert [row.pk for row in found(since)] == [finding.pk], "it stays open until a person closes it"


def test_a_failure_already_reported_by_webhook_is_not_found_again(
    world: World, payments: Script, since: datetime
) -> None:
    action = on_its_way(payments, world.order())
    come_undone(action)
    payments.will_say(page(theirs(action, "failed")))
    made = comparison.compare_records(since=since)
    assert (made.error, made.opened) == ("", 0)
    assert Finding.objects.get(action=action).closed_at is None, "a person closes it"


def test_a_failure_during_paging_is_compared_with_later_data(world: World, payments: Script, since: datetime) -> None:
    action = on_its_way(payments, world.order())
    come_undone(action)
    Action.objects.filter(pk=action.pk).update(settled_at=Now() + timedelta(minutes=1))
    payments.will_say(*[page(theirs(action, "succeeded"))] * 2)
    assert comparison.compare_records(since=since).opened == 0
    Action.objects.filter(pk=action.pk).update(settled_at=Now() - timedelta(minutes=1))
    assert comparison.compare_records(since=since).opened == 1
    assert Finding.objects.filter(action=action, kind="theirs_alone").count() == 1


def test_another_refund_under_the_key_remains_a_finding(world: World, payments: Script, since: datetime) -> None:
    action = on_its_way(payments, world.order())
    both = page(theirs(action, refund_id="re_second"), theirs(action))
    payments.will_say(both, both)
    [finding] = found(since)
    assert (finding.kind, finding.reference) == ("theirs_alone", "re_second")
    come_undone(action)
    Action.objects.filter(pk=action.pk).update(settled_at=Now() + timedelta(minutes=1))
    assert comparison.compare_records(since=since).closed == 0


def test_a_failure_on_both_sides_is_no_difference(world: World, since: datetime) -> None:
    action = succeeded(world.order(), status=states.FAILED)
    refund = pay(world, world.order(), 2_000, action.idempotency_key)
    fail(world, refund["refund_id"])
    assert found(since) == []


def test_a_comparison_settles_an_unknown_outcome(world: World, since: datetime) -> None:
    action = unresolved_refund(world)
    assert found(since) == []
    assert Action.objects.get(pk=action.pk).status == states.SUCCEEDED


def test_a_refund_in_progress_is_no_finding(world: World, since: datetime) -> None:
    action = propose_refund(world.order(), 2_000)
    world.faults("POST /refunds", "error_500_after")
    assert execution.execute(action.pk).status == states.APPROVED
    world.simulator.faults()
    assert found(since) == []


def test_a_wrong_manual_resolution_is_found(world: World, since: datetime, lead: User) -> None:
    happened, nothing = unresolved_refund(world), unresolved_refund(world, happened=False)
    for action, said in ((happened, False), (nothing, True)):
        make_quiet(action)
        with override_settings(PAYMENTS_URL=NOWHERE):  # otherwise the provider's answer counts, not the person's
            by_hand.resolve_by_hand(action_id=action.pk, by=lead, happened=said, reason="The bank confirmed it.")
    kinds = {finding.action_id: finding.kind for finding in found(since)}
    assert kinds == {happened.pk: "theirs_alone", nothing.pk: "ours_alone"}


def test_a_failed_refund_does_not_confirm_a_manual_success(world: World, since: datetime) -> None:
    order = world.order()
    action = succeeded(order)
    fail(world, pay(world, order, 2_000, action.idempotency_key)["refund_id"])
    assert [(row.kind, row.action_id) for row in found(since)] == [("ours_alone", action.pk)]


def test_refunds_without_a_reference_are_distinguished(world: World, payments: Script, since: datetime) -> None:
    made = {"payment_id": "p", "order_id": "o", "currency": "USD", "reference": "", "status": "succeeded", "amount": 9}
    rows = [{**made, "refund_id": f"re_none_{n}", "created_at": since.isoformat()} for n in (1, 2)]
    payments.will_say(Say({"refunds": rows, "next_cursor": None}))
    assert comparison.compare_records(since=since).opened == 2


def test_very_recent_settlements_are_left_for_the_next_comparison(world: World, since: datetime) -> None:
    succeeded(world.order())
    comparison.RECENT = timedelta(minutes=5)
    assert found(since) == []


def test_a_refund_before_the_period_is_looked_up_by_reference(world: World, since: datetime) -> None:
    action = refunded(world)
    later = timezone.now()
    Action.objects.filter(pk=action.pk).update(settled_at=later)
    made = comparison.compare_records(since=later)
    assert (made.theirs, made.ours, made.opened) == (0, 1, 0)


# --- refunds in progress --------------------------------------------------------------------------------


def test_a_refund_in_progress_that_fails_later_is_found(world: World, payments: Script, since: datetime) -> None:
    action = on_its_way(payments, world.order(), days=5)
    payments.will_say(page(), page(theirs(action, "failed")))
    assert comparison.compare_records(since=since).opened == 1
    finding = Finding.objects.get(action=action)
    action.refresh_from_db()
    assert (finding.kind, finding.theirs["status"]) == ("failed_afterwards", "failed")
    assert (action.status, action.error_code) == (states.FAILED, "provider_failed")
    assert Ticket.objects.get(pk=action.ticket_id).status == "needs_person"


@pytest.mark.parametrize("days", [0, 5])
def test_a_refund_in_progress_succeeds(world: World, payments: Script, since: datetime, days: int) -> None:
    action = on_its_way(payments, world.order(), days=days)
    arrived = theirs(action)
    payments.will_say(*([page(), page(arrived)] if days else [page(arrived)]))
    comparison.compare_records(since=since)
    action.refresh_from_db()
    assert (action.status, action.result) == (states.SUCCEEDED, {**(action.result or {}), "status": "succeeded"})
    assert AuditEvent.objects.filter(verb="action.arrived", object_id=action.pk, actor="system").count() == 1
    payments.will_say(page() if days else page(arrived))
    comparison.compare_records(since=since)
    assert AuditEvent.objects.filter(verb="action.arrived", object_id=action.pk).count() == 1


def test_a_finding_in_progress_closes_when_both_sides_agree(world: World, payments: Script, since: datetime) -> None:
    action = on_its_way(payments, world.order(), days=5)
    payments.will_say(page(), page(), page(), page(theirs(action, "pending")))
    assert comparison.compare_records(since=since).opened == 1
    assert Finding.objects.get(action=action).kind == "ours_alone"
    assert comparison.compare_records(since=since).closed == 1


def test_refunds_in_progress_are_checked_oldest_check_first(
    world: World, payments: Script, since: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(both_sides, "MAX_PENDING", 2)
    actions = [on_its_way(payments, world.order(), days=days) for days in (30, 9, 5)]
    seen = len(payments.asked)
    for asked in ((0, 1), (2, 0)):
        payments.will_say(page(), *(page(theirs(actions[each], "pending")) for each in asked))
        assert comparison.compare_records(since=since).error == ""
    looked_up = [request.path for request in payments.asked[seen:] if "reference=" in request.path]
    for path, each in zip(looked_up, (0, 1, 2, 0), strict=True):
        assert path.endswith(quote(actions[each].idempotency_key))


# --- closing findings -----------------------------------------------------------------------------------


def test_the_next_comparison_closes_findings_that_disappeared(world: World, since: datetime) -> None:
    order = world.order()
    action = succeeded(order)
    [finding] = found(since)
    assert [row.pk for row in found(since)] == [finding.pk], "still present, it stays unchanged"
    pay(world, order, 2_000, action.idempotency_key)
    made = comparison.compare_records(since=since)
    finding.refresh_from_db()
    assert (made.closed, finding.closed_by, finding.closed_at is not None) == (1, None, True)
    event = AuditEvent.objects.get(object_type="finding", object_id=finding.pk, verb="finding.closed")
    assert event.actor == "system"


def test_a_comparison_of_another_period_closes_nothing(world: World, since: datetime) -> None:
    order = world.order()
    action = succeeded(order)
    [finding] = found(since)
    pay(world, order, 2_000, action.idempotency_key)
    assert comparison.compare_records(since=timezone.now()).closed == 0
    assert Finding.objects.get(pk=finding.pk).closed_at is None


def test_an_unreachable_provider_closes_nothing(world: World, since: datetime) -> None:
    order = world.order()
    action = succeeded(order)
    [finding] = found(since)
    pay(world, order, 2_000, action.idempotency_key)
    with override_settings(PAYMENTS_URL=NOWHERE):
        made = comparison.compare_records(since=since)
    assert made.error
    assert made.finished_at is not None
    assert Finding.objects.get(pk=finding.pk).closed_at is None


def test_a_finding_closed_by_a_person_stays_closed(world: World, since: datetime, lead: User) -> None:
    pay(world, world.order(), 1_000, "paid-by-hand")
    [finding] = found(since)
    findings.close_finding(finding_id=finding.pk, by=lead, note=" Paid in the back office. ")
    assert found(since) == []
    finding.refresh_from_db()
    assert (finding.closed_by, finding.note) == (lead, "Paid in the back office.")
    assert AuditEvent.objects.filter(object_id=finding.pk, verb="finding.closed", actor="lead").exists()


def test_a_closed_finding_reopens_for_a_different_amount(world: World, since: datetime, lead: User) -> None:
    pay(world, world.order(), 1_000, "paid-by-hand-too")
    [finding] = found(since)
    findings.close_finding(finding_id=finding.pk, by=lead, note="Paid in the back office.")
    Finding.objects.filter(pk=finding.pk).update(
        theirs=finding.theirs | {"amount": 100}
    )  # as it was when it was closed
    [again] = found(since)
    assert (again.reference, again.theirs["amount"], again.pk != finding.pk) == (finding.reference, 1_000, True)


def test_a_finding_is_closed_once_with_a_note(world: World, since: datetime, lead: User) -> None:
    succeeded(world.order())
    [finding] = found(since)
    with pytest.raises(Refused, match="Enter an explanation"):
        findings.close_finding(finding_id=finding.pk, by=lead, note=" ")
    answers = at_once(*[lambda: findings.close_finding(finding_id=finding.pk, by=lead, note="Seen.")] * 3)
    assert sorted(getattr(answer, "code", "closed") for answer in answers) == ["already_closed"] * 2 + ["closed"]


# --- schedule --------------------------------------------------------------------------------------------


def test_concurrent_comparisons_find_each_difference_once(world: World, since: datetime) -> None:
    action = refunded(world)
    fail(world, action.provider_reference)
    succeeded(world.order())
    pay(world, world.order(), 1_000, "several")
    answers = at_once(*[lambda: comparison.compare_records(since=since)] * 4)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert sum(answer.opened for answer in answers) == 3
    assert Finding.objects.filter(closed_at__isnull=True, happened_at__gte=since).count() == 3


def test_a_finding_and_its_audit_event_commit_together(world: World, since: datetime) -> None:
    refund = pay(world, world.order(), 700, "torn")
    with before_statement('INSERT INTO "approvals_auditevent"', act=die), pytest.raises(Killed):
        comparison.compare_records(since=since)
    assert not Finding.objects.filter(reference=refund["refund_id"]).exists()
    [finding] = found(since)
    assert AuditEvent.objects.filter(verb="finding.opened", object_id=str(finding.pk)).count() == 1


def test_the_periodic_comparison_runs_once_an_hour(world: World, since: datetime) -> None:
    Comparison.objects.all().delete()
    comparison.compare_records(since=timezone.now() - 2 * comparison.LOOK_BACK)
    assert comparison.due() == [0], "a manual comparison does not replace it, however far it looks back"
    made = [answer for answer in at_once(*[lambda: comparison.run_periodic_comparison(0)] * 4) if answer]
    [first] = made
    assert (first.error, first.finished_at is not None) == ("", True)
    assert comparison.due() == []
    an_hour_ago = Now() - comparison.PERIOD
    Comparison.objects.filter(pk=first.pk).update(started_at=an_hour_ago)
    assert comparison.due() == [first.pk]
    assert comparison.run_periodic_comparison(0) is None
    assert comparison.run_periodic_comparison(first.pk) is not None


def test_an_outage_of_days_leaves_no_gap(world: World, since: datetime) -> None:
    Comparison.objects.all().delete()
    good, bad = (Comparison.objects.create(since=since, error=error, periodic=True) for error in ("", "away"))
    a_week, a_day = (Now() - timedelta(days=days) for days in (7, 1))
    Comparison.objects.filter(pk=good.pk).update(
        started_at=a_week, finished_at=a_week, since=a_week - comparison.LOOK_BACK
    )
    Comparison.objects.filter(pk=bad.pk).update(started_at=a_day, finished_at=a_day, since=a_week)
    good.refresh_from_db()
    a_persons = comparison.compare_records(since=timezone.now() - comparison.LOOK_BACK)
    assert a_persons.error == "", "this leaves no gap either"
    made = comparison.run_periodic_comparison(bad.pk)
    assert made is not None
    assert made.error == ""
    assert made.since <= good.started_at
    following = comparison.run_periodic_comparison(made.pk)
    assert following is not None
    assert following.started_at - following.since < comparison.LOOK_BACK + timedelta(seconds=10)


def test_a_finished_comparison_is_not_repeated(world: World, since: datetime, lead: User) -> None:
    asked = comparison.request_comparison(since=since, by=lead)
    assert asked.finished_at is None
    refunded(world)
    first = comparison.run_comparison(asked.pk)
    refunded(world)
    assert first.theirs == comparison.run_comparison(asked.pk).theirs == 1


# --- the command ----------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[str, str]:
    """Return the command's output and the reason why it exited with status 1."""
    out = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_the_command_prints_what_it_compared(world: World, since: datetime) -> None:
    refunded(world)
    said, error = run("--since", since.isoformat())
    assert error == ""
    assert "1 refunds" in said
    assert "0 new, 0 resolved, 0 open" in said


def test_the_command_lists_open_findings_and_fails(world: World, since: datetime) -> None:
    action = succeeded(world.order())
    said, error = run("--since", since.isoformat())
    assert error == "1 finding open."
    assert "Missing at the provider" in said
    assert "$20.00" in said
    assert action.idempotency_key in said
    printed = json.loads(run("--since", since.isoformat(), "--json")[0])
    assert (printed["comparison"]["ours"], printed["comparison"]["opened"]) == (1, 0)
    assert [(row["kind"], row["action"]) for row in printed["findings"]] == [("ours_alone", action.pk)]


def test_the_command_fails_if_the_provider_is_unreachable(world: World, since: datetime) -> None:
    with override_settings(PAYMENTS_URL=NOWHERE):
        assert run("--since", "1h")[1].startswith("The comparison failed: ")


def test_the_command_prints_no_zero_table_without_a_comparison(world: World, since: datetime) -> None:
    with override_settings(PAYMENTS_URL=NOWHERE):
        assert run("--since", "1h")[0] == ""
    with override_settings(PAYMENTS_URL=""):
        assert run("--since", "1h") == ("", "PAYMENTS_URL is not set, so there is nothing to compare with.")


@pytest.mark.parametrize(
    ("text", "ago"), [("90m", timedelta(minutes=90)), ("24h", timedelta(days=1)), ("3d", timedelta(days=3))]
)
def test_since_accepts_a_duration(world: World, since: datetime, text: str, ago: timedelta) -> None:
    with override_settings(PAYMENTS_URL=NOWHERE):
        run("--since", text)
    assert abs(Comparison.objects.latest("pk").since - (timezone.now() - ago)) < timedelta(seconds=10)


def test_since_accepts_a_day(world: World, since: datetime) -> None:
    with override_settings(PAYMENTS_URL=NOWHERE):
        run("--since", "2026-11-01")
    assert Comparison.objects.latest("pk").since.isoformat() == "2026-11-01T00:00:00+00:00"
    assert "is not a time" in run("--since", "yesterday")[1]
    assert "is not a time" in run("--since", "0001-01-01T00:00+14:00")[1]
    assert "in the future" in run("--since", "2126-11-01")[1]


def test_times_are_reported_in_utc(world: World, since: datetime) -> None:
    assert run("--since", "2026-11-01T15:00+02:00")[0].startswith("since            2026-11-01 13:00 UTC")


def test_the_last_minutes_count_on_both_sides(world: World) -> None:
    since = timezone.now()
    refunded(world)
    made = comparison.compare_records(since=since)
    assert (made.theirs, made.ours, made.error) == (1, 1, "")
