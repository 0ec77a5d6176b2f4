"""Tickets that need a person, as people work on them: by keyboard, while new ones arrive, without JavaScript, on a
phone."""

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.browser.desk import Case, Desk, expect_message

type Enter = Callable[..., Page]
SHOTS = os.environ.get("SHOTS", "")


def with_person(desk: Desk, subject: str = "About my order") -> Case:
    case = desk.write("I want to talk to a manager about {id}.", subject=subject)
    case.ends("needs_person")
    return case


def shot(page: Page, name: str) -> None:
    """Take a screenshot, if screenshots are requested."""
    if SHOTS:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{scheme}.png"))


def test_a_ticket_is_claimed_and_answered_by_keyboard(desk: Desk, lead: Page) -> None:
    case, following = with_person(desk, "First of two"), with_person(desk, "Second of two")
    lead.goto("/needs-a-person/")
    lead.keyboard.press("j")
    while lead.evaluate("document.activeElement.getAttribute('href')") != f"/needs-a-person/{case.ticket_id}/":
        lead.keyboard.press("j")
    lead.keyboard.press("Enter")
    expect(lead.locator("#item-title")).to_have_text("First of two")
    expect(lead.locator(".n-broken")).to_contain_text("hand_over")
    expect(lead.locator(".n-broken")).to_contain_text("The customer asks for a person.")
    lead.keyboard.press("c")
    expect(lead.locator("#presence")).to_contain_text("Assigned to you")
    expect(lead.locator(f"#ticket-{case.ticket_id} .q-claim")).to_have_text("lead")
    lead.keyboard.press("r")
    lead.keyboard.type("I am the manager. What happened?")
    shot(lead, "answering")
    lead.get_by_role("button", name="Send reply").click()
    expect_message(lead, "Your reply is being sent")
    expect(lead.locator("#item-title")).to_have_text("Second of two")
    assert case.reply() == "I am the manager. What happened?"
    expect(lead.locator(f"#ticket-{case.ticket_id}")).to_have_count(0)
    assert lead.url.endswith(f"/needs-a-person/{following.ticket_id}/")


def test_new_tickets_appear_and_typed_text_stays(desk: Desk, lead: Page) -> None:
    case = with_person(desk)
    lead.goto(f"/needs-a-person/{case.ticket_id}/")
    lead.locator("#reply-fold summary").click()
    lead.get_by_label("Reply to customer").fill("Half a sentence")
    another = with_person(desk, "Comes while one types")
    expect(lead.locator(f"#ticket-{another.ticket_id}")).to_contain_text("Comes while one types")
    expect(lead.get_by_label("Reply to customer")).to_have_value("Half a sentence")


def test_nothing_is_rerun_while_an_outcome_is_unknown(desk: Desk, lead: Page) -> None:
    desk.world.simulator.faults(endpoints={"POST /replies": [{"fault": "error_500_before", "rate": 1.0, "times": 0}]})
    case = desk.small_refund()
    case.ends("needs_person", seconds=40)
    lead.goto(f"/needs-a-person/{case.ticket_id}/")
    expect(lead.locator(".n-broken")).to_contain_text("We don't know yet if this went through.")
    shot(lead, "unknown")
    desk.world.simulator.faults()
    expect(lead.locator(".n-under-way")).to_contain_text(f"{case.ticket_id}:reply:1 is still open")
    expect(lead.get_by_role("button", name="Run the agent again")).to_have_count(0)
    lead.get_by_role("link", name="Confirm the outcome").click()
    expect(lead.locator("#item-title")).to_contain_text("Reply")
    assert case.refunds() == [(2_000, "USD")]


def test_a_failed_run_is_rerun_without_javascript(desk: Desk, enter: Enter) -> None:
    page = enter("lead", java_script_enabled=False, viewport={"width": 360, "height": 740})
    case = desk.write("Order {id} came today and the Mug is cracked. Please refund the Mug.\n[[misbehave:loop]]")
    case.ends("needs_person", seconds=40)
    page.goto("/needs-a-person/")
    page.locator(f"#ticket-{case.ticket_id} a").click()
    expect(page.locator(".n-broken")).to_contain_text("stopped here without answering")
    page.get_by_role("button", name="Claim").click()
    expect(page.locator("#presence")).to_contain_text("Assigned to you")
    shot(page, "telephone")
    page.get_by_role("button", name="Run the agent again").click()
    expect_message(page, "Run 2 is queued.")
    case.ends("needs_person", seconds=40)
    assert case.run().number == 2
    page.goto(f"/needs-a-person/{case.ticket_id}/")
    page.get_by_role("button", name="Close ticket").click()
    expect_message(page, "Ticket closed.")
    case.ends("closed")


def test_the_failed_step_links_to_its_trace(desk: Desk, lead: Page) -> None:
    desk.world.faults("POST /v1/chat/completions", "refused_by_bank")
    case = desk.small_refund()
    case.ends("needs_person")
    desk.world.simulator.faults()
    lead.goto(f"/needs-a-person/{case.ticket_id}/")
    expect(lead.get_by_role("heading", name="Failed step")).to_be_visible()
    shot(lead, "broken")
    lead.get_by_role("link", name="Trace", exact=True).click()
    expect(lead.locator("#step-title")).to_be_visible()
