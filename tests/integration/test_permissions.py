"""Access rights of every address for every role. An address missing from this table fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from agentops.models import Budget, Replay, Run
from agentops.roles import ROLES
from approvals.models import Action, ApprovalRequest, Finding
from approvals.policy import versions
from tests.integration.history_rows import an_action
from tests.screen import card_fields, markup
from tests.world import World, propose_refund, put_rules, ticket_of

READERS = {"auditor", "lead", "admin"}
LEADS = {"lead"}
ADMINS = {"admin"}
OPEN = {"anonymous", "nobody", *READERS}
EVERYBODY = ("anonymous", "nobody", "auditor", "lead", "admin")

# name: (method, roles)
TABLE: dict[str, tuple[str, set[str]]] = {
    "dashboard": ("GET", READERS),
    "chaos": ("GET", READERS),
    "queue": ("GET", READERS),
    "queue-item": ("GET", READERS),
    "queue-now": ("GET", READERS),
    "queue-unknown": ("GET", READERS),
    "queue-unknown-ask": ("POST", LEADS),
    "queue-unknown-settle": ("POST", LEADS),
    "queue-approve": ("POST", LEADS),
    "queue-edit": ("POST", LEADS),
    "queue-reject": ("POST", LEADS),
    "queue-claim": ("POST", LEADS),
    "queue-release": ("POST", LEADS),
    "policy": ("GET", READERS),
    "policy-version": ("GET", READERS),
    "policy-edit": ("GET", ADMINS),
    "policy-autonomy": ("GET", READERS),
    "policy-dial-seen": ("POST", ADMINS),
    "policy-stops": ("GET", READERS),
    "policy-stops-standing": ("GET", READERS),
    "policy-stop": ("POST", {"lead", "admin"}),
    "policy-stop-release": ("POST", ADMINS),
    "policy-budgets": ("GET", READERS),
    "policy-budget-put": ("POST", ADMINS),
    "policy-budget-remove": ("POST", ADMINS),
    "policy-models": ("GET", READERS),
    "policy-model-price": ("POST", ADMINS),
    "policy-model-routing": ("POST", ADMINS),
    "provider-resume": ("POST", ADMINS),
    "findings": ("GET", READERS),
    "findings-compare": ("POST", {"lead", "admin"}),
    "finding-close": ("POST", {"lead", "admin"}),
    "actions": ("GET", READERS),
    "actions-export": ("GET", READERS),
    "action": ("GET", READERS),
    "audit": ("GET", READERS),
    "audit-verify": ("POST", READERS),
    "audit-export": ("GET", READERS),
    "tickets": ("GET", READERS),
    "ticket": ("GET", READERS),
    "ticket-new": ("GET", {"lead", "admin"}),
    "ticket-reply": ("POST", LEADS),
    "ticket-close": ("POST", LEADS),
    "ticket-run-again": ("POST", LEADS),
    "needs-a-person": ("GET", READERS),
    "needs-a-person-ticket": ("GET", READERS),
    "needs-a-person-claim": ("POST", LEADS),
    "needs-a-person-release": ("POST", LEADS),
    "runs": ("GET", READERS),
    "run": ("GET", READERS),
    "run-trace": ("GET", READERS),
    "run-json": ("GET", READERS),
    "run-replay": ("POST", {"lead", "admin"}),
    "replay": ("GET", READERS),
    "replay-json": ("GET", READERS),
    "login": ("GET", OPEN),
    "logout": ("POST", {"nobody", *READERS}),
    "healthz": ("GET", OPEN),
    "readyz": ("GET", OPEN),
}
# Without htmx, a login or a worker, these answer with something other than a page.
SENDS_ON = ("login", "readyz", "queue-now", "queue-unknown")
SIGNED = {
    "metrics": "GET",
    "api-tickets": "POST",
    "api-ticket": "GET",
    "api-messages": "POST",
    "webhook-stripe": "POST",
}


def addresses(patterns: list[Any]) -> Iterator[str]:
    """Return the names of all addresses except Django's own admin."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield str(pattern.name)
        elif isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            yield from addresses(pattern.url_patterns)


@pytest.fixture
def known(world: World) -> dict[str, dict[str, Any]]:
    """The values of the address parameters."""
    action = Action.objects.filter(status="awaiting_approval").first() or propose_refund(world.order(), 6_000)
    request = ApprovalRequest.objects.get(action=action)
    run = Run.objects.get(ticket=action.ticket_id)
    of_request = {"request_id": request.pk}
    of_run, of_ticket, of_action = {"run_id": run.pk}, {"ticket_id": action.ticket_id}, {"action_id": action.pk}
    return {
        **{name: of_request for name in TABLE if name.startswith("queue-")},
        **dict.fromkeys(("api-ticket", "api-messages", "ticket", "ticket-reply", "ticket-close"), of_ticket),
        **{name: of_ticket for name in TABLE if name.startswith("needs-a-person-")},
        "ticket-run-again": of_ticket,
        **dict.fromkeys(("run", "run-trace", "run-json", "run-replay"), of_run),
        **{name: {"replay_id": a_replay(run).pk} for name in ("replay", "replay-json")},
        "action": of_action,
        **{name: {"action_id": unknown().pk} for name in TABLE if name.startswith("queue-unknown")},
        "policy-dial-seen": {"version_id": versions.current_policy().pk},
        "policy-version": {"version_id": versions.current_policy().pk},
        "policy-stop-release": {"stop_id": 1},
        "provider-resume": {"provider": "payments"},
        "policy-budget-remove": {"budget_id": a_budget().pk},
        "finding-close": {"finding_id": a_finding().pk},
    }


def unknown() -> Action:
    """Create a reply with an unknown outcome, which only people can resolve."""
    known = Action.objects.filter(kind="reply", status="unresolved").first()
    return known or an_action(kind="reply", status="unresolved", params={"text": "Hello", "reason": "Written"})


def a_budget() -> Budget:
    return Budget.objects.get_or_create(per="month", model="", defaults={"max_usd": 10_000})[0]


def a_replay(run: Run) -> Replay:
    return Replay.objects.get_or_create(run=run, mode="recorded", asked_by="lead")[0]


def a_finding() -> Finding:
    difference = {"kind": Finding.Kind.THEIRS_ALONE, "reference": "re_1"}
    return Finding.objects.get_or_create(**difference, defaults={"happened_at": timezone.now()})[0]


def visitor(role: str) -> Client:
    client = Client()
    if role != "anonymous":
        user, _ = User.objects.get_or_create(username=role)
        user.groups.set(Group.objects.filter(name=role))
        client.force_login(user)
    return client


def test_every_address_is_in_the_table() -> None:
    names = list(addresses(get_resolver().url_patterns))
    assert sorted(names) == sorted([*TABLE, *SIGNED])


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("name", TABLE)
def test_each_address_admits_exactly_its_roles(known: dict[str, dict[str, Any]], name: str, role: str) -> None:
    method, allowed = TABLE[name]
    address = reverse(name, kwargs=known.get(name))
    answer = visitor(role).generic(method, address)
    to_login = answer.status_code == 302 and answer.headers["Location"].startswith("/login/")
    if role in allowed:
        # An empty form may be refused, and the worker need not run, but there must be an answer.
        assert answer.status_code not in (401, 403, 404, 405, 500)
        assert not to_login or name == "logout"
        assert method == "POST" or name in SENDS_ON or answer.status_code == 200
    elif role == "anonymous":
        assert to_login
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("name", SIGNED)
def test_signed_addresses_require_a_signature_from_everyone(
    known: dict[str, dict[str, Any]], name: str, role: str
) -> None:
    answer = visitor(role).generic(SIGNED[name], reverse(name, kwargs=known.get(name)), b"{}")
    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("name", [name for name, (method, _) in TABLE.items() if method == "POST"])
def test_a_cross_site_post_is_refused(known: dict[str, dict[str, Any]], name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    user, _ = User.objects.get_or_create(username="lead")
    client.force_login(user)
    answer = client.post(reverse(name, kwargs=known.get(name)))
    assert answer.status_code == 403
    assert "Nothing was saved or sent" in answer.content.decode()


def test_a_request_for_another_host_is_refused_on_a_page_of_ours(db: None) -> None:
    answer = Client().get("/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "nothing was done" in answer.content.decode()


@pytest.mark.parametrize("name", [name for name, (method, _) in TABLE.items() if method == "POST"])
def test_a_link_cannot_change_anything(known: dict[str, dict[str, Any]], name: str) -> None:
    for role in ("lead", "admin"):
        assert visitor(role).get(reverse(name, kwargs=known.get(name))).status_code in (403, 405)


@pytest.mark.parametrize("role", EVERYBODY)
def test_djangos_admin_requires_staff(world: World, role: str) -> None:
    answer = visitor(role).get("/admin/")
    assert (answer.status_code, answer.headers["Location"][:13]) == (302, "/admin/login/")


@pytest.mark.parametrize("role", ["nobody", "auditor", "admin"])
def test_a_role_without_the_right_to_decide_changes_nothing(world: World, role: str) -> None:
    action = propose_refund(world.order(), 6_000)
    request = ApprovalRequest.objects.get(action=action)
    for name in ("queue-approve", "queue-reject", "queue-edit"):
        body = card_fields(request, reason="No.", amount="1.00")
        assert visitor(role).post(reverse(name, args=[request.pk]), body).status_code == 403
    action.refresh_from_db()
    assert action.status == "awaiting_approval"


def test_each_role_is_a_group_with_its_permissions(world: World) -> None:
    for name, codes in ROLES.items():
        user = visitor_user(name)
        assert user.get_all_permissions() == set(codes)


def visitor_user(role: str) -> User:
    visitor(role)
    return User.objects.get(username=role)


@pytest.mark.parametrize("name", ["queue-item", "action", "run", "run-trace", "run-json", "policy-version", "ticket"])
def test_a_missing_object_is_not_found(known: dict[str, dict[str, Any]], name: str) -> None:
    nothing = {key: "nothing" if isinstance(value, str) else 10**9 for key, value in known[name].items()}
    assert visitor("lead").get(reverse(name, kwargs=nothing)).status_code == 404


def test_new_tickets_and_runs_appear_without_a_reload(world: World, settings: Settings) -> None:
    put_rules()
    ticket = ticket_of(world.order(), "<script>alert(1)</script> {{ 7 * 7 }}", subject="<b>bold</b>")
    page = markup(visitor("auditor").get(reverse("ticket", args=[ticket.pk])))
    assert "<script>alert(1)" not in page
    assert "<b>bold</b>" not in page
