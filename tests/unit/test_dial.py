"""The autonomy dial: a ticket keeps its position, raising the dial only adds tickets, the lowest share applies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from approvals.effects.kinds import verdict_on
from approvals.policy import dial
from approvals.policy.dial import Dial, KindShare, Lowering, TagShare
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Outcome

tickets = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
percents = st.integers(0, 100)
KINDS = ("refund", "cancel_order", "account_change", "reply")
dials = st.builds(
    Dial,
    percent=percents,
    kinds=st.lists(
        st.builds(KindShare, kind=st.sampled_from(KINDS), percent=percents), max_size=4, unique_by=lambda row: row.kind
    ),
    tags=st.lists(
        st.builds(TagShare, tag=st.sampled_from("abc"), percent=percents), max_size=3, unique_by=lambda row: row.tag
    ),
)
known_tags = st.none() | st.lists(st.sampled_from("abcd"), unique=True).map(tuple)


def replies_alone(rules: Rules, ticket: str | None, tags: tuple[str, ...] | None = ()) -> bool:
    at = None if ticket is None else dial.position(ticket)
    return verdict_on(Facts("reply", position=at, tags=tags), rules).outcome == Outcome.AUTO_APPROVE


def at(percent: int, **more: Any) -> Rules:
    return Rules(autonomy=Dial(percent=percent, **more))


@given(tickets)
def test_a_ticket_keeps_its_position(ticket: str) -> None:
    assert 0 <= dial.position(ticket) < dial.POSITIONS
    assert dial.position(ticket) == dial.position(str(ticket))


def test_positions_do_not_change_between_releases() -> None:
    assert [dial.position(ticket) for ticket in ("T-1", "T-2", "0191c0de")] == [4972, 1369, 9116]


@given(tickets, percents, percents)
def test_raising_the_dial_only_adds_tickets(ticket: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    place = dial.position(ticket)
    assert dial.covers(low, place) <= dial.covers(high, place)
    assert replies_alone(at(low), ticket) <= replies_alone(at(high), ticket)


@given(dials, st.data(), tickets, st.sampled_from(KINDS), known_tags)
def test_raising_any_part_of_the_dial_only_adds_tickets(
    lower: Dial, data: st.DataObject, ticket: str, kind: str, tags: tuple[str, ...] | None
) -> None:
    step, floor = data.draw(percents), data.draw(percents)
    low, high = lower.lowered(step, floor), lower
    place = dial.position(ticket)
    assert dial.covers(low.share(kind, tags)[0], place) <= dial.covers(high.share(kind, tags)[0], place)


@given(dials, st.sampled_from(KINDS), st.lists(st.sampled_from("abcd"), unique=True))
def test_unknown_tags_never_automate_more_tickets(set_to: Dial, kind: str, tags: list[str]) -> None:
    assert set_to.share(kind, None)[0] <= set_to.share(kind, tags)[0]


@given(tickets)
def test_zero_percent_includes_no_ticket_and_100_percent_every_ticket(ticket: str) -> None:
    assert not replies_alone(at(0), ticket)
    assert replies_alone(at(100), ticket)


@pytest.mark.parametrize("percent", [1, 10, 40, 75, 99])
def test_the_included_share_of_tickets_matches_the_dial(percent: int) -> None:
    count = 20_000
    inside = sum(dial.covers(percent, dial.position(f"T-{number}")) for number in range(count))
    assert abs(inside / count - percent / 100) < 0.015


def test_all_actions_of_a_ticket_fall_on_the_same_side() -> None:
    for number in range(50):
        place = dial.position(f"T-{number}")
        outside = {
            "outside_autonomy" in [reason.code for reason in verdict_on(Facts(kind, position=place), at(50)).reasons]
            for kind in KINDS
        }
        assert len(outside) == 1


def test_a_ticket_without_a_position_is_outside_the_dial() -> None:
    assert not replies_alone(at(99), None)
    assert replies_alone(at(100), None)


def test_the_lowest_applicable_share_applies_and_is_named() -> None:
    set_to = Dial(
        percent=80,
        kinds=(KindShare(kind="refund", percent=40), KindShare(kind="reply", percent=90)),
        tags=(TagShare(tag="VIP", percent=10), TagShare(tag="new", percent=60)),
    )
    assert set_to.share("cancel_order", []) == (80, "")
    assert set_to.share("reply", []) == (80, "")
    assert set_to.share("refund", ["other"]) == (40, "for refund")
    assert set_to.share("refund", ["Vip ", "new"]) == (10, "for customers tagged vip")
    assert set_to.share("reply", ["new"]) == (60, "for customers tagged new")
    assert set_to.share("reply", None) == (10, "because the customer's tags are unknown")


@pytest.mark.parametrize(
    ("place", "percent"), [(0, 1), (99, 1), (100, 2), (4_999, 50), (5_000, 51), (9_899, 99), (9_999, 100)]
)
def test_the_percentage_that_reaches_a_ticket_is_the_lowest_that_covers_it(place: int, percent: int) -> None:
    assert dial.lowest_covering_percent(place) == percent
    assert dial.covers(percent, place)
    assert not dial.covers(percent - 1, place)


def test_a_fall_is_described_share_by_share() -> None:
    before = Dial(
        percent=70,
        kinds=(KindShare(kind="account_change", percent=50), KindShare(kind="reply", percent=90)),
        tags=(TagShare(tag="vip", percent=5),),
    )
    # What was above the dial counts as the dial, and what did not fall is left out.
    assert before.lowered(30, 5).falls_from(before) == [
        "from 70% to 40%",
        "for account change from 50% to 20%",
        "for reply from 70% to 40%",
    ]
    assert before.lowered(100, 0).falls_from(before)[-1] == "for customers tagged vip from 5% to 0%"
    assert before.falls_from(before) == []


def test_outside_the_dial_every_kind_needs_a_person() -> None:
    for kind in KINDS:
        verdict = verdict_on(Facts(kind, position=0), at(0))
        assert verdict.outcome in (Outcome.REQUIRE_APPROVAL, Outcome.BLOCK)
        assert "outside_autonomy" in [reason.code for reason in verdict.reasons]
    (reason,) = verdict_on(
        Facts("reply", position=600, tags=("vip",)), at(30, tags=[{"tag": "vip", "percent": 5}])
    ).reasons
    assert reason.message == (
        "Not among the 5% of tickets (for customers tagged vip) that the agent handles without approval"
    )


def test_fixed_replies_are_not_subject_to_the_dial() -> None:
    assert verdict_on(Facts("reply", fixed=True, position=0), at(0)).reasons == ()


@given(dials, percents, percents)
def test_lowering_never_raises_a_share_and_stops_at_the_floor(set_to: Dial, step: int, floor: int) -> None:
    before = [set_to.percent, *(row.percent for row in (*set_to.kinds, *set_to.tags))]
    lower = set_to.lowered(step, floor)
    after = [lower.percent, *(row.percent for row in (*lower.kinds, *lower.tags))]
    wanted = [max(old - step, min(old, floor)) for old in before]
    # Shares above the dial itself have no effect, so a step that lowers only those would change nothing.
    falls = any(min(new, wanted[0]) < min(old, before[0]) for old, new in zip(before, wanted, strict=True))
    assert after == (wanted if falls else before)


@pytest.mark.parametrize(
    "rules",
    [
        {"autonomy": {"percent": 101}},
        {"autonomy": {"percent": -1}},
        {"autonomy": {"kinds": [{"kind": "A gift", "percent": 1}]}},
        {"autonomy": {"kinds": [{"kind": "reply", "percent": 1}, {"kind": "reply", "percent": 2}]}},
        {"autonomy": {"tags": [{"tag": "vip", "percent": 1}, {"tag": " VIP", "percent": 2}]}},
        {"autonomy": {"tags": [{"tag": " ", "percent": 1}]}},
        {"lowering": {"rejected_percent": 0}},
        {"lowering": {"at_least": 0}},
        {"lowering": {"step": 0}},
    ],
)
def test_an_invalid_dial_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(rules)


def test_nothing_is_watched_unless_a_rate_is_set() -> None:
    assert not Lowering().watches
    assert Lowering(failed_percent=5).watches
