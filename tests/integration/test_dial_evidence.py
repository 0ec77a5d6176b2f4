"""The evidence for a dial setting: counted exactly over real rows, up to a limit."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from approvals.effects.kinds import KINDS
from approvals.effects.recorded_facts import recorded_facts
from approvals.models import Action
from approvals.policy import dial, versions
from approvals.policy.dial import Dial, KindShare, TagShare
from approvals.policy.rules import Rules
from approvals.web.queries.evidence import auto_approved_from, evidence
from tests.integration.history_rows import a_ticket, an_action, asked, signed_in
from tests.screen import markup

RULES = Rules(autonomy=Dial(percent=100))
_places = iter(range(10_000))


@pytest.fixture(autouse=True)
def rules(db: None) -> None:
    versions.save_policy(kinds=KINDS, rules=RULES, by=None, note="for a test")


def a_reply(**more: Any) -> Action:
    """Create a reply that the rules would approve without the dial."""
    given = {"facts": {"kind": "reply"}, "kind": "reply", "run_id": 1, "params": {"text": "Hello."}}
    return an_action(a_ticket(), **{**given, **more})


def starts(action: Action) -> int:
    """Return the dial setting from which the action's ticket is inside."""
    return dial.lowest_covering_percent(dial.position(action.ticket_id))


def test_an_action_counts_from_the_setting_that_includes_its_ticket(db: None) -> None:
    replies = [a_reply() for _ in range(12)]
    found = evidence(RULES, 14)
    assert (found.actions, found.whole, len(found.points)) == (12, True, 101)
    for point in found.points:
        assert point.alone == sum(starts(reply) <= point.percent for reply in replies)


def test_decisions_count_for_actions_that_would_be_automatic(db: None) -> None:
    edited, rejected, approved, failed, open_one = [a_reply() for _ in range(5)]
    asked(edited, "edit")
    asked(rejected, "reject")
    asked(approved, "approve")
    asked(open_one)
    Action.objects.filter(pk=failed.pk).update(error_code="x")
    lost, late = a_reply(status="failed"), a_reply(status="expired")
    found = evidence(RULES, 14)
    for point in found.points:
        assert point.edited == (starts(edited) <= point.percent)
        assert point.rejected == (starts(rejected) <= point.percent)
        assert point.failed == (starts(lost) <= point.percent)
        assert point.expired == (starts(late) <= point.percent)
        assert point.decided == sum(starts(reply) <= point.percent for reply in (edited, rejected, approved))
    assert found.points[100].alone == 7


def test_an_action_that_other_rules_stop_is_never_automatic(db: None) -> None:
    an_action(run_id=1, facts={"kind": "refund", "amount": 4_200, "currency": "USD"})  # there is no limit
    a_reply(facts={"kind": "reply", "ungrounded": ["It promises a refund."]})
    found = evidence(RULES, 14)
    assert (found.actions, found.points[100].alone) == (2, 0)


def test_a_kind_or_tag_share_caps_the_dial(db: None) -> None:
    reply = a_reply(facts={"kind": "reply", "tags": ["VIP"]})
    facts, start = recorded_facts(reply), starts(reply)
    for capped in (
        Dial(percent=100, kinds=(KindShare(kind="reply", percent=start - 1),)),
        Dial(percent=100, tags=(TagShare(tag="vip", percent=start - 1),)),
    ):
        assert auto_approved_from(Rules(autonomy=capped), facts) is None
    enough = Dial(percent=0, kinds=(KindShare(kind="reply", percent=start),), tags=(TagShare(tag="new", percent=0),))
    assert auto_approved_from(Rules(autonomy=enough), facts) == start


def test_without_recorded_tags_no_tag_applies_and_it_says_so(db: None) -> None:
    reply = a_reply()
    rules = RULES.model_copy(update={"autonomy": Dial(percent=100, tags=(TagShare(tag="vip", percent=0),))})
    found = evidence(rules, 14)
    assert (found.points[100].alone, found.untagged) == (1, 1)
    assert auto_approved_from(rules, recorded_facts(reply)) == starts(reply)
    versions.save_policy(kinds=KINDS, rules=rules, by=None, note="for the page")
    page = markup(signed_in().get(reverse("policy-autonomy")))
    assert "1 of them has no recorded customer tags" in page.replace("&#x27;", "'")


def test_only_the_agents_own_proposals_are_evidence(db: None) -> None:
    a_reply(run_id=None)
    a_reply(facts={"kind": "reply", "fixed": True})
    assert evidence(RULES, 14).actions == 0


def test_only_the_newest_actions_are_counted_and_it_says_so(db: None) -> None:
    replies = [a_reply() for _ in range(5)]
    found = evidence(RULES, 14, sample=3)
    assert (found.actions, found.whole, found.oldest) == (3, False, replies[2].created_at)
    page = signed_in().get(reverse("policy-autonomy"))
    assert "Based on every action the agent proposed" in " ".join(markup(page).split())
    context = page.context[0].flatten() | page.context[-1].flatten()
    said = render_to_string("approvals/autonomy.html", context | {"evidence": found})
    assert "Based on the latest 3 proposals" in " ".join(said.split())


# --- the page ------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(db: None) -> Iterator[Client]:
    return signed_in("the-admin", "admin")


def entered(client: Client, **different: str) -> dict[str, str]:
    page = client.get(reverse("policy-autonomy"))
    form = page.context["form"]
    fields = {"note": "Because the test says so", "based_on": based_on(markup(page))}
    for part in (form.dial, form.kinds, form.tags.management_form, *form.tags.forms, form.lowering):
        for field in part:
            value = field.value()
            if value is not None and value is not False:
                fields[field.html_name] = str(value)
    return fields | different


def based_on(page: str) -> str:
    found = re.search(r'name="based_on" value="(\d+)"', page)
    assert found
    return found[1]


def seen(client: Client, fields: dict[str, str]) -> str:
    return str(client.post(reverse("policy-autonomy"), {**fields, "do": "preview"}).context["previewed"])


def test_the_dial_is_saved_after_its_evidence_was_shown(admin: Client) -> None:
    fields = entered(
        admin,
        percent="40",
        **{"kind-refund": "10", "tags-0-tag": "VIP", "tags-0-percent": "5", "lower-rejected_percent": "25"},
    )
    address = reverse("policy-autonomy")
    unseen = admin.post(address, {**fields, "do": "save"})
    assert "Not saved yet" in markup(unseen)
    answer = admin.post(address, {**fields, "do": "save", "previewed": seen(admin, fields)})
    assert answer.status_code == 302
    saved = versions.current_policy()
    rules = versions.policy_rules(saved)
    assert rules.autonomy == Dial(
        percent=40, kinds=(KindShare(kind="refund", percent=10),), tags=(TagShare(tag="vip", percent=5),)
    )
    assert (rules.lowering.rejected_percent, rules.lowering.failed_percent) == (25, None)
    assert (saved.note, saved.created_by.username) == ("Because the test says so", "the-admin")
    assert rules.model_copy(update={"autonomy": RULES.autonomy, "lowering": RULES.lowering}) == RULES
    assert "At most 10%" in markup(signed_in().get(reverse("policy")))


def test_moving_the_dial_returns_only_the_evidence(admin: Client) -> None:
    replies = [a_reply() for _ in range(8)]
    asked(replies[0], "edit")
    headers = {"HX-Request": "true", "HX-Target": "div#evidence"}
    for percent in (0, 50, 100):
        answer = admin.post(reverse("policy-autonomy"), entered(admin, percent=str(percent)), headers=headers)
        page = markup(answer)
        assert "<html" not in page
        alone = sum(starts(reply) <= percent for reply in replies)
        assert f"At <strong>{percent}%</strong>, <strong>{alone}</strong> of the last 14 days' 8 actions" in page
        edited = int(starts(replies[0]) <= percent)
        assert f"people edited <strong>{edited}</strong> and rejected <strong>0</strong>." in page
        assert f"People decided <strong>{edited}</strong> of the {alone}." in page


def test_everyone_may_preview_a_setting_but_only_admins_save(db: None) -> None:
    a_reply()
    lead = signed_in()
    address = reverse("policy-autonomy")
    assert "At <strong>0%</strong>, <strong>0</strong> of" in markup(lead.get(address, {"percent": "0"}))
    assert "At <strong>100%</strong>" in markup(lead.get(address, {"percent": "140"}))
    assert lead.post(address, {"percent": "50", "do": "save"}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent": "101"},
        {"percent": ""},
        {"kind-refund": "-1"},
        {"tags-0-tag": "a", "tags-0-percent": ""},
        {"tags-0-tag": "a", "tags-0-percent": "1", "tags-1-tag": "A", "tags-1-percent": "2"},
        {"lower-at_least": "0"},
    ],
)
def test_an_invalid_setting_is_reported_next_to_the_field(admin: Client, wrong: dict[str, str]) -> None:
    before = versions.current_policy().pk
    answer = admin.post(reverse("policy-autonomy"), {**entered(admin, **wrong), "do": "save"})
    assert answer.status_code == 422
    assert versions.current_policy().pk == before


def test_unreadable_rules_are_reported(db: None) -> None:
    from_elsewhere = versions.current_policy()
    type(from_elsewhere).objects.create(rules={"autonomy": "much"}, note="by hand")
    assert "can't be read" in markup(signed_in().get(reverse("policy-autonomy")))


@pytest.mark.parametrize("looked", ["before", "after"])
def test_a_form_opened_before_an_automatic_lowering_saves_nothing(admin: Client, looked: str) -> None:
    fields = entered(admin, percent="90")
    proof = seen(admin, fields) if looked == "before" else ""
    lowered = RULES.model_copy(update={"autonomy": Dial(percent=35)})
    made = versions.save_policy(kinds=KINDS, rules=lowered, by=None, note="The dial lowered itself from 100% to 35%.")
    page = admin.post(reverse("policy-autonomy"), {**fields, "do": "preview"})
    assert based_on(markup(page)) == fields["based_on"]
    proof = proof or str(page.context["previewed"])
    answer = admin.post(reverse("policy-autonomy"), {**fields, "do": "save", "previewed": proof})
    assert answer.status_code == 409
    said = markup(answer)
    assert f"saved version {made.pk} in the meantime" in said
    assert "lowered itself from 100% to 35%" in said
    assert "At <strong>35%</strong>" in said
    assert based_on(said) == str(made.pk)
    assert versions.current_policy() == made
    fields = entered(admin, percent="90")
    again = admin.post(reverse("policy-autonomy"), {**fields, "do": "save", "previewed": seen(admin, fields)})
    assert again.status_code == 302
    assert versions.policy_rules(versions.current_policy()).autonomy.percent == 90


@pytest.mark.parametrize("given", [None, "x", "999999999"])
def test_a_form_without_a_version_saves_nothing(admin: Client, given: str | None) -> None:
    before = versions.current_policy()
    fields = entered(admin, percent="90")
    fields.pop("based_on")
    fields |= {} if given is None else {"based_on": given}
    answer = admin.post(reverse("policy-autonomy"), {**fields, "do": "save", "previewed": seen(admin, fields)})
    assert answer.status_code == 422
    assert "doesn't name the version" in markup(answer)
    assert versions.current_policy() == before
