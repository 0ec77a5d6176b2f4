"""A database of the previous release is migrated, and its open cases continue (tests/upgrade/dump.py)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from agentops.models import Budget, Run
from approvals.audit import seals
from approvals.models import Action, ApprovalRequest, AuditEvent, AuditSeal, PolicyVersion
from tests import lock_order
from tests.completions import claims_a_refund_of, hands_over, triage
from tests.conftest import EMPTY, own_database
from tests.live import Simulator
from tests.screen import card_fields
from tests.scripted import Say, Script, scripted
from tests.services import services
from tests.upgrade import names
from tickets import incoming, intake
from tickets.models import Customer, Ticket

OLD = Path(__file__).resolve().parent.parent / "upgrade"
RELEASES = sorted(path.stem for path in OLD.glob("*.sql"))
PREVIOUS = RELEASES[-1]
AGES = 10**9  # seconds
ANSWERED = ("succeeded", "answered", "answered")
DETAILS = {
    "address": {"address1": "1 Mill Lane", "city": "Leeds", "country": "UK"},
    "since": "2024-01-01T00:00:00Z",
    "tags": [],
}


@dataclass(frozen=True)
class Old:
    """Return what the old release left: actions by kind and status, and the last state of outside systems."""

    actions: dict[tuple[str, str], int]
    outside: Simulator

    def action(self, kind: str, status: str) -> Action:
        return Action.objects.select_related("ticket").get(pk=self.actions[kind, status])

    def refunds(self, action: Action) -> list[tuple[str, int]]:
        """Reference and amount of each refund that the provider made of the action's order."""
        made = [row for row in self.outside.ledger()["refunds"] if row["order_id"] == action.order_id]
        return [(row["reference"], row["amount"]) for row in made]

    def arrived(self, action: Action) -> None:
        """The old release's request had arrived, though it never saw the answer."""
        headers = {"Idempotency-Key": action.idempotency_key, "Content-Type": "application/json"}
        self.outside.http.post("/refunds", content=action.request, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def old(
    broker: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Old]:
    """The previous release's database after `migrate`, and an outside without any of its open effects."""
    with own_database(broker, django_db_blocker, source=EMPTY):
        with connection.cursor() as cursor:
            cursor.execute((OLD / f"{PREVIOUS}.sql").read_text())
        call_command("migrate", verbosity=0)
        actions = {(action.kind, action.status): action.pk for action in Action.objects.all()}
        simulator = Simulator(logs=services().logs, data=shop(tmp_path_factory.mktemp("shop")))
        with override_settings(**simulator.settings()), lock_order.kept():
            yield Old(actions, simulator)
        simulator.stop()


def shop(folder: Path) -> Path:
    """Orders as the old release's snapshots have them, and the customers who wrote; each has an order."""
    snapshots = [*Action.objects.values_list("snapshot", flat=True)]
    snapshots += ApprovalRequest.objects.values_list("snapshot", flat=True)
    orders = {shown["customer_email"]: shown for shown in snapshots if "order_id" in shown}
    known = {shown["email"]: shown for shown in snapshots if "email" in shown}
    customers = []
    for email, name in Customer.objects.values_list("email", "name"):
        other = {**next(iter(orders.values())), "order_id": f"#{email}", "customer_id": email, "payments": []}
        own = orders.setdefault(email, other)
        own |= {"customer_email": email, "customer_id": known.get(email, own)["customer_id"]}
        customers.append({"customer_id": own["customer_id"], "email": email, "name": name, **DETAILS})
    for order in orders.values():
        order.pop("refundable", None)
    (folder / "orders.json").write_text(json.dumps([*orders.values()]))
    (folder / "customers.json").write_text(json.dumps(customers))
    return folder


@pytest.fixture
def model(old: Old, settings: Settings) -> Iterator[Script]:
    """The language model, speaking by a script."""
    with scripted() as script:
        settings.OPENAI_BASE_URL = f"{script.url}/v1"
        yield script


@pytest.fixture
def maya(old: Old) -> Client:
    """A lead of the old installation."""
    client = Client()
    client.force_login(User.objects.get(username="maya"))
    return client


def approve(by: Client, action: Action) -> None:
    request = ApprovalRequest.objects.get(action=action)
    assert by.get(reverse("queue-item", args=[request.pk])).status_code == 200
    answer = by.post(reverse("queue-approve", args=[request.pk]), card_fields(request))
    assert answer.status_code == 302, answer.content.decode()


def work(task: str, action: Action) -> str:
    """Let a worker do it, by the name under which the old release's messages ask for it; return the new status."""
    current_app.tasks[f"approvals.tasks.{task}"](action.pk)
    action.refresh_from_db()
    return action.status


def advance(ticket: Ticket) -> tuple[str, str, str]:
    """Continue the ticket's run; return its status and outcome, and the ticket's status."""
    run = Run.objects.get(ticket=ticket)
    current_app.tasks["agentops.tasks.advance"](run.pk)
    run.refresh_from_db()
    ticket.refresh_from_db()
    return run.status, run.outcome, ticket.status


def claims(action: Action) -> Say:
    order = {"order_id": action.order_id, "currency": action.currency}
    return claims_a_refund_of(order, action.amount or 0)


def test_the_old_cases_are_shown(old: Old, maya: Client) -> None:
    rows = {"action": Action, "run": Run, "run-trace": Run, "ticket": Ticket, "policy-version": PolicyVersion}
    addresses = [reverse(name, args=[row.pk]) for name, model in rows.items() for row in model._default_manager.all()]
    lists = ["dashboard", "queue", "actions", "tickets", "needs-a-person", "findings", "runs", "policy-budgets"]
    for address in [*addresses, *map(reverse, lists)]:
        assert maya.get(address).status_code == 200, address
    assert Budget.objects.get().max_usd == 1_000


def test_a_waiting_refund_is_approved_and_its_run_continues(old: Old, model: Script, maya: Client) -> None:
    action = old.action("refund", "awaiting_approval")
    frozen = (action.idempotency_key, action.request, action.digest)
    approve(maya, action)
    assert work("execute", action) == "succeeded"
    assert (action.idempotency_key, action.request, action.digest) == frozen
    assert old.refunds(action) == [(action.idempotency_key, 6_000)]
    model.will_say(claims(action))
    assert advance(action.ticket) == ANSWERED


def test_a_waiting_account_change_is_approved_and_its_run_continues(old: Old, model: Script, maya: Client) -> None:
    action = old.action("account_change", "awaiting_approval")
    approve(maya, action)
    assert work("execute", action) == "succeeded"
    assert old.outside.get(f"/customers/{action.params['customer_id']}")["name"] == "Kim Roe"
    model.will_say(hands_over("The rest is for a person."))
    assert advance(action.ticket) == ("succeeded", "with_person", "needs_person")


def test_a_scheduled_retry_sends_the_old_bytes_under_the_old_key(old: Old, model: Script, settings: Settings) -> None:
    settings.RETRY_HORIZON_SECONDS = AGES  # the provider still knows the key, however old the dump is
    action = old.action("refund", "approved")
    assert work("execute", action) == "succeeded"
    assert old.refunds(action) == [(action.idempotency_key, 2_000)]
    model.will_say(claims(action))
    assert advance(action.ticket) == ANSWERED


def test_what_a_dead_worker_left_is_taken_over_and_looked_up(old: Old, model: Script, settings: Settings) -> None:
    settings.RETRY_HORIZON_SECONDS = 0  # the provider may have forgotten the key
    action = old.action("refund", "executing")
    old.arrived(action)
    assert work("execute", action) == "succeeded"
    assert old.refunds(action) == [(action.idempotency_key, 2_000)]
    told = AuditEvent.objects.get(object_type="action", object_id=str(action.pk), verb="action.succeeded")
    assert told.after["replayed"] is False, "it was found, not sent again"
    model.will_say(claims(action))
    assert advance(action.ticket) == ANSWERED


def test_an_unknown_outcome_is_settled_by_looking_it_up(old: Old, model: Script) -> None:
    action = old.action("refund", "unresolved")
    old.arrived(action)
    assert work("settle", action) == "succeeded"
    assert old.refunds(action) == [(action.idempotency_key, 2_000)]
    model.will_say(claims(action))
    assert advance(action.ticket) == ANSWERED


def test_a_queued_run_starts(old: Old, model: Script) -> None:
    model.will_say(triage(), hands_over("They threaten to sue."))
    ticket = Run.objects.get(status="queued").ticket
    assert advance(ticket) == ("succeeded", "with_person", "needs_person")
    assert ticket.reason == "They threaten to sue."


def test_a_message_does_not_return_a_kept_ticket_to_the_agent(old: Old) -> None:
    ticket = old.action("refund", "failed").ticket
    assert (ticket.status, ticket.kept_by_person) == ("needs_person", True)
    after = incoming.NewMessage(ticket_id=ticket.pk, external_id="after", body="Where is my money?")
    intake.receive_message(ticket.pk, after)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.kept_by_person) == ("needs_person", True)


def test_the_old_seals_hold_and_new_ones_follow(old: Old, maya: Client) -> None:
    before = AuditSeal.objects.filter(sealed_at__isnull=False).count()
    kept = old.action("refund", "failed").ticket
    maya.post(reverse("needs-a-person-claim", args=[kept.pk]))
    assert AuditEvent.objects.latest("pk").verb == "ticket.claimed"
    for _ in range(2):
        seals.seal_events(pause=timedelta())
    assert AuditSeal.objects.filter(sealed_at__isnull=False).count() > before > 0
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert seals.verify_chain().broken is None


@pytest.mark.parametrize("release", RELEASES)
def test_names_of_earlier_releases_still_work(release: str) -> None:
    known, now = json.loads((OLD / f"{release}.json").read_text()), names.collect()
    for what in ("apps", "commands", "tasks", "settings"):
        assert set(known[what]) - set(now[what]) == set(), what
    for what in ("tables", "urls"):
        assert known[what].items() - now[what].items() == set(), what
