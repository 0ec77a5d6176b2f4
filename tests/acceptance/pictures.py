"""Recreates the pictures in docs/pictures: make pictures

Starts the demo on its own seed, works in it as people in browsers, and takes screenshots of what they see. Each test
takes the pictures of one person's work and continues where the previous one stopped.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from agentops.lab.local.programs import ROOT
from agentops.lab.local.runtime import scratch_folder
from agentops.management.keys import Keys
from tests.acceptance.test_demo import demo
from tests.conftest import is_error
from tests.waiting import until

PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT, MARGIN = 1280, 880, 8
SLOW = "There is no hurry"
# Refunds in one currency never get an answer, and nobody can be asked about them: one needs a person. The model takes
# long for one ticket, so that its worst case is reserved while the budgets are on screen.
FAULTS = {
    "endpoints": {
        "POST /refunds": [{"fault": "lost_answer", "rate": 1.0, "times": 0, "where": "KWD"}],
        "GET /refunds": [{"fault": "unavailable", "rate": 1.0}],
        "POST /v1/chat/completions": [{"fault": "slow", "rate": 1.0, "seconds": 30.0, "where": SLOW}],
    }
}


@dataclass
class Desk:
    """The demo's address, its passwords, and the signed-in people."""

    browser: Browser
    url: str
    passwords: dict[str, str]
    contexts: list[BrowserContext] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def enter(self, name: str) -> Page:
        viewport = {"width": WIDTH, "height": HEIGHT}
        context = self.browser.new_context(base_url=self.url, viewport=viewport, color_scheme="light")
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if is_error(said.type, said.text) else None)
        page.goto("/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(self.passwords[name])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".menu")).to_be_visible()
        return page


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Desk]:
    """A demo whose tickets have all come to rest."""
    with scratch_folder("pictures") as scratch, demo(scratch / "var", *faults(scratch)) as (_, port, output):
        until(lambda: at_rest(output), seconds=240)
        keys = Keys.load(scratch / "var")
        assert keys
        desk = Desk(browser, f"http://localhost:{port}", keys.passwords)
        yield desk
        for context in desk.contexts:
            context.close()
        assert desk.errors == []


def faults(folder: Path) -> tuple[str, str]:
    file = folder / "faults.json"
    file.write_text(json.dumps(FAULTS))
    return "--faults", str(file)


def at_rest(output: Callable[[], str]) -> bool:
    """Wait until the demo has printed a line for each ticket at rest."""
    said = output()
    posted = re.search(r"^(\d+) tickets posted", said, re.MULTILINE)
    return bool(posted) and len(set(re.findall(r"  (demo-\d+) ", said))) == int(posted[1])


def picture(page: Page, name: str, *, down_to: Locator | None = None) -> None:
    """Take a picture of the visible part of the page, or of all of it down to the end of an element, in both colour
    schemes."""
    box = down_to.bounding_box() if down_to else None
    page.set_viewport_size({"width": WIDTH, "height": ceil(box["y"] + box["height"]) + MARGIN if box else HEIGHT})
    page.mouse.move(0, 0)
    PICTURES.mkdir(exist_ok=True)
    for scheme, file in (("dark", f"{name}-dark.png"), ("light", f"{name}.png")):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=PICTURES / file, animations="disabled")


def expect_message(page: Page, text: str) -> None:
    """Check that the page shows this message, then dismiss it."""
    toast = page.locator(".toast", has_text=text)
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_a_lead_decides_waiting_requests(desk: Desk) -> None:
    lead = desk.enter("lead")
    lead.goto("/needs-a-person/")
    lead.locator(".q-row", has_text="connection_lost").click()
    expect(lead.locator(".n-broken")).to_contain_text("We don't know yet if this went through.")
    picture(lead, "needs-a-person")

    lead.goto("/queue/")
    lead.locator(".q-row", has_text="Refund").first.click()
    expect(lead.locator(".item")).to_contain_text("refundable of")
    expect(lead.locator(".item .trace")).to_be_visible()
    picture(lead, "queue")
    while lead.locator(".item").count():
        decide(lead)


def decide(page: Page) -> None:
    """Decide one request: one asks for too much, and one gives no reason to pay at all. The next opens
    automatically."""
    item = page.locator(".item")
    request = item.get_attribute("data-item")
    if "Scratched" in item.inner_text():
        item.locator("#edit-fold summary").click()
        item.locator("#edit").get_by_label("Amount").fill("49.00")
        item.get_by_role("button", name="Approve as edited").click()
    elif "I want my money back" in item.inner_text():
        item.locator("#reject-fold summary").click()
        item.locator("#reject").get_by_label("Reason").fill("Nothing is wrong with what was sent.")
        item.get_by_role("button", name="Reject").click()
    else:
        item.locator("[data-approve]").click()
    expect(page.locator(f".item[data-item='{request}']")).to_have_count(0)


def test_an_admin_previews_the_effect_of_a_policy(desk: Desk) -> None:
    admin = desk.enter("admin")
    admin.goto("/policy/edit/")
    admin.get_by_label("Auto-approve up to, row 1", exact=True).fill("400.00")
    admin.get_by_label("Reason", exact=True).fill("Fewer refunds wait.")
    admin.get_by_role("button", name="Preview").click()
    admin.get_by_role("button", name="Save as a new version").click()
    expect_message(admin, "is now current")

    admin.goto("/policy/autonomy/")
    admin.get_by_label("Percent of tickets", exact=True).fill("80")
    expect(admin.locator(".a-said")).to_contain_text("At 80%")
    admin.locator("#id_percent").blur()
    picture(admin, "dial")

    admin.goto("/tickets/?q=I+want+my+money+back")
    admin.get_by_role("link", name="I want my money back").click()
    expect(admin.locator(".status[data-status='answered']").first).to_be_visible(timeout=60_000)
    admin.get_by_role("link", name="Open trace").click()
    admin.get_by_role("link", name="Replay", exact=True).click()
    admin.get_by_label("Mode").select_option("model")
    admin.get_by_role("button", name="Replay this run").click()
    expect(admin.locator("#sum-title")).to_have_text("Result", timeout=60_000)
    picture(admin, "replay", down_to=admin.locator(".r-row", has_text="Verdict").first)


def test_an_admin_caps_model_costs(desk: Desk) -> None:
    admin = desk.enter("admin")
    cap(admin, per="day", usd="0.20", note="What a usual day costs, twice.")
    cap(admin, per="month", usd="2.00", note="More than that is asked for first.")
    cap(admin, per="day", tokens="400000", model="gpt-5-mini", note="A second lock on the same door.")
    cap(admin, per="ticket", usd="0.05", note="No letter is worth more.")
    admin.goto("/tickets/new/")
    admin.get_by_label("Customer email").fill("somebody@example.com")
    admin.get_by_label("Subject").fill("A question")
    admin.get_by_label("Message").fill(f"Do you sell lamps? {SLOW}.")
    admin.get_by_role("button", name="Create ticket").click()
    reserved = admin.locator(".t-budgets tbody tr").first.locator("td").nth(2)
    until(lambda: admin.goto("/policy/budgets/") and re.search("[1-9]", reserved.inner_text()), seconds=20)
    picture(admin, "budgets", down_to=admin.get_by_label("Budgets per ticket"))


def cap(page: Page, *, per: str, note: str, usd: str = "", tokens: str = "", model: str = "") -> None:
    page.goto("/policy/budgets/")
    page.get_by_label("Per", exact=True).select_option(per)
    page.get_by_label("Model").fill(model)
    page.get_by_label("Limit in US dollars").fill(usd)
    page.get_by_label("Limit in tokens").fill(tokens)
    page.get_by_label("Reason", exact=True).last.fill(note)
    page.get_by_role("button", name="Set budget").click()
    expect_message(page, "Budget saved")
