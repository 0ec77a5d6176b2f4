"""The states of a ticket and the moves between them."""

import pytest

from tickets import states


def test_every_move_is_between_known_states() -> None:
    assert set(states.MOVES) == set(states.ALL)
    assert set().union(*states.MOVES.values()) <= set(states.ALL)


def test_nothing_moves_to_where_it_is() -> None:
    assert not any(states.may_move(state, state) for state in states.ALL)


def test_a_person_can_be_given_any_ticket() -> None:
    others = set(states.ALL) - {states.NEEDS_PERSON}
    assert {before for before in states.ALL if states.may_move(before, states.NEEDS_PERSON)} == others


def test_a_persons_reply_can_arrive_on_any_ticket() -> None:
    others = set(states.ALL) - {states.ANSWERED}
    assert {before for before in states.ALL if states.may_move(before, states.ANSWERED)} == others


def test_the_agent_never_works_on_a_closed_ticket() -> None:
    assert not states.may_move(states.CLOSED, states.WORKING)


@pytest.mark.parametrize("before", [states.WORKING, states.AWAITING_APPROVAL])
def test_a_started_ticket_is_not_reopened(before: str) -> None:
    assert not states.may_move(before, states.OPEN)
