"""The queue as people use it: two at once, by keyboard, while new requests arrive, without JavaScript, without the
right to decide."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Decision
from tests.acceptance.browser.desk import Case, Desk, expect_message, fold, open_request

type Enter = Callable[..., Page]


def decisions(case: Case) -> list[tuple[str, str]]:
    made = Decision.objects.filter(request__action__ticket=case.ticket_id).order_by("pk")
    return [(decision.by.username, decision.verdict) for decision in made.select_related("by")]


# --- two people -----------------------------------------------------------------------------------------


def test_the_second_lead_sees_the_first_ones_decision(desk: Desk, enter: Enter) -> None:
    case = desk.large_refund()
    first, second = enter("lead"), enter("lead2")
    open_request(first, case)
    open_request(second, case)
    form = fold(second, "reject")
    form.get_by_label("Reason").fill("This one was refunded by phone.")
    first.get_by_role("button", name="Approve $80.00").click()
    expect_message(first, "Approved")
    form.get_by_role("button", name="Reject").click()
    expect(second.locator("#notice")).to_have_text("lead already approved this. Your decision was not applied.")
    expect(second.locator("#pane")).to_contain_text("Approved by lead")
    expect(second.get_by_role("button", name="Approve $80.00")).to_have_count(0)
    case.reply()
    assert decisions(case) == [("lead", "approve")]
    assert case.refunds() == [(8_000, "USD")]


def test_a_double_click_is_one_decision_and_one_effect(desk: Desk, lead: Page) -> None:
    case = desk.large_refund()
    open_request(lead, case)
    lead.get_by_role("button", name="Approve $80.00").dblclick()
    expect_message(lead, "Approved")
    case.reply()
    assert decisions(case) == [("lead", "approve")]
    assert case.refunds() == [(8_000, "USD")]


def test_changes_since_the_last_view_are_shown_before_deciding(desk: Desk, lead: Page) -> None:
    case = desk.large_refund()
    open_request(lead, case)
    expect(lead.locator("#now")).to_contain_text("Checked")
    lead.wait_for_load_state("networkidle")
    desk.world.refund_elsewhere(case.order, 3_000)
    lead.get_by_role("button", name="Approve $80.00").click()
    expect(lead.locator("#notice")).to_contain_text("Your decision was not applied: the request changed")
    expect(lead.locator("#now")).to_contain_text("Changed since the proposal")
    expect(lead.locator("#now")).to_contain_text("$70.00 refundable of $100.00 charged")
    lead.get_by_role("button", name="Approve $80.00").click()
    expect(lead.locator("#notice")).to_contain_text("Only $70.00 of order")
    assert case.refunds() == [(3_000, "USD")]
    form = fold(lead, "edit")
    form.get_by_label("Amount (USD)").fill("70")
    form.get_by_role("button", name="Approve as edited").click()
    expect_message(lead, "$70.00")
    case.reply()
    assert case.refunds() == [(3_000, "USD"), (7_000, "USD")]


# --- new requests while a person reads and types --------------------------------------------------------


def test_new_requests_appear_and_the_open_form_stays(desk: Desk, enter: Enter) -> None:
    page = enter("lead", viewport={"width": 1440, "height": 420})
    case = desk.large_refund()
    open_request(page, case)
    expect(page.locator("#pane .w-row").first).to_be_visible()
    form = fold(page, "reject")
    reason = form.get_by_label("Reason")
    expect(reason).to_be_focused()
    reason.press_sequentially("The photo shows ano")
    reason.press("ArrowLeft")
    page.locator("#pane").evaluate("pane => pane.scrollTop = 150")
    state = "() => [document.getElementById('pane').scrollTop, document.activeElement.selectionStart, scrollY]"
    before = page.evaluate(state)
    assert before[:2] == [150, 18]

    other = desk.large_refund()
    row = page.locator(f"#request-{other.request()}")
    expect(row).to_be_visible(timeout=10_000)
    expect(page.locator("#live")).to_contain_text("new in the queue")
    expect(reason).to_be_focused()
    expect(reason).to_have_value("The photo shows ano")
    assert page.evaluate(state) == before
    reason.press_sequentially("-")
    expect(reason).to_have_value("The photo shows an-o")


# --- the keyboard ---------------------------------------------------------------------------------------


def test_the_queue_works_with_the_keyboard_alone(desk: Desk, lead: Page) -> None:
    cases, requests = [], []
    for _ in range(3):  # one after another: the queue has them in this order
        cases.append(desk.large_refund())
        requests.append(cases[-1].request())
    lead.goto("/queue/")
    keys = lead.keyboard
    rows = lead.locator(".q-row")
    keys.press("j")
    expect(rows.nth(0)).to_be_focused()
    keys.press("j")
    expect(rows.nth(1)).to_be_focused()
    keys.press("k")
    expect(rows.nth(0)).to_be_focused()
    for _ in range(rows.count()):
        if f"/queue/{requests[0]}/" in str(lead.evaluate("document.activeElement.href")):
            break
        keys.press("j")
    keys.press("Enter")
    expect(lead).to_have_url(re.compile(f"/queue/{requests[0]}/$"))
    expect(lead.locator("#item-title")).to_be_focused()

    keys.press("c")
    expect(lead.locator("#presence")).to_contain_text("Assigned to you")
    keys.press("e")
    amount = lead.get_by_label("Amount (USD)")
    expect(amount).to_be_focused()
    keys.press("End")
    keys.type("aa")  # typed as text, not an approval
    expect(amount).to_have_value("80.00aa")
    keys.press("Escape")
    expect(amount).to_be_hidden()
    keys.press("a")
    expect(lead.locator("[data-approve]")).to_have_attribute("data-armed", "")
    assert decisions(cases[0]) == []
    keys.press("j")  # any other key, and it is off again
    expect(lead.locator("[data-approve]")).not_to_have_attribute("data-armed", "")
    keys.press("a")
    keys.press("a")
    expect_message(lead, "Approved")
    expect(lead).to_have_url(re.compile(f"/queue/{requests[1]}/$"))  # the next one opens automatically

    keys.press("r")
    reason = lead.locator("#reject").get_by_label("Reason")
    expect(reason).to_be_focused()
    keys.type("Not ours, j k a a")
    expect(reason).to_have_value("Not ours, j k a a")
    keys.press("Tab")
    keys.press("Enter")
    expect_message(lead, "Rejected")
    expect(lead).to_have_url(re.compile(f"/queue/{requests[2]}/$"))

    keys.press("/")
    expect(lead.locator("[data-search]")).to_be_focused()
    keys.press("Escape")
    keys.press("?")
    expect(lead.locator("#keys")).to_be_visible()
    keys.press("Escape")
    expect(lead.locator("#keys")).to_be_hidden()
    assert [decisions(case) for case in cases] == [[("lead", "approve")], [("lead", "reject")], []]


# --- without JavaScript ---------------------------------------------------------------------------------


def test_without_javascript_a_lead_approves_edits_and_rejects(desk: Desk, enter: Enter) -> None:
    page = enter("lead", java_script_enabled=False)
    approved, edited, rejected = (desk.large_refund() for _ in range(3))
    request = approved.request()
    page.goto("/queue/")
    page.locator(f"#request-{request} a").click()
    page.get_by_role("link", name="Open the trace of this run").click()
    expect(page.locator(".w-row").first).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Approve $80.00").click()
    expect_message(page, "Approved")

    open_request(page, edited)
    form = fold(page, "edit")
    form.get_by_label("Amount (USD)").fill("eighty")
    form.get_by_role("button", name="Approve as edited").click()
    expect(page.locator("#edit .errorlist")).to_be_visible()
    page.get_by_label("Amount (USD)").fill("30")
    page.get_by_role("button", name="Approve as edited").click()
    expect_message(page, "$30.00")

    open_request(page, rejected)
    form = fold(page, "reject")
    form.get_by_label("Reason").fill("it was used for years")
    form.get_by_role("button", name="Reject").click()
    expect_message(page, "Rejected")

    assert "30.00 USD" in edited.reply()
    assert "it was used for years" in rejected.reply()
    approved.reply()
    assert (approved.refunds(), edited.refunds(), rejected.refunds()) == ([(8_000, "USD")], [(3_000, "USD")], [])


# --- readers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auditor", "admin"])
def test_a_reader_sees_no_buttons_and_is_refused(desk: Desk, enter: Enter, name: str) -> None:
    case = desk.large_refund()
    page = enter(name)
    request = open_request(page, case)
    expect(page.locator("#pane")).to_contain_text("Only support leads can decide")
    expect(page.locator("#pane")).to_contain_text("Refund to be sent")
    expect(page.locator("#pane form, #pane [data-approve]")).to_have_count(0)
    token = page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    digest = case.action("refund").digest
    for verb in ("approve", "edit", "reject", "claim", "release"):
        form = {"csrfmiddlewaretoken": token, "digest": digest, "reason": "because", "edit-amount": "1"}
        answer = page.request.post(f"/queue/{request}/{verb}/", form=form)
        assert answer.status == 403, verb
        assert "needs another role" in answer.text()
    assert decisions(case) == []
    assert case.refunds() == []
