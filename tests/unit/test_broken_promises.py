"""Broken promises, for which a soak exits with status 1: figures that must be zero, and runs that prove nothing."""

from dataclasses import fields

import pytest

from agentops.lab.chaos.figures import Figures
from agentops.lab.chaos.longrun import Soaked

COUNTS = {"tickets": 263, "answered": 221, "with_person": 42, "duplicates_absorbed": 81}
PROMISES = ("refunded_twice", "over_captured", "unknown_order_effects", "invented_replies", "lost", "stuck")


def test_a_clean_run_breaks_no_promise() -> None:
    assert Figures(**COUNTS).broken == {}


@pytest.mark.parametrize("promise", PROMISES)
def test_one_case_breaks_a_promise(promise: str) -> None:
    assert Figures(**COUNTS, **{promise: 1}).broken == {promise: 1}


def test_every_figure_is_a_count_or_a_promise() -> None:
    assert {field.name for field in fields(Figures)} == {*COUNTS, *PROMISES, "money_lost"}


@pytest.mark.parametrize(
    ("tickets", "killed", "why"),
    [(263, {"workers": 91}, ""), (0, {"workers": 91}, "no ticket was posted"), (263, {}, "no process was killed")],
)
def test_a_soak_without_tickets_or_kills_proves_nothing(tickets: int, killed: dict[str, int], why: str) -> None:
    books = Figures(tickets=tickets, answered=tickets)
    assert Soaked(books, 10.0, killed, spoilt=0, drained_seconds=1.0).proves_nothing == why
