"""A provider that refuses effects is visible on the dashboard, and its failing step is two clicks away."""

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from agentops.models import Step
from agentops.telemetry import tallies
from approvals.decisions import decide
from approvals.models import ApprovalRequest
from tests.completions import hands_over, triage, uses
from tests.integration.history_rows import link, signed_in
from tests.screen import markup
from tests.scripted import Say, Script
from tests.world import World, refund_arguments, run_through, ticket_of
from tickets.models import Ticket

REFUSED = Say({"error": {"code": "insufficient_funds", "message": "<script>alert(1)</script>"}}, 402)


def refunding(world: World, model: Script, *then: Say, amount: int = 2_000) -> tuple[Ticket, Any]:
    order = world.order()
    model.will_say(triage(), uses("refund", refund_arguments(order, amount)), *then)
    ticket = ticket_of(order, subject="A <b>lamp</b>")
    return ticket, run_through(ticket)


def test_the_dashboard_leads_to_a_refused_refund_in_two_clicks(
    world: World, model: Script, payments: Script, lead: User
) -> None:
    waits, _ = refunding(world, model, amount=6_000)
    request = ApprovalRequest.objects.get(action__ticket=waits)
    decide.reject(request_id=request.pk, by=lead, seen=decide.seen_now(request), reason="It is not broken.")
    model.will_say(hands_over())
    run_through(waits)
    for _ in range(3):
        payments.will_say(REFUSED)
        _, run = refunding(world, model, hands_over())
    tallies.roll_up(0)
    maya = signed_in()
    page = markup(maya.get(reverse("dashboard")))
    assert '<span class="badge is-danger d-extra" title="More than a fifth failed' in page
    listed = markup(maya.get(link(page, "show=failed")))
    assert listed.count("Step 2 of") == 3  # not the one that a person rejected
    step = Step.objects.get(run=run, name="refund")
    assert (step.error_code, step.error_class) == ("failed", "terminal")
    assert link(listed, f"/runs/{run.pk}/") == f"/runs/{run.pk}/?step={step.index}#step"
    trace = markup(maya.get(f"/runs/{run.pk}/?step={step.index}"))
    assert "insufficient_funds" in trace
    assert "<script>alert" not in listed + trace
    assert "<b>lamp" not in listed + trace
