"""What a soak ends with status 1 for: every figure that has to be zero, and that it shows nothing."""

from dataclasses import fields

import pytest

from agentops.lab.chaos.figures import Figures
from agentops.lab.chaos.longrun import Soaked

COUNTS = {"tickets": 263, "answered": 221, "with_person": 42, "duplicates_absorbed": 81}
PROMISES = ("refunded_twice", "over_captured", "unknown_order_effects", "invented_replies", "lost", "stuck")


def test_a_run_in_which_every_promise_was_kept_has_none_broken() -> None:
    assert Figures(**COUNTS).broken == {}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_single_case_breaks_a_promise(promise: str) -> None:
    assert Figures(**COUNTS, **{promise: 1}).broken == {promise: 1}


def test_every_figure_is_a_count_or_a_promise() -> None:
    assert {field.name for field in fields(Figures)} == {*COUNTS, *PROMISES, "money_lost"}


@pytest.mark.parametrize(
    ("tickets", "killed", "why"),
    [(263, {"workers": 91}, ""), (0, {"workers": 91}, "no ticket was posted"), (263, {}, "nobody was killed")],
)
def test_a_soak_without_tickets_or_kills_shows_nothing(tickets: int, killed: dict[str, int], why: str) -> None:
    books = Figures(tickets=tickets, answered=tickets)
    assert Soaked(books, 10.0, killed, spoilt=0, drained_seconds=1.0).shows_nothing == why
