"""One ticket on each possible path, from the customer's message to the reply: money according to the ledger, the
reply from the inbox, the steps from the trace."""

from playwright.sync_api import Page, expect

from approvals.models import Attempt, Decision
from tests.acceptance.browser.desk import Desk, expect_message, fold, open_request, shows_trace


def test_a_refund_below_the_limit_is_automatic(desk: Desk, lead: Page) -> None:
    case = desk.small_refund()
    assert "20.00 USD" in case.reply()
    assert case.refunds() == [(2_000, "USD")]
    lead.goto(f"/tickets/{case.ticket_id}/")
    expect(lead.locator("#case")).to_contain_text("the Mug is cracked")
    expect(lead.locator("#case")).to_contain_text("20.00")
    expect(lead.locator("[data-status=answered]").first).to_be_visible()
    shows_trace(
        lead, case, "triage", "get_order", "refund succeeded", "policy: auto-approved", "refund, attempt 1", "reply"
    )


def test_a_refund_above_the_limit_waits_and_is_approved(desk: Desk, lead: Page) -> None:
    case = desk.large_refund()
    case.request()
    lead.goto("/queue/")
    lead.locator(".q-row", has_text=case.order["order_id"]).click()
    card = lead.locator("#pane")
    expect(card).to_contain_text("Refund to be sent")
    expect(card).to_contain_text("$100.00 refundable of $100.00 charged")
    expect(card).to_contain_text("The Desk Lamp of my order")  # the customer's own words
    expect(card).to_contain_text("Over the agent's $50.00 limit")  # the policy's reason
    expect(card).to_contain_text(case.action("refund").idempotency_key)
    expect(card.locator(".w-row").first).to_be_visible()  # the trace, below
    assert case.refunds() == []

    card.get_by_role("button", name="Approve $80.00").click()
    expect_message(lead, "Approved: refund of $80.00")
    assert "80.00 USD" in case.reply()
    assert case.refunds() == [(8_000, "USD")]
    shows_trace(
        lead, case, "refund succeeded", "policy: needs approval", "approved by lead", "refund, attempt 1", "reply"
    )


def test_a_refund_is_edited_and_approved(desk: Desk, lead: Page) -> None:
    case = desk.large_refund()
    open_request(lead, case)
    form = fold(lead, "edit")
    form.get_by_label("Amount (USD)").fill("55.25")
    form.get_by_role("button", name="Approve as edited").click()
    expect_message(lead, "refund of $55.25")
    assert "55.25 USD" in case.reply()
    assert case.refunds() == [(5_525, "USD")]
    lead.goto(f"/actions/{case.action('refund').pk}/")
    expect(lead.locator("del", has_text="$80.00")).to_be_visible()
    expect(lead.locator("ins", has_text="$55.25")).to_be_visible()
    shows_trace(lead, case, "refund succeeded", "by lead", "refund, attempt 1", "reply")


def test_a_refund_is_rejected_and_the_customer_gets_the_reason(desk: Desk, lead: Page) -> None:
    case = desk.large_refund()
    open_request(lead, case)
    form = fold(lead, "reject")
    form.get_by_role("button", name="Reject").click()
    expect(lead.locator("#reject .errorlist")).to_be_visible()  # a reason is required
    lead.locator("#reject").get_by_label("Reason").fill("the photo shows a lamp that is not ours")
    lead.get_by_role("button", name="Reject").click()
    expect_message(lead, "Rejected: refund of $80.00")
    assert "the photo shows a lamp that is not ours" in case.reply()
    assert case.refunds() == []
    shows_trace(lead, case, "refund rejected", "policy: needs approval", "rejected by lead", "reply")


def test_an_account_change_is_approved(desk: Desk, lead: Page) -> None:
    case = desk.write("Please change the e-mail address of my account to kim.moved@example.com")
    open_request(lead, case)
    expect(lead.locator(".i-diff")).to_contain_text("kim.moved@example.com")
    assert case.effects("account_changes") == []
    lead.get_by_role("button", name="Approve").click()
    expect_message(lead, "Approved: account change")
    assert "e-mail" in case.reply()
    (change,) = case.effects("account_changes")
    assert "kim.moved@example.com" in str(change)
    shows_trace(
        lead, case, "account", "policy: needs approval", "approved by lead", "account_change, attempt 1", "reply"
    )


def test_an_order_is_cancelled(desk: Desk, lead: Page) -> None:
    case = desk.write("I ordered twice. Please cancel order {id}, it has not been sent yet.", "pending")
    assert case.order["order_id"] in case.reply()
    assert [row["amount"] for row in case.effects("cancellations")] == [4_000]
    assert case.world.now(case.order)["status"] == "cancelled"
    shows_trace(lead, case, "cancel_order succeeded", "policy: auto-approved", "cancel_order, attempt 1", "reply")


def test_the_agent_corrects_a_tracking_number_given_as_order_id(desk: Desk, lead: Page) -> None:
    case = desk.write(
        "My order {tracking} arrived and the Mug is broken. I want a refund for the Mug.\n"
        "[[misbehave:tracking_as_order_id]]"
    )
    assert "20.00 USD" in case.reply()
    assert case.refunds() == [(2_000, "USD")]
    shows_trace(lead, case, "order_not_found", "get_order", "refund succeeded", "reply")
    lead.locator(".w-row", has_text="order_not_found").first.click()
    told_to_model = lead.locator("#step")
    expect(told_to_model).to_contain_text("order_not_found")
    expect(told_to_model).to_contain_text(case.order["order_id"])  # the error names the right order


def test_a_lost_answer_is_requested_again_under_the_same_key(desk: Desk, lead: Page) -> None:
    desk.world.faults("POST /refunds", "lost_answer", times=1)
    case = desk.small_refund()
    assert "20.00 USD" in case.reply()
    assert case.refunds() == [(2_000, "USD")]
    action = case.action("refund")
    (row,) = desk.world.refunds(case.order)
    assert row["idempotency_key"] == row["reference"] == action.idempotency_key
    assert [attempt.number for attempt in Attempt.objects.filter(action=action).order_by("pk")] == [1, 2]

    lead.goto(f"/actions/{action.pk}/")
    attempts = lead.locator(".attempt")
    expect(attempts).to_have_count(2)
    expect(attempts.first.locator("summary")).not_to_contain_text("HTTP")  # no answer arrived
    expect(attempts.last.locator("summary")).to_contain_text("succeeded")
    expect(lead.locator(".crumbs")).to_contain_text(action.idempotency_key)
    shows_trace(lead, case, "refund, attempt 1", "refund, attempt 2", "reply")


def test_a_false_reply_awaits_approval_and_is_sent_as_edited(desk: Desk, lead: Page) -> None:
    case = desk.write("What about my order {id}? The lamp was broken.\n[[misbehave:claim_without_action]]")
    open_request(lead, case)
    expect(lead.locator(".i-claim").first).to_contain_text("The reply says $100.00 was refunded")
    expect(lead.locator(".w-row").first).to_be_visible()  # the ticket's trace next to it
    assert case.replies() == []
    form = fold(lead, "edit")
    form.get_by_label("Text").fill("Hi Kim,\n\nwe are looking into it and write again tomorrow.\n\nSupport")
    form.get_by_role("button", name="Approve as edited").click()
    expect_message(lead, "reply")
    assert case.reply() == "Hi Kim,\n\nwe are looking into it and write again tomorrow.\n\nSupport"
    assert case.refunds() == []
    assert Decision.objects.get(request__action__ticket=case.ticket_id).verdict == Decision.Verdict.EDIT
    shows_trace(lead, case, "reply succeeded", "policy: needs approval", "by lead", "reply, attempt 1")
