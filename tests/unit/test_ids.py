"""Identifiers that sort by time and never collide."""

import re

import pytest

from agentops.lib import ids


def test_an_id_is_short_and_has_no_ambiguous_letters() -> None:
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{14}", ids.new_id())


def test_ids_of_the_same_moment_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.time, "time", lambda: 1_790_000_000.0)
    many = {ids.new_id() for _ in range(5000)}
    assert len(many) == 5000
    assert len({one[:7] for one in many}) == 1


@pytest.mark.parametrize(("earlier", "later"), [(1_790_000_000, 1_790_000_001), (1_790_000_000, 9_000_000_000)])
def test_ids_sort_by_time(earlier: int, later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.time, "time", lambda: float(earlier))
    first = ids.new_id()
    monkeypatch.setattr(ids.time, "time", lambda: float(later))
    assert first < ids.new_id()
