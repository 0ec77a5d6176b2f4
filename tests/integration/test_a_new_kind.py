"""A kind of action is one module and one row of the registry: a kind of the tests' own works everywhere."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from agentops.lib.errors import Refused
from approvals import states
from approvals.effects import execution, lookup, stops
from approvals.effects.kinds import KINDS, REPLY
from approvals.effects.kinds.reply import ungrounded_statements
from approvals.models import Action, ApprovalRequest, Attempt, AuditEvent, PolicyVersion
from approvals.policy import versions
from approvals.policy.dial import Dial, KindShare
from approvals.policy.rules import Threshold
from approvals.web.forms.policy import ThresholdRow
from approvals.web.forms.stop import StopForm
from tests.completions import replies, triage, uses
from tests.integration.history_rows import an_action
from tests.integration.test_queue_views import place, signed_in
from tests.integration.test_reconcile import make_quiet
from tests.integration.voucher import Voucher
from tests.screen import card_fields, markup
from tests.scripted import CUT, Say, Script, scripted
from tests.world import RULES, World, propose, put_rules, run_through, ticket_of

NONE, MADE = Say({"code": ""}), Say({"code": "V-1"})
ASKED_FOR = {"amount": 2_000, "currency": "USD", "reason": "The parcel was late."}


@pytest.fixture
def vouchers(world: World) -> Iterator[Script]:
    """A scripted provider of vouchers, whose kind is registered while the test runs. People approve above $10."""
    with scripted() as script, patch.dict(KINDS, voucher=Voucher(script.url)):
        limit = Threshold(kind="voucher", currency="USD", auto_up_to=1_000, block_above=100_000)
        put_rules(RULES.model_copy(update={"thresholds": [*RULES.thresholds, limit]}))
        yield script


@pytest.fixture
def maya(live_database: str) -> Client:
    return signed_in("maya")


def test_a_voucher_goes_from_the_model_to_the_customer(
    world: World, model: Script, vouchers: Script, maya: Client
) -> None:
    ticket = ticket_of(world.order(), "The parcel was late.")
    model.will_say(triage(), uses("send_voucher", ASKED_FOR))
    run = run_through(ticket)
    assert "send_voucher" in [tool["function"]["name"] for tool in model.asked[1].data["tools"]]
    action = Action.objects.get(ticket=ticket)
    assert (action.idempotency_key, action.status) == (f"{ticket.pk}:voucher:1", states.AWAITING_APPROVAL)
    assert [reason["code"] for reason in action.reasons] == ["above_threshold"]

    request = ApprovalRequest.objects.get(action=action)
    assert "Voucher" in markup(maya.get(reverse("queue"), {"kind": "voucher"}))
    card = markup(maya.get(place(request)))
    for shown in ("Voucher", "to be sent", "$20.00", "Approve $20.00", action.idempotency_key, "The parcel was late."):
        assert shown in card
    assert maya.post(place(request, "approve"), card_fields(request)).status_code < 400

    vouchers.will_say(NONE, CUT, NONE)
    execution.execute(action.pk)  # looked for, sent, and the answer is lost
    Action.objects.filter(pk=action.pk).update(not_before=None)
    action = execution.execute(action.pk)  # never sent twice: its provider keeps no keys
    assert (action.status, action.error_code) == (states.UNRESOLVED, "not_sent_again")
    unknown = markup(maya.get(reverse("queue-unknown", args=[action.pk])))
    assert "We don't know if this voucher went through" in unknown
    assert "We ask for the voucher until it shows up." in unknown
    vouchers.will_say(MADE)
    assert lookup.settle_by_lookup(action.pk).status == states.SUCCEEDED
    assert [asked.method for asked in vouchers.asked] == ["GET", "POST", "GET", "GET"]

    claim = {"kind": "voucher", "action": action.idempotency_key, "amount": 2_000, "currency": "USD"}
    model.will_say(replies("Here is a $20.00 voucher.", claims=[claim]))
    run = run_through(ticket)
    assert (run.outcome, run.reason) == ("answered", ""), [step.output for step in run.steps.all()][-1]

    assert "voucher, attempt 1" in markup(maya.get(reverse("run", args=[run.pk])))
    assert "Voucher" in markup(maya.get(reverse("actions"), {"kind": "voucher"}))
    assert "Voucher" in markup(maya.get(reverse("action", args=[action.pk])))
    verbs = AuditEvent.objects.filter(object_type="action", object_id=action.pk).values_list("verb", flat=True)
    assert {"action.proposed", "action.queued", "action.approved", "action.reconciled"} <= set(verbs)
    assert [attempt.outcome for attempt in Attempt.objects.filter(action=action)] == [
        "effect_unknown",
        "replayed_failure",
    ]


def test_a_missing_voucher_names_what_was_checked(world: World, vouchers: Script) -> None:
    action = propose(ticket_of(world.order()), "send_voucher", {**ASKED_FOR, "amount": 500})
    assert action.status == states.APPROVED, "below the threshold of its kind"
    vouchers.will_say(NONE, CUT, NONE, NONE)
    execution.execute(action.pk)
    Action.objects.filter(pk=action.pk).update(not_before=None)
    execution.execute(action.pk)
    make_quiet(action)
    assert lookup.settle_by_lookup(action.pk).status == states.FAILED
    assert Action.objects.get(pk=action.pk).error_message == "The provider has no voucher under our reference."


def test_the_forms_offer_the_new_kind(world: World, vouchers: Script) -> None:
    assert ("voucher", "Voucher") in StopForm().fields["kind"].choices
    assert ("voucher", "Voucher") in ThresholdRow().fields["kind"].choices
    assert ("reply", "Reply") not in ThresholdRow().fields["kind"].choices
    assert stops.stop_for("voucher") is None


class Note(Voucher):
    """Answers the customer, as a reply does."""

    name, tool, label = "note", "send_note", "Note"
    once_a_run = True


def test_what_answers_the_customer_is_no_effect_to_claim(world: World) -> None:
    ticket = ticket_of(world.order())
    answer = REPLY.in_words("It is done as you asked.", "Answers it.", ticket)
    with patch.dict(KINDS, note=Note("http://localhost:1")):
        an_action(ticket, kind="note")
        assert len(ungrounded_statements(answer, ticket.pk, by_agent=False)) == 1
        an_action(ticket, kind="refund")
        assert ungrounded_statements(answer, ticket.pk, by_agent=False) == []


UNKNOWN = (
    {"thresholds": [Threshold(kind="vouchr", currency="USD", auto_up_to=1, block_above=2)]},
    {"autonomy": Dial(kinds=(KindShare(kind="vouchr", percent=50),))},
)


@pytest.mark.parametrize("named", UNKNOWN, ids=["threshold", "dial"])
def test_rules_for_an_unknown_kind_are_refused(world: World, named: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        put_rules(RULES.model_copy(update=named))
    told = "Unknown kind of action: vouchr. Valid kinds: refund, cancel_order, account_change, reply."
    assert (refused.value.code, refused.value.message) == ("unknown_kind", told)


def test_rules_for_a_kind_that_is_gone_may_stay(world: World, vouchers: Script) -> None:
    del KINDS["voucher"]
    before = versions.policy_rules(versions.current_policy())
    assert put_rules(before.model_copy(update={"approval_hours": 9})).rules["approval_hours"] == 9


def test_unreadable_rules_can_be_replaced(world: World) -> None:
    PolicyVersion.objects.create(rules={"thresholds": "none"}, note="written by another release")
    assert put_rules(RULES).rules["thresholds"]


def test_the_form_names_the_kinds_that_move_money() -> None:
    row = ThresholdRow({"kind": "reply", "currency": "USD", "auto_up_to": "1", "block_above": "2"})
    told = "reply isn't a kind of action that moves money. Valid kinds: refund, cancel_order."
    assert row.errors["kind"] == [told]


def test_a_row_outlives_its_kind(world: World, maya: Client) -> None:
    ticket = ticket_of(world.order())
    with scripted() as script, patch.dict(KINDS, voucher=Voucher(script.url)):
        action = propose(ticket, "send_voucher", ASKED_FOR)
    assert "Voucher" in markup(maya.get(reverse("actions"), {"kind": "voucher"}))
    assert "Voucher" in markup(maya.get(reverse("action", args=[action.pk])))
