"""The dial lowers itself when rejections or failures reach the configured rate: once, with the figures."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import reverse

from agentops.lab.demo_policy import make_policy
from agentops.lab.people import GROUPS, make_people
from agentops.worker.sweep import Sweep
from approvals import states
from approvals.effects import execution, lookup
from approvals.effects.kinds import KINDS
from approvals.models import Action, AuditEvent, DialLowering, PolicyVersion
from approvals.policy import lowering, versions
from approvals.policy.dial import Dial, KindShare, Lowering
from approvals.policy.rules import Rules
from tests.integration.books import make_quiet
from tests.integration.history_rows import an_action, an_attempt, asked, signed_in
from tests.screen import markup
from tests.world import World, at_once, propose, put_rules, refund_arguments, ticket_of

WATCHED = Lowering(rejected_percent=25, failed_percent=10, at_least=4, step=30, floor=20)


@pytest.fixture(autouse=True)
def rules(live_database: str) -> None:
    put()


def put(percent: int = 100, rule: Lowering = WATCHED, **more: Any) -> PolicyVersion:
    # Use another setting first, so that rows of other tests are no evidence here.
    versions.save_policy(rules=Rules(autonomy=Dial(percent=1)), by=None, note="before")
    return versions.save_policy(
        rules=Rules(autonomy=Dial(percent=percent, **more), lowering=rule), by=None, note="test", kinds=KINDS
    )


def decided(*verdicts: str) -> None:
    for verdict in verdicts:
        asked(an_action(run_id=1, status="approved"), verdict, after=timedelta())


def ended(*statuses: str, **more: Any) -> None:
    for status in statuses:
        an_action(**{"run_id": 1, "status": status, **more})


def lowered() -> PolicyVersion | None:
    due = lowering.due()
    return lowering.lower_dial(due[0]) if due else None


def percent() -> int:
    return versions.policy_rules(versions.current_policy()).autonomy.percent


def test_rejections_at_the_rate_lower_the_dial_with_a_notice() -> None:
    decided("approve", "edit", "approve")
    assert lowering.due() == []  # too few for any conclusion
    decided("reject")
    before = versions.current_policy()
    made = lowered()
    assert made is not None
    assert (percent(), made.created_by) == (70, None)
    assert made.note == (
        "Dial lowered automatically from 100% to 70%: 1 of 4 decisions were rejections (25%, limit 25%)."
    )
    event = AuditEvent.objects.filter(verb="dial.lowered").latest("pk")
    assert (event.actor, event.object_id, event.after["percent"]) == ("system", str(made.pk), 70)
    assert event.after["figures"] == [{"what": "rejected", "part": 1, "whole": 4, "limit": 25, "at_least": 4}]
    assert {**made.rules, "autonomy": 0} == {**before.rules, "autonomy": 0}


def test_failures_of_automatic_actions_lower_the_dial() -> None:
    ended("succeeded", "succeeded", "succeeded", verdict="auto_approve")
    ended("failed", verdict="require_approval")  # approved by a person
    ended("failed", verdict="auto_approve", run_id=None)  # not proposed by the agent
    assert lowered() is None
    ended("failed", verdict="auto_approve")
    made = lowered()
    assert made is not None
    assert "1 of 4 auto-approved actions failed (25%, limit 10%)" in made.note


def outcome_unknown(world: World) -> Action:
    """Return automatic refunds that the provider answered only with errors."""
    order = world.order()
    action = propose(ticket_of(order), "refund", refund_arguments(order, 2_000), run_id=1)
    assert action.verdict == "auto_approve"
    world.faults("POST /refunds", "error_500_before")
    with override_settings(RETRY_BASE_SECONDS=0.0):
        while action.status == states.APPROVED:
            action = execution.execute(action.pk)
    world.simulator.faults()
    assert action.status == states.UNRESOLVED
    return action


def test_unknown_outcomes_lower_the_dial_once_like_failures(world: World) -> None:
    put_rules(autonomy=Dial(percent=1))
    put_rules(autonomy=Dial(), lowering=WATCHED)
    lost = [outcome_unknown(world) for _ in range(4)]
    made = lowered()
    assert made is not None
    assert "4 of 4 auto-approved actions failed" in made.note
    for action in lost:  # their final outcome is known by now, and was counted already
        make_quiet(action)
        lookup.settle_by_lookup(action.pk)
        action.refresh_from_db()
        assert action.status == states.FAILED
    assert lowering.rates(made, versions.policy_rules(made))[1].whole == 0


def test_a_late_failure_counts_when_it_failed(world: World) -> None:
    action = an_action(run_id=1, status="failed", verdict="auto_approve")
    an_attempt(action, at=versions.current_policy().created_at - timedelta(days=3))
    version = versions.current_policy()
    assert lowering.rates(version, versions.policy_rules(version))[1].part == 1


def test_below_the_rate_nothing_happens() -> None:
    decided(*["approve"] * 4, "reject")
    ended(*["succeeded"] * 10, "failed")
    assert lowering.due() == []


def test_only_new_evidence_lowers_the_dial_again() -> None:
    decided("reject", "reject", "reject", "reject")
    assert lowered() is not None
    assert lowered() is None
    decided("reject", "reject", "reject")
    assert lowered() is None
    decided("reject")
    assert lowered() is not None
    assert percent() == 40


def test_lowering_stops_at_the_floor() -> None:
    put(30)
    decided(*["reject"] * 4)
    assert lowered() is not None
    assert percent() == 20
    decided(*["reject"] * 4)
    assert lowering.due() == []


def test_a_kinds_share_is_lowered_together_with_the_dial() -> None:
    put(100, kinds=(KindShare(kind="refund", percent=60),))
    decided(*["reject"] * 4)
    made = lowered()
    assert made is not None
    assert made.note.startswith("Dial lowered automatically from 100% to 70%, for refund from 60% to 30%: 4 of 4")
    assert versions.policy_rules(versions.current_policy()).autonomy.kinds == (KindShare(kind="refund", percent=30),)


def test_a_kinds_share_above_the_dial_falls_from_the_dial() -> None:
    put(50, kinds=(KindShare(kind="refund", percent=70),))
    decided(*["reject"] * 4)
    made = lowered()
    assert made is not None
    assert made.note.startswith("Dial lowered automatically from 50% to 20%, for refund from 50% to 20%: ")


def test_shares_above_a_dial_at_its_floor_stay() -> None:
    put(20, kinds=(KindShare(kind="refund", percent=100),))
    decided(*["reject"] * 4)
    assert lowering.due() == []


def test_other_policy_changes_keep_the_evidence() -> None:
    decided("reject", "reject")
    rules = versions.policy_rules(versions.current_policy())
    versions.save_policy(rules=rules.model_copy(update={"approval_hours": 5}), by=None, note="other")
    decided("reject", "reject")
    assert lowered() is not None


def test_evidence_older_than_the_window_is_ignored(settings: Any) -> None:
    put(rule=WATCHED.model_copy(update={"window_days": 1}))
    decided(*["reject"] * 4)
    version = versions.current_policy()
    old = timedelta(days=2)
    rates = lowering.rates(version, versions.policy_rules(version))
    assert rates[0].whole == 4
    for _ in range(4):
        action = an_action(run_id=1, status="approved", created_at=version.created_at - old)
        asked(action, "reject", after=timedelta())
    assert lowering.rates(version, versions.policy_rules(version))[0].whole == 4


def test_without_a_rate_the_dial_is_never_lowered() -> None:
    put(rule=Lowering())
    decided(*["reject"] * 30)
    assert lowering.due() == []


def test_concurrent_sweeps_lower_the_dial_once() -> None:
    decided(*["reject"] * 4)
    [version] = lowering.due()
    made = at_once(*[lambda: lowering.lower_dial(version)] * 6)
    assert len([one for one in made if one is not None]) == 1
    assert percent() == 70


def test_a_version_saved_in_between_is_not_lowered() -> None:
    decided(*["reject"] * 4)
    [version] = lowering.due()
    put(90)
    assert lowering.lower_dial(version) is None
    assert percent() == 90


def test_the_sweep_lowers_the_dial() -> None:
    decided(*["reject"] * 4)
    sweep = Sweep()
    for work in sweep.round().values():
        work.result(timeout=20)
    sweep.close()
    assert percent() == 70


def test_everyone_sees_the_notice_until_an_admin_acknowledges_it() -> None:
    decided(*["reject"] * 4)
    made = lowered()
    assert made is not None
    lead, admin = signed_in(), signed_in("the-admin", "admin")
    for page in ("dashboard", "policy", "policy-autonomy"):
        shown = markup(lead.get(reverse(page)))
        assert "Dial lowered automatically from 100% to 70%" in shown
        assert "Dismiss" not in shown
    assert "Dismiss" in markup(admin.get(reverse("policy")))
    address = reverse("policy-dial-seen", args=[made.pk])
    assert lead.post(address).status_code == 403
    assert admin.post(address).status_code == 302
    assert DialLowering.objects.get(version=made).acknowledged_by.username == "the-admin"
    assert "lowered itself from" not in markup(lead.get(reverse("dashboard")))


def test_a_newer_dial_setting_removes_the_notice() -> None:
    decided(*["reject"] * 4)
    assert lowered() is not None
    assert lowering.unseen_lowering() is not None
    put(90)
    assert lowering.unseen_lowering() is None


def test_another_policy_change_keeps_the_notice() -> None:
    decided(*["reject"] * 4)
    made = lowered()
    rules = versions.policy_rules(versions.current_policy())
    versions.save_policy(rules=rules.model_copy(update={"approval_hours": 9}), by=None, note="Longer.")
    notice = lowering.unseen_lowering()
    assert notice is not None
    assert notice.version == made


def test_restarting_a_demo_keeps_the_lowered_dial() -> None:
    make_people(dict.fromkeys(GROUPS, "secret"))
    make_policy(by="admin")
    rules = versions.policy_rules(versions.current_policy())
    put_again = rules.model_copy(update={"autonomy": Dial(percent=90), "lowering": WATCHED})
    versions.save_policy(rules=put_again, by=User.objects.get(username="admin"), note="watched")
    decided(*["reject"] * 4)
    assert lowered() is not None
    make_policy(by="admin")
    assert percent() == 60
