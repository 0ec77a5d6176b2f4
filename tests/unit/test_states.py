"""The states of an action and the moves between them."""

import pytest

from approvals import states


def test_every_move_is_between_known_states() -> None:
    assert set(states.MOVES) == set(states.ALL)
    assert set().union(*states.MOVES.values()) <= set(states.ALL)


@pytest.mark.parametrize("end", ["failed", "blocked", "rejected", "expired"])
def test_what_is_over_without_effect_never_moves_again(end: str) -> None:
    assert states.MOVES[end] == frozenset()


def test_a_success_can_only_turn_into_a_providers_late_failure() -> None:
    assert states.MOVES[states.SUCCEEDED] == {states.FAILED}


def test_only_what_is_approved_is_executed() -> None:
    assert [before for before in states.ALL if states.may_move(before, states.EXECUTING)] == [states.APPROVED]


def test_only_a_call_succeeds() -> None:
    ways = {before for before in states.ALL if states.may_move(before, states.SUCCEEDED)}
    assert ways == {states.EXECUTING, states.UNRESOLVED}


def test_what_is_unresolved_is_never_sent_again() -> None:
    assert states.MOVES[states.UNRESOLVED] == {states.SUCCEEDED, states.FAILED}


def test_every_state_is_settled_or_leads_to_one_that_is() -> None:
    def reach(state: str, seen: frozenset[str] = frozenset()) -> set[str]:
        onward = states.MOVES[state] - seen - {state}
        return {state}.union(*(reach(after, seen | {state}) for after in onward))

    assert all(reach(state) & set(states.SETTLED) for state in states.ALL)


def test_nothing_moves_to_where_it_is() -> None:
    assert not any(states.may_move(state, state) for state in states.ALL)


def test_money_that_may_move_or_have_moved_is_reserved() -> None:
    assert set(states.OPEN) == {"approved", "executing", "unresolved"}
    assert not set(states.OPEN) & set(states.SETTLED)
    assert set(states.WITHOUT_EFFECT) == set(states.SETTLED) - {states.SUCCEEDED}
