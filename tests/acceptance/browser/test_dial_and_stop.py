"""The dial and the stop switch in use: the evidence follows the slider, and stopped actions wait."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from approvals.effects import stops
from approvals.policy import versions
from tests.acceptance.browser.desk import Desk, expect_message, open_request
from tests.waiting import until

type Enter = Callable[..., Page]


@pytest.fixture(autouse=True)
def nothing_stopped(desk: Desk, people: dict[str, User]) -> Iterator[None]:
    yield
    for standing in stops.active_stops():
        stops.resume_stopped(stop_id=standing.pk, by=people["admin"])


def test_the_evidence_and_the_next_ticket_follow_the_slider(desk: Desk, enter: Enter) -> None:
    case = desk.small_refund()
    case.reply()
    admin = enter("admin")
    admin.goto("/policy/")
    admin.get_by_role("navigation", name="Policy").get_by_role("link", name="Autonomy").click()
    said = admin.locator(".a-said")
    expect(said).to_contain_text("At 100%")
    slider, number = admin.locator("input[type=range]"), admin.get_by_label("Percent of tickets", exact=True)
    slider.focus()
    slider.press("Home")  # the keyboard moves it like the mouse does
    expect(number).to_have_value("0")
    expect(said).to_contain_text("At 0%, 0 of the last 14 days'")
    number.fill("100")
    expect(slider).to_have_value("100")
    expect(said).to_contain_text("At 100%")
    expect(said).not_to_contain_text("At 100%, 0 of")
    slider.press("Home")
    expect(said).to_contain_text("At 0%")
    admin.get_by_label("Reason").fill("First we look on.")
    admin.get_by_role("button", name="Save as a new version").click()
    expect_message(admin, "with the dial at 0%")
    assert versions.policy_rules(versions.current_policy()).autonomy.percent == 0

    outside = desk.small_refund()
    request = outside.request()
    lead = enter("lead")
    lead.goto(f"/queue/{request}/")
    expect(lead.locator("body")).to_contain_text("Not among the 0% of tickets that the agent handles without approval")
    assert outside.refunds() == []


def test_the_dial_can_be_set_without_javascript(desk: Desk, enter: Enter) -> None:
    admin = enter("admin", java_script_enabled=False)
    admin.goto("/policy/autonomy/")
    expect(admin.locator("input[type=range]")).to_be_hidden()
    admin.get_by_label("Percent of tickets", exact=True).fill("40")
    admin.get_by_label("Refund", exact=True).fill("25")
    admin.get_by_role("button", name="Preview").click()
    expect(admin.locator(".a-said")).to_contain_text("At 40%")
    admin.get_by_label("Reason").fill("Slowly.")
    admin.get_by_role("button", name="Save as a new version").click()
    expect_message(admin, "with the dial at 40%")
    lead = enter("lead", java_script_enabled=False)
    lead.goto("/policy/autonomy/")
    expect(lead.locator("main")).to_contain_text("At most 25%")
    lead.get_by_label("Percent of tickets", exact=True).fill("7")
    lead.get_by_role("button", name="Show").click()
    expect(lead.locator(".a-said")).to_contain_text("At 7%")
    expect(lead.get_by_role("button", name="Save as a new version")).to_have_count(0)


def test_stopped_actions_wait_and_run_once_after_resuming(desk: Desk, enter: Enter) -> None:
    case = desk.large_refund()
    case.request()
    admin, lead = enter("admin"), enter("lead")
    lead.goto("/policy/stop/")
    lead.get_by_label("Reason").fill("The bank called.")
    lead.get_by_role("button", name="Stop now").click()
    expect_message(lead, "Everything is stopped")
    for page in (lead, admin):
        page.goto("/tickets/")
        banner = page.get_by_role("alert").filter(has_text="Everything is stopped")
        expect(banner).to_contain_text("by lead")
        expect(banner).to_contain_text("The bank called.")
    expect(lead.get_by_role("button", name="Resume")).to_have_count(0)

    open_request(lead, case)
    expect(lead.locator(".item")).to_contain_text("Once approved, this action will be on hold")
    lead.locator("[data-approve]").click()
    expect_message(lead, "On hold: actions are stopped.")
    until(lambda: case.has("refund", "approved"))
    waits_for_sweeps(desk)
    assert case.has("refund", "approved")
    assert case.refunds() == []
    lead.goto(f"/actions/{case.action('refund').pk}/")
    expect(lead.locator("#life")).to_contain_text("This action is approved and on hold")

    admin.goto("/policy/stop/")
    expect(admin.locator(".p-stopped")).to_contain_text("approved action")
    admin.locator(".p-stopped").get_by_role("button", name="Resume").click()
    expect_message(admin, "Resumed")
    until(lambda: case.has("refund", "succeeded"), seconds=30)
    assert case.refunds() == [(8_000, "USD")]
    assert "80.00 USD" in case.reply()
    assert case.refunds() == [(8_000, "USD")]


def waits_for_sweeps(desk: Desk) -> None:
    """Wait until the workers have processed everything due: something of theirs has finished since."""
    other = desk.write("I want to talk to a manager about {id}.")
    other.ends("needs_person", seconds=30)
