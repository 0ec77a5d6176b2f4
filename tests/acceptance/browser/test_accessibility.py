"""Every page checked by axe in a real browser, in light and dark, wide and narrow. No page is wider than a phone
screen, and none makes a request to another host (the fixture `enter` checks that)."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from agentops.llm import budget_admin
from agentops.models import Replay, Step
from agentops.replays import queueing, running
from approvals.effects import stops
from approvals.models import ApprovalRequest, DialLowering, Finding
from approvals.policy import versions
from tests.acceptance.browser.desk import Case, Desk
from tests.waiting import until

type Enter = Callable[..., Page]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
RUN = "([within, options]) => axe.run(within, options).then(found => found.violations)"
COLOURS = EVERYTHING | {"runOnly": ["color-contrast", "link-in-text-block"]}
LOST_FOR_GOOD = {
    "POST /refunds": [{"fault": "lost_answer", "rate": 1.0, "times": 0}],
    "GET /refunds": [{"fault": "unavailable", "rate": 1.0, "times": 0}],
}


@pytest.fixture(scope="module")
def cases(shared_desk: Desk) -> Iterator[dict[str, Case]]:
    """One ticket in each state that a page may have to show."""
    desk = shared_desk
    found = {
        "large": desk.large_refund(),
        "large too": desk.large_refund(),
        "small": desk.small_refund(),
        "account": desk.write("I have moved. Please change my address to 12 Harbour Street, Leeds, LS1 4AB, GB."),
        "claim": desk.write("What about my order {id}? It broke.\n[[misbehave:claim_without_action]]"),
        "person": desk.write("I want to talk to a manager about {id}."),
    }
    found["small"].ends("answered")
    found["person"].ends("needs_person")
    desk.world.simulator.faults(endpoints=LOST_FOR_GOOD)
    found["unknown"] = desk.small_refund()
    until(lambda: found["unknown"].has("refund", "unresolved"), seconds=30)
    yield found
    desk.world.simulator.faults()


def request_of(case: Case) -> str:
    return f"/queue/{case.request()}/"


def step_of(case: Case, kind: str) -> str:
    step = Step.objects.filter(run=case.run(), kind=kind).latest("index")
    return f"/runs/{step.run_id}/?step={step.index}"


def findings_page() -> str:
    """The findings page with an open finding."""
    theirs = {"refund_id": "re_1", "amount": 1_200, "currency": "USD", "status": "succeeded", "reference": "by-hand"}
    Finding.objects.get_or_create(
        kind="theirs_alone", reference="re_1", defaults={"theirs": theirs, "happened_at": timezone.now()}
    )
    return "/findings/"


def budgets_page() -> str:
    """The budgets page with a cap."""
    by = User.objects.get(username="admin")
    budget_admin.set_budget(per="day", model="", by=by, note="A quiet month.", max_usd=Decimal(50))
    return "/policy/budgets/"


def replay_of(case: Case) -> str:
    """The finished replay of the case's run from its recording."""
    made = queueing.queue_replay(run=case.run(), mode=Replay.Mode.RECORDED, asked_by="admin")
    running.advance_replay(made.pk)
    until(lambda: Replay.objects.get(pk=made.pk).finished_at)
    return f"/replays/{made.pk}/"


# name: (whose browser, the page's address)
PAGES: dict[str, tuple[str | None, Callable[[dict[str, Case]], str]]] = {
    "sign in": (None, lambda _: "/login/"),
    "dashboard": ("lead", lambda _: "/"),
    "queue": ("lead", lambda _: "/queue/"),
    "a queue with nothing in it": ("lead", lambda _: "/queue/?q=nobody"),
    "a refund waits": ("lead", lambda cases: request_of(cases["large"])),
    "an account change waits": ("lead", lambda cases: request_of(cases["account"])),
    "a reply is held": ("lead", lambda cases: request_of(cases["claim"])),
    "the unknown lane": ("lead", lambda _: "/queue/?lane=unknown"),
    "an unknown outcome": ("lead", lambda cases: f"/queue/unknown/{cases['unknown'].action('refund').pk}/"),
    "tickets": ("lead", lambda _: "/tickets/"),
    "a new ticket": ("lead", lambda _: "/tickets/new/"),
    "a ticket that waits": ("lead", lambda cases: f"/tickets/{cases['large'].ticket_id}/"),
    "a ticket with a person": ("lead", lambda cases: f"/tickets/{cases['person'].ticket_id}/"),
    "what needs a person": ("lead", lambda _: "/needs-a-person/"),
    "handed over": ("lead", lambda cases: f"/needs-a-person/{cases['person'].ticket_id}/"),
    "a step that broke": ("lead", lambda cases: f"/needs-a-person/{cases['unknown'].ticket_id}/"),
    "what needs a person, read only": ("auditor", lambda cases: f"/needs-a-person/{cases['person'].ticket_id}/"),
    "runs": ("lead", lambda _: "/runs/"),
    "a run": ("lead", lambda cases: f"/runs/{cases['small'].run().pk}/"),
    "a model's step": ("lead", lambda cases: step_of(cases["small"], "llm")),
    "a tool's step": ("lead", lambda cases: step_of(cases["large"], "tool")),
    "actions": ("lead", lambda _: "/actions/"),
    "an action": ("lead", lambda cases: f"/actions/{cases['small'].action('refund').pk}/"),
    "an action, unknown": ("lead", lambda cases: f"/actions/{cases['unknown'].action('refund').pk}/"),
    "findings": ("lead", lambda _: findings_page()),
    "policy": ("admin", lambda _: "/policy/"),
    "changing the policy": ("admin", lambda _: "/policy/edit/"),
    "autonomy": ("admin", lambda _: "/policy/autonomy/"),
    "autonomy, as it is read": ("auditor", lambda _: "/policy/autonomy/?percent=40"),
    "budgets": ("admin", lambda _: budgets_page()),
    "models": ("admin", lambda _: "/policy/models/"),
    "asking for a replay": ("admin", lambda cases: f"/runs/{cases['small'].run().pk}/?replay"),
    "a replay": ("admin", lambda cases: replay_of(cases["small"])),
    "the stop switch": ("lead", lambda _: "/policy/stop/"),
    "audit": ("auditor", lambda cases: f"/audit/?object_type=action&object_id={cases['small'].action('refund').pk}"),
    "not allowed": ("auditor", lambda _: "/policy/edit/"),
    "nothing here": ("auditor", lambda _: "/tickets/nothing/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(cases: dict[str, Case], enter: Enter, name: str) -> None:
    who, address = PAGES[name]
    page = enter(who, viewport=WIDE)
    page.goto(address(cases))
    unfolded(page)
    if page.locator("main.queue").count():  # its two panes scroll, and nothing around them
        assert page.evaluate("document.documentElement.scrollHeight") == WIDE["height"]
    assert faults_of(page) == []


def test_open_forms_and_dialogs_are_accessible(cases: dict[str, Case], enter: Enter) -> None:
    page = enter("lead")
    page.goto(request_of(cases["large"]))
    for name in ("edit", "reject"):
        page.locator(f"#{name}-fold summary").click()
        assert faults_of(page, "footer") == []
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert faults_of(page, "#keys") == []


def test_the_policys_preview_is_accessible(cases: dict[str, Case], enter: Enter) -> None:
    page = enter("admin")
    page.goto("/policy/edit/")
    page.get_by_label("Auto-approve up to, row 1").first.fill("90.00")
    page.get_by_label("Reason").fill("To see what it would do.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("Examples of changes")
    assert faults_of(page) == []


def test_an_active_stop_and_a_lowered_dial_are_accessible(
    cases: dict[str, Case], enter: Enter, people: dict[str, User]
) -> None:
    stop = stops.stop_kind(kind="cancel_order", reason="The warehouse is counting.", by=people["lead"])
    rules = versions.policy_rules(versions.current_policy())
    lowered = versions.save_policy(
        rules=rules.model_copy(update={"approval_hours": 71}), by=None, note="It lowered itself."
    )
    DialLowering.objects.create(version=lowered, before=100, after=100, why="5 of 20 were rejections.")
    page = enter("admin")
    try:
        for address in ("/policy/stop/", "/policy/autonomy/", "/"):
            page.goto(address)
            expect(page.locator(".banner[role=alert]")).to_contain_text("Cancellations are stopped")
            assert faults_of(page) == []
    finally:
        stops.resume_stopped(stop_id=stop.pk, by=people["admin"])


def test_a_decided_request_is_accessible(cases: dict[str, Case], enter: Enter) -> None:
    page = enter("lead")
    place = request_of(cases["large too"])
    page.goto(place)
    page.get_by_role("button", name="Approve $80.00").click()
    expect(page.locator(".toast")).to_be_visible()
    assert faults_of(page, "#toasts") == []
    assert ApprovalRequest.objects.get(pk=place.split("/")[2]).closed_at is not None
    page.goto(place)
    assert faults_of(page) == []


def unfolded(page: Page) -> None:
    """Wait for content loaded after the page, and open what is collapsed."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('main details:not([name])').forEach(fold => fold.open = true)")


def faults_of(page: Page, within: str = "html") -> list[str]:
    """Return axe's violations and elements that are too wide, in both schemes at both widths. For the second scheme
    of a width, only colour rules run, since nothing else differs."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for size, schemes in ((WIDE, ("light", "dark")), (NARROW, ("dark", "light"))):
        page.set_viewport_size(size)
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found.append(f"{size['width']}: the page is wider than the screen")
        for scheme, options in zip(schemes, (EVERYTHING, COLOURS), strict=True):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for fault in page.evaluate(RUN, [within, options]):
                places = "; ".join(str(node["target"]) for node in fault["nodes"][:3])
                why = fault["nodes"][0]["failureSummary"]
                found.append(f"{size['width']} {scheme}: {fault['id']} at {places}: {why}")
    return found
