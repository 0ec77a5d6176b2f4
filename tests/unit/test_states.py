"""The states of an action and the transitions between them."""

import pytest

from approvals import states


def test_every_transition_is_between_known_states() -> None:
    assert set(states.MOVES) == set(states.ALL)
    assert set().union(*states.MOVES.values()) <= set(states.ALL)


@pytest.mark.parametrize("end", ["failed", "blocked", "rejected", "expired", "withdrawn"])
def test_an_action_that_ended_without_effect_never_changes(end: str) -> None:
    assert states.MOVES[end] == frozenset()


def test_a_success_can_only_become_a_late_failure() -> None:
    assert states.MOVES[states.SUCCEEDED] == {states.FAILED}


def test_only_approved_actions_are_executed() -> None:
    assert [before for before in states.ALL if states.may_move(before, states.EXECUTING)] == [states.APPROVED]


def test_only_an_undecided_action_can_be_withdrawn() -> None:
    ways = [before for before in states.ALL if states.may_move(before, states.WITHDRAWN)]
    assert ways == [states.AWAITING_APPROVAL]


def test_only_a_call_can_succeed() -> None:
    ways = {before for before in states.ALL if states.may_move(before, states.SUCCEEDED)}
    assert ways == {states.EXECUTING, states.UNRESOLVED}


def test_an_unresolved_action_is_never_sent_again() -> None:
    assert states.MOVES[states.UNRESOLVED] == {states.SUCCEEDED, states.FAILED}


def test_every_state_is_settled_or_leads_to_a_settled_one() -> None:
    def reach(state: str, seen: frozenset[str] = frozenset()) -> set[str]:
        onward = states.MOVES[state] - seen - {state}
        return {state}.union(*(reach(after, seen | {state}) for after in onward))

    assert all(reach(state) & set(states.SETTLED) for state in states.ALL)


def test_no_transition_leads_to_its_own_state() -> None:
    assert not any(states.may_move(state, state) for state in states.ALL)


def test_money_that_may_move_or_has_moved_is_reserved() -> None:
    assert set(states.OPEN) == {"approved", "executing", "unresolved"}
    assert not set(states.OPEN) & set(states.SETTLED)
    assert set(states.WITHOUT_EFFECT) == set(states.SETTLED) - {states.SUCCEEDED}
