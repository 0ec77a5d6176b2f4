"""How values are displayed to people."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from approvals.web.templatetags import formats
from approvals.web.templatetags.shell import badge


def test_money_uses_the_digits_of_its_currency() -> None:
    assert formats.money(8400, "USD") == "$84.00"
    assert formats.money(8400, "JPY") == "¥8,400"
    assert formats.money(None, "") == ""
    assert formats.major(12_500, "KWD") == "12.500"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (47 * 3600, "47 h"), (49 * 3600, "2 d")],
)
def test_a_duration_is_shown_in_its_largest_unit(seconds: float, said: str) -> None:
    assert formats.span(seconds) == said


def test_times_are_relative_and_exact_on_hover() -> None:
    moment = timezone.now() - timedelta(minutes=12, seconds=5)
    assert ">12 min ago</time>" in formats.ago(moment)
    assert f'title="{moment:%Y-%m-%d %H:%M:%S} UTC"' in formats.ago(moment)
    assert ">12 min</time>" in formats.waiting(moment)
    assert ">expired</time>" in formats.until(moment)
    assert ">in 2 h</time>" in formats.until(timezone.now() + timedelta(hours=2, minutes=30))
    assert ">03 Jan 14:02</time>" in formats.clock(datetime(2026, 1, 3, 14, 2, tzinfo=UTC))
    assert [formats.ago(None), formats.until(None), formats.clock(None), formats.waiting(None)] == [""] * 4


def test_near_deadlines_are_highlighted() -> None:
    assert formats.urgency(timezone.now() + timedelta(hours=1)) == "text-danger"
    assert formats.urgency(timezone.now() + timedelta(hours=5)) == "text-warn"
    assert formats.urgency(timezone.now() + timedelta(days=3)) == ""


def test_json_is_indented_and_other_text_is_unchanged() -> None:
    assert formats.pretty_json('{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert formats.pretty_json("<html>502</html>") == "<html>502</html>"


@pytest.mark.parametrize(("count", "shown"), [(0, ""), (1, "1"), (999, "999"), (1_000, "999+"), (5_000, "999+")])
def test_the_navigation_shows_at_most_999(count: int, shown: str) -> None:
    assert badge(count) == shown
