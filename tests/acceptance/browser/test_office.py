"""Everything around the queue: signing in, the policy, the histories and their exports, the trace step by step."""

import csv
import io
import json
import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import PASSWORDS
from tests.acceptance.browser.desk import Desk, expect_message

type Enter = Callable[..., Page]


def test_a_person_signs_in_and_out(desk: Desk, enter: Enter) -> None:
    page = enter(None)
    page.goto("/audit/")
    expect(page).to_have_url("/login/?next=/audit/")
    page.get_by_label("Username").fill("auditor")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")
    expect(page.get_by_label("Username")).to_have_value("auditor")
    page.get_by_label("Password").fill(PASSWORDS["auditor"])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/audit/")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url("/login/")
    page.goto("/queue/")
    expect(page).to_have_url("/login/?next=/queue/")


def test_an_admins_new_limit_applies_to_the_next_refund(desk: Desk, enter: Enter, lead: Page) -> None:
    before = desk.large_refund()
    before.request()  # 80.00 waits while the limit is 50.00
    admin = enter("admin")
    admin.goto("/policy/")
    admin.get_by_role("link", name="Edit policy").click()
    row = admin.locator(".p-rows tbody tr").first
    expect(row.locator("select")).to_have_value("refund")
    expect(row.get_by_label("Currency, row 1")).to_have_value("USD")
    row.get_by_label("Auto-approve up to, row 1").fill("80.00")
    admin.get_by_label("Reason").fill("Lamps break often.")
    admin.get_by_role("button", name="Preview").click()
    effect = admin.locator("#preview")
    expect(effect).to_contain_text("Effect on the last 14 days")
    expect(effect).to_contain_text("$80.00")  # the waiting request is an example
    expect(effect.get_by_role("row", name=re.compile("^Auto-approved"))).to_contain_text(re.compile(r"\+\d"))
    admin.get_by_role("button", name="Save as a new version").click()
    expect_message(admin, "is now current")
    expect(admin.locator(".timeline li").first).to_contain_text("Lamps break often.")
    expect(admin.locator(".timeline li").first).to_contain_text("admin")

    after = desk.large_refund()
    assert "80.00 USD" in after.reply()
    assert after.refunds() == [(8_000, "USD")]
    assert before.refunds() == []  # it still waits, as it was judged

    lead.goto("/policy/")
    expect(lead.get_by_role("link", name="Edit policy")).to_have_count(0)
    assert lead.goto("/policy/edit/").status == 403


def test_the_history_can_be_exported(desk: Desk, enter: Enter) -> None:
    case = desk.small_refund()
    case.reply()
    page = enter("auditor")
    page.goto(f"/actions/?q={case.ticket_id}")
    rows = list(csv.DictReader(io.StringIO(download(page, "Export CSV"))))
    assert sorted(row["kind"] for row in rows) == ["refund", "reply"]
    key = case.action("refund").idempotency_key
    assert key in str(rows)
    assert {row["kind"] for row in json.loads(download(page, "Export JSON"))} == {"refund", "reply"}

    page.goto(f"/audit/?object_type=action&object_id={case.action('refund').pk}")
    events = list(csv.DictReader(io.StringIO(download(page, "Export CSV"))))
    assert "action.succeeded" in {event["verb"] for event in events}

    page.goto(f"/runs/{case.run().pk}/")
    trace = json.loads(download(page, "Download JSON"))
    assert case.ticket_id in json.dumps(trace)


def download(page: Page, name: str) -> str:
    with page.expect_download() as coming:
        page.get_by_role("link", name=name).click()
    return coming.value.path().read_text()


def test_the_trace_can_be_read_step_by_step(desk: Desk, lead: Page) -> None:
    case = desk.write("Order {id} came, the Mug is cracked. Could you refund the Mug?\n[[misbehave:wrong_types]]")
    case.reply()
    lead.goto(f"/tickets/{case.ticket_id}/")
    lead.get_by_role("link", name="Open trace").click()
    totals = lead.locator(".w-totals")
    expect(totals).to_contain_text("Tokens")
    expect(totals).to_contain_text("$0.0")
    expect(lead.locator(".w-is-error", has_text="invalid_arguments")).to_be_visible()
    expect(lead.locator(".w-provider", has_text="refund, attempt 1")).to_be_visible()

    lead.locator(".w-llm").nth(1).click()
    step = lead.locator("#step")
    expect(step).to_contain_text("Reasoning")
    expect(step.locator("blockquote").first).not_to_be_empty()
    expect(step).to_contain_text("cached")  # the tokens
    expect(step).to_contain_text("get_order")  # its answer: a call
    step.get_by_text("messages sent").click()
    expect(step).to_contain_text("The SHA-256 matches the one recorded")
    expect(step.locator(".sent")).to_contain_text("the Mug is cracked")
    step.get_by_text("Raw response").click()
    expect(step).to_contain_text('"finish_reason"')
    expect(lead).to_have_url(re.compile(r"\?step=1$"))

    step.get_by_role("link", name="Next").click()
    expect(step).to_contain_text("Arguments from the model")
    expect(step).to_contain_text(case.order["order_id"])
    expect(step).to_contain_text("refundable")  # what the model received
    lead.locator(".w-tool", has_text="refund succeeded").click()
    expect(step).to_contain_text(case.action("refund").idempotency_key)
    expect(step).to_contain_text("Attempt 1: succeeded")
    lead.reload()
    expect(lead.locator("#step")).to_contain_text("Attempt 1: succeeded")  # the address names the step


def test_a_lead_opens_a_ticket_in_the_browser(desk: Desk, lead: Page) -> None:
    order = desk.world.order()
    lead.goto("/tickets/new/")
    lead.get_by_label("Customer email").fill(order["customer_email"])
    lead.get_by_label("Subject").fill("A call on the phone")
    lead.get_by_label("Message").fill(f"The Mug of order {order['order_id']} is cracked, please refund it.")
    lead.get_by_role("button", name="Create ticket").click()
    expect(lead.get_by_role("heading", name="A call on the phone")).to_be_visible()
    expect(lead.locator("#case")).to_contain_text("Reply to customer", timeout=15_000)  # it appears without a reload
    assert [row["amount"] for row in desk.world.refunds(order)] == [2_000]
