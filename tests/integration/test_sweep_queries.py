"""The sweep's queries and the limits' sums stay cheap: a trigger wakes waiting runs, and a day's sum is one row."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now, TruncDay

from agentops.models import Run
from agentops.runs import engine, leasing, tools
from approvals import states
from approvals.decisions import decide
from approvals.effects import execution
from approvals.models import Action, AgentDay, ApprovalRequest, Wakeup
from approvals.policy.rules import CurrencyLimit
from approvals.policy.verdicts import Outcome
from tests.completions import replies, triage, uses
from tests.interruptions import before_statement
from tests.scripted import Say, Script, scripted
from tests.waiting import until
from tests.world import World, at_once, propose_refund, put_rules, refund_arguments, run_through, ticket_of


@pytest.fixture(autouse=True)
def nothing_left_over(world: World) -> None:
    Run.objects.exclude(status__in=["succeeded", "failed"]).update(status="cancelled", lease_expires_at=None)


def waiting_run(world: World, model: Script) -> tuple[Run, ApprovalRequest]:
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    run = run_through(ticket)
    assert run.status == "waiting"
    return run, ApprovalRequest.objects.get(action__ticket=ticket)


def test_a_run_is_due_once_its_action_has_settled(world: World, model: Script, lead: User) -> None:
    run, request = waiting_run(world, model)
    assert leasing.due(100) == []
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    assert leasing.due(100) == [run.pk]
    assert leasing.due(100) == [run.pk], "until a worker has it"
    assert not Wakeup.objects.exists()
    model.will_say(replies("I am sorry, we cannot do this."))
    engine.advance(run.pk)
    assert Run.objects.get(pk=run.pk).outcome == "answered"
    assert leasing.due(100) == []


def test_an_action_settled_while_its_run_starts_to_wait_wakes_it(world: World, model: Script, lead: User) -> None:
    """The wake-up may be used up just before the run waits: the run then looks at its action itself."""
    order = world.order()
    ticket = ticket_of(order)
    model.will_say(triage(), uses("refund", refund_arguments(order, 6_000)))
    settled: list[object] = []

    def settle_and_wake() -> None:
        if settled:
            return
        request = ApprovalRequest.objects.get(action__ticket=ticket)
        settled.extend(
            at_once(
                lambda: decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No."),
            )
        )
        settled.extend(at_once(leasing.wake_waiting))

    # The run has its answer, awaiting approval, and is about to commit that it waits.
    with before_statement('UPDATE "agentops_run"', given="waiting", act=settle_and_wake):
        run = run_through(ticket)
    assert (run.status, len(settled)) == ("waiting", 2)
    assert not any(isinstance(each, Exception) for each in settled)
    assert leasing.due(100) == [run.pk]


def test_a_locked_run_is_woken_later_and_delays_no_round(world: World, model: Script, lead: User) -> None:
    run, request = waiting_run(world, model)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        assert at_once(lambda: leasing.due(100)) == [[]]
    assert leasing.due(100) == [run.pk]


def test_runs_of_every_status_are_due_in_their_order(world: World, model: Script, lead: User) -> None:
    waiting, request = waiting_run(world, model)
    left_behind, queued, later = (Run.objects.get(ticket=ticket_of(world.order())) for _ in range(3))
    assert leasing.lease_run(left_behind.pk)
    Run.objects.filter(pk=left_behind.pk).update(lease_expires_at="2026-01-01T00:00:00Z")
    Run.objects.filter(pk=later.pk).update(not_before="2026-01-01T00:00:00Z")
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="No.")
    assert leasing.due(100) == [waiting.pk, left_behind.pk, queued.pk, later.pk]
    assert leasing.due(2) == [waiting.pk, left_behind.pk]


# --- the day's sum ---------------------------------------------------------------------------------------


def summed() -> int:
    """Return the sum as it was computed before: by reading the day's actions."""
    counted = Action.objects.filter(
        currency="KWD",
        verdict=Outcome.AUTO_APPROVE,
        status__in=(*states.OPEN, states.SUCCEEDED),
        approved_at__gte=TruncDay(Now()),
    )
    return counted.aggregate(total=Sum("amount"))["total"] or 0


def kept() -> int:
    return sum(AgentDay.objects.filter(currency="KWD").values_list("amount", flat=True))


def test_the_days_sum_follows_every_move(world: World, payments: Script, lead: User) -> None:
    declined = Say({"error": {"code": "card_declined", "message": "No."}}, 402)
    sums = []

    def note() -> None:
        assert kept() == summed()
        sums.append(kept())

    alone = propose_refund(world.order("dinar"), 2_000)
    note()
    by_a_person = propose_refund(world.order("dinar"), 6_000)
    note()
    request = ApprovalRequest.objects.get(action=by_a_person)
    decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    note()
    payments.will_say(declined)
    assert execution.execute(alone.pk).status == states.FAILED
    note()
    propose_refund(world.order("dinar"), 500)
    note()
    assert sums == [2_000, 2_000, 2_000, 0, 500]


def test_the_limit_per_day_reads_the_kept_sum(world: World) -> None:
    limits = [CurrencyLimit(currency="JPY", up_to=3_000)]
    put_rules(agent_today=limits)
    first, second = (propose_refund(world.order("yen"), 2_000) for _ in range(2))
    assert first.status == states.APPROVED
    assert (second.status, second.facts["agent_today"]) == (states.AWAITING_APPROVAL, 2_000)


def test_an_approval_under_way_counts_in_the_customers_thirty_days(world: World, lead: User) -> None:
    order = world.order("two payments")
    put_rules(customer_30_days=[CurrencyLimit(currency="USD", up_to=7_000)])
    payment = [row["payment_id"] for row in order["payments"]]
    large = propose_refund(order, 5_500, payment_id=payment[0])
    request = ApprovalRequest.objects.get(action=large)
    made: list[Action] = []
    other = ticket_of(order)

    def propose() -> None:
        made.append(propose_refund(order, 2_000, ticket=other, payment_id=payment[1]))
        connection.close()

    beside = threading.Thread(target=propose)

    def begin() -> None:
        beside.start()
        until(lambda: waits_for_a_lock() or not beside.is_alive())

    with before_statement('INSERT INTO "approvals_decision"', act=begin):
        decide.approve(request_id=request.pk, by=lead, seen=decide.seen_now(request))
    beside.join(timeout=30)
    [small] = made
    assert (small.status, small.facts["customer_30_days"]) == (states.AWAITING_APPROVAL, 5_500)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


# --- a customer with many orders --------------------------------------------------------------------------


def test_the_newest_orders_are_read_and_the_others_counted(world: World, settings: object) -> None:
    order = world.order()
    many = [{**order, "order_id": f"#W9{number}"} for number in range(tools.MOST_ORDERS + 7)]
    with scripted(Say({"orders": many})) as shop:
        settings.ORDERS_URL = shop.url  # type: ignore[attr-defined]
        found = tools.run_read("find_orders", {"customer_email": order["customer_email"]}, ticket_of(order))
    assert [row["order_id"] for row in found["orders"]] == [row["order_id"] for row in many[: tools.MOST_ORDERS]]
    assert found["older_orders"] == 7
