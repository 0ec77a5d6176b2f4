"""The policy's pages: everyone may read, admins change, and the effect is previewed before saving."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from agentops.lib.errors import Refused
from approvals.effects.kinds import KINDS
from approvals.models import PolicyVersion
from approvals.policy import versions
from approvals.policy.dial import Dial
from approvals.policy.rules import CurrencyLimit, Rules, Threshold
from tests.screen import markup
from tests.world import World, propose_refund

RULES = Rules(
    thresholds=[Threshold(kind="refund", currency="USD", auto_up_to=5_000, block_above=100_000)],
    customer_30_days=[CurrencyLimit(currency="USD", up_to=20_000)],
    agent_today=[CurrencyLimit(currency="JPY", up_to=30_000)],
)
EDIT = "policy-edit"


def signed_in(group: str) -> Client:
    user, _ = User.objects.get_or_create(username=f"the-{group}")
    user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in("admin")


@pytest.fixture
def version(db: None) -> PolicyVersion:
    return versions.save_policy(kinds=KINDS, rules=RULES, by=None, note="Where the test starts")


def entered(client: Client, query: str = "", **different: Any) -> dict[str, Any]:
    """Return what the form would submit, with these fields changed."""
    page = client.get(reverse(EDIT) + query)
    form = page.context["form"]
    fields: dict[str, Any] = {"based_on": based_on(markup(page))}
    for part in (form.general, *(table for _, _, table in form.tables)):
        rows = [part] if not hasattr(part, "forms") else [part.management_form, *part.forms]
        for row in rows:
            for field in row:
                value = field.value()
                if value is not None and value is not False:
                    fields[field.html_name] = value if isinstance(value, list) else str(value)
    return fields | {"note": "Because the test says so"} | different


def based_on(page: str) -> str:
    found = re.search(r'name="based_on" value="(\d+)"', page)
    assert found
    return found[1]


def previewed(page: str) -> str:
    found = re.search(r'name="previewed" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def save(client: Client, fields: dict[str, Any]) -> None:
    """Preview, then save, as a person does."""
    page = markup(client.post(reverse(EDIT), {**fields, "do": "preview"}))
    answer = client.post(reverse(EDIT), {**fields, "do": "save", "previewed": previewed(page)})
    assert answer.status_code == 302


def test_everyone_reads_the_policy_and_only_admins_change_it(db: None, version: PolicyVersion) -> None:
    for group in ("lead", "auditor"):
        reader = signed_in(group)
        page = markup(reader.get(reverse("policy")))
        assert "$50.00" in page
        assert "Where the test starts" in page
        assert "Edit policy" not in page
        assert reader.get(reverse(EDIT)).status_code == 403
        assert reader.post(reverse(EDIT)).status_code == 403


def test_a_policy_change_records_who_and_why(admin: Client, version: PolicyVersion) -> None:
    save(admin, entered(admin, **{"thresholds-0-auto_up_to": "62.50", "share_of_order_percent": "70"}))
    saved = versions.current_policy()
    rules = versions.policy_rules(saved)
    assert saved.pk > version.pk
    assert saved.note == "Because the test says so"
    assert saved.created_by is not None
    assert saved.created_by.username == "the-admin"
    assert (rules.thresholds[0].auto_up_to, rules.share_of_order_percent) == (6_250, 70)
    assert rules.agent_today == RULES.agent_today


def test_the_preview_needs_no_note_but_saving_does(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin, note="")
    page = admin.post(reverse(EDIT), {**fields, "do": "preview"})
    assert page.status_code == 200
    proof = previewed(markup(page))
    assert admin.post(reverse(EDIT), {**fields, "do": "save", "previewed": proof}).status_code == 422
    assert versions.current_policy().pk == version.pk


def test_a_change_without_a_preview_is_not_saved(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin, **{"thresholds-0-auto_up_to": "70"})
    answer = admin.post(reverse(EDIT), {**fields, "do": "save"})
    assert "Not saved yet" in markup(answer)
    shown = previewed(markup(answer))
    other = {**fields, "thresholds-0-auto_up_to": "900"}
    answer = admin.post(reverse(EDIT), {**other, "do": "save", "previewed": shown})
    assert "Not saved yet" in markup(answer)
    assert versions.current_policy().pk == version.pk


def test_the_effect_is_counted_over_real_actions(live_database: str, world: World) -> None:
    admin = signed_in("admin")
    action = propose_refund(world.order(), 8_000)
    fields = entered(admin)
    index = next(name[: -len("-currency")] for name, value in fields.items() if value == "USD")
    page = admin.post(reverse(EDIT), {**fields, f"{index}-auto_up_to": "90.00", "do": "preview"})
    preview = page.context["preview"]
    assert preview.auto_then == preview.auto_now + 1
    assert action.pk in [example.pk for example, _old, _new in preview.examples]


def test_rows_can_be_added_and_removed_without_javascript(admin: Client, version: PolicyVersion) -> None:
    spare = {
        "thresholds-1-kind": "cancel_order",
        "thresholds-1-currency": "jpy",
        "thresholds-1-auto_up_to": "7000",
        "thresholds-1-block_above": "90000",
        "customer-0-DELETE": "on",
    }
    save(admin, entered(admin, **spare))
    rules = versions.policy_rules(versions.current_policy())
    assert rules.thresholds[1] == Threshold(kind="cancel_order", currency="JPY", auto_up_to=7_000, block_above=90_000)
    assert rules.customer_30_days == []


def test_adding_rows_keeps_the_entered_values(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin, **{"thresholds-0-auto_up_to": "33.00"})
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "rows"}))
    assert 'value="33.00"' in page
    assert 'name="thresholds-5-currency"' in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("note", "", "required"),
        ("thresholds-0-currency", "XYZ", "isn't an ISO 4217 currency"),
        ("thresholds-0-auto_up_to", "50.005", "more decimals"),
        ("thresholds-0-auto_up_to", "-1", "isn't an amount"),
        ("thresholds-0-auto_up_to", "12,50", "Enter it like 12.50"),
        ("thresholds-0-auto_up_to", "2000", "at least the auto-approve amount"),
        ("share_of_order_percent", "101", "less than or equal to 100"),
    ],
)
def test_an_invalid_value_is_returned_with_the_reason(
    admin: Client, version: PolicyVersion, field: str, value: str, said: str
) -> None:
    asked = "save" if field == "note" else "preview"
    answer = admin.post(reverse(EDIT), {**entered(admin, **{field: value}), "do": asked})
    assert answer.status_code == 422
    assert said in markup(answer)


def test_two_rows_for_one_currency_are_refused(admin: Client, version: PolicyVersion) -> None:
    twice = {
        "thresholds-1-kind": "refund",
        "thresholds-1-currency": "USD",
        "thresholds-1-auto_up_to": "1",
        "thresholds-1-block_above": "2",
    }
    answer = admin.post(reverse(EDIT), {**entered(admin, **twice), "do": "preview"})
    assert answer.status_code == 422
    assert "two rows" in markup(answer)


def test_an_older_version_is_restored_as_a_new_one(admin: Client, version: PolicyVersion) -> None:
    save(admin, entered(admin, share_of_order_percent="10"))
    assert "Restore version" in markup(admin.get(reverse("policy-version", args=[version.pk])))
    fields = entered(admin, f"?from={version.pk}")
    save(admin, {**fields, "note": f"Restores version {version.pk}."})
    assert versions.current_policy().rules == version.rules
    assert versions.current_policy().pk > version.pk + 1


def test_htmx_is_redirected_to_the_policy_after_saving(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin, share_of_order_percent="20")
    headers = {"HX-Request": "true", "HX-Target": "div#policy"}
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "preview"}, headers=headers))
    assert "<html" not in page
    answer = admin.post(reverse(EDIT), {**fields, "do": "save", "previewed": previewed(page)}, headers=headers)
    assert answer.headers["HX-Redirect"] == reverse("policy")


def test_the_acknowledgement_text_may_not_claim_anything(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin, acknowledge="failed", acknowledgement="Your refund is on its way.")
    refused = admin.post(reverse(EDIT), {**fields, "do": "preview"})
    assert refused.status_code == 422
    assert "The message must not claim or promise anything." in markup(refused)
    save(admin, {**fields, "acknowledgement": "We have your message."})
    rules = versions.policy_rules(versions.current_policy())
    assert (rules.acknowledge, rules.acknowledgement) == ("failed", "We have your message.")
    assert "We have your message." in markup(admin.get(reverse("policy")))


def test_the_policy_says_which_blocked_requests_the_agent_may_decline(admin: Client, version: PolicyVersion) -> None:
    assert "Go to a person</dd>" in markup(admin.get(reverse("policy")))
    save(admin, entered(admin, agent_may_decline=["refund"]))
    assert versions.policy_rules(versions.current_policy()).agent_may_decline == ["refund"]
    assert "Go to a person, except that the agent may decline alone: refund" in markup(admin.get(reverse("policy")))
    save(admin, entered(admin, agent_may_decline=[]))
    assert versions.policy_rules(versions.current_policy()).agent_may_decline == []


def test_fields_outside_the_form_stay_unchanged(admin: Client, version: PolicyVersion) -> None:
    versions.save_policy(
        kinds=KINDS, rules=RULES.model_copy(update={"autonomy": Dial(percent=35)}), by=None, note="Dialled down"
    )
    save(admin, entered(admin, share_of_order_percent="10"))
    assert versions.policy_rules(versions.current_policy()).autonomy.percent == 35


def test_restoring_a_version_restores_its_dial_and_says_so(admin: Client, version: PolicyVersion) -> None:
    versions.save_policy(
        kinds=KINDS, rules=RULES.model_copy(update={"autonomy": Dial(percent=35)}), by=None, note="Dialled down"
    )
    fields = {**entered(admin, f"?from={version.pk}"), "from": str(version.pk)}
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "preview"}))
    assert "including its dial at 100%" in page
    save(admin, fields)
    assert versions.policy_rules(versions.current_policy()).autonomy.percent == 100


def test_a_version_saved_in_the_meantime_is_not_overwritten(db: None, version: PolicyVersion) -> None:
    versions.save_policy(kinds=KINDS, rules=RULES, by=None, note="Somebody was quicker")
    with pytest.raises(Refused, match="in the meantime"):
        versions.save_policy(kinds=KINDS, rules=RULES, by=None, note="Too late", based_on=version.pk)


@pytest.mark.parametrize("when", ["before the preview", "after the preview"])
def test_an_outdated_form_saves_nothing_and_shows_the_new_version(
    admin: Client, version: PolicyVersion, when: str
) -> None:
    fields = entered(admin, share_of_order_percent="70")
    stricter = RULES.model_copy(update={"share_of_order_percent": 15, "autonomy": Dial(percent=35)})

    def newer() -> PolicyVersion:
        return versions.save_policy(kinds=KINDS, rules=stricter, by=None, note="The dial lowered itself.")

    made = newer() if when == "before the preview" else None
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "preview"}))
    assert based_on(page) == str(version.pk)
    made = made or newer()
    answer = admin.post(reverse(EDIT), {**fields, "do": "save", "previewed": previewed(page)})
    assert answer.status_code == 409
    said = markup(answer)
    assert f"saved version {made.pk} in the meantime" in said
    assert "The dial lowered itself." in said
    assert "dial at 35%" in said
    assert based_on(said) == str(made.pk)
    assert answer.context["form"].general["share_of_order_percent"].value() == 15
    assert versions.current_policy() == made
    save(admin, entered(admin, share_of_order_percent="70"))
    rules = versions.policy_rules(versions.current_policy())
    assert (rules.share_of_order_percent, rules.autonomy.percent) == (70, 35)


@pytest.mark.parametrize("given", [None, "", "no number", "0", "999999999", "9" * 40])
def test_a_form_without_a_version_saves_nothing_and_says_so(
    admin: Client, version: PolicyVersion, given: str | None
) -> None:
    fields = entered(admin, share_of_order_percent="70")
    fields.pop("based_on")
    fields |= {} if given is None else {"based_on": given}
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "preview"}))
    answer = admin.post(reverse(EDIT), {**fields, "do": "save", "previewed": previewed(page)})
    assert answer.status_code == 422
    assert "doesn't name the version" in markup(answer)
    assert based_on(markup(answer)) == str(version.pk)
    assert versions.current_policy() == version


def test_adding_rows_keeps_the_forms_version(admin: Client, version: PolicyVersion) -> None:
    fields = entered(admin)
    versions.save_policy(kinds=KINDS, rules=RULES, by=None, note="Somebody was quicker")
    page = markup(admin.post(reverse(EDIT), {**fields, "do": "rows"}))
    assert based_on(page) == str(version.pk)


def test_restoring_does_not_undo_changes_made_in_the_meantime(admin: Client, version: PolicyVersion) -> None:
    versions.save_policy(
        kinds=KINDS, rules=RULES.model_copy(update={"autonomy": Dial(percent=60)}), by=None, note="Dialled down"
    )
    fields = {**entered(admin, f"?from={version.pk}"), "from": str(version.pk)}
    proof = previewed(markup(admin.post(reverse(EDIT), {**fields, "do": "preview"})))
    lowered = RULES.model_copy(update={"autonomy": Dial(percent=35)})
    made = versions.save_policy(kinds=KINDS, rules=lowered, by=None, note="The dial lowered itself.")
    answer = admin.post(reverse(EDIT), {**fields, "do": "save", "previewed": proof})
    assert answer.status_code == 409
    assert versions.current_policy() == made
