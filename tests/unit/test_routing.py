"""Which model handles a turn, decided from the recorded steps alone."""

from typing import Any

import pytest

from agentops.runs import routing, turn
from agentops.runs.routing import Route, RoutingRules, choose_route
from agentops.runs.turn import Recorded


def triage(**said: Any) -> Recorded:
    return Recorded(0, turn.TRIAGE, turn.DONE, {"triage": {"ambiguous": False, **said}})


def asked(index: int, routed: str = "plain", *, why: str = "", calls: int = 1) -> Recorded:
    made = [{"id": "call_1", "name": "get_order", "arguments": "{}"}] * calls
    return Recorded(index, turn.LLM, turn.DONE, {"tool_calls": made}, routed=routed, why=why)


def did(index: int, **more: Any) -> Recorded:
    return Recorded(index, turn.TOOL, turn.DONE, {}, name="refund", **more)


def tier(*steps: Recorded, rules: RoutingRules | None = None) -> tuple[str, str]:
    found = choose_route(steps, rules or RoutingRules())
    return found.tier, found.code


def test_a_simple_case_stays_with_the_small_model() -> None:
    assert tier(triage()) == ("plain", "plain")
    assert tier(triage(), asked(1), did(2), asked(3), did(4)) == ("plain", "plain")


@pytest.mark.parametrize(
    ("said", "code"), [({"ambiguous": True}, "ambiguous"), ({"risk_signs": ["legal_threat"]}, "risk_signs")]
)
def test_triage_signals_select_the_expert(said: dict[str, Any], code: str) -> None:
    assert tier(triage(**said)) == ("expert", code)
    assert tier(triage(**said), rules=RoutingRules(expert_on=())) == ("plain", "plain")


@pytest.mark.parametrize(
    "step",
    [
        Recorded(0, turn.TRIAGE, turn.FAILED, {"error": {}}, error_code="http_400"),
        Recorded(0, turn.TRIAGE, turn.DONE, {"triage": {}}, error_code="unreadable_triage"),
        Recorded(0, turn.TRIAGE, turn.DONE, None),
    ],
)
def test_an_unreadable_triage_always_selects_the_expert(step: Recorded) -> None:
    assert tier(step, rules=RoutingRules(expert_on=())) == ("expert", "unreadable_triage")


def test_a_refused_call_selects_the_expert_and_is_named() -> None:
    steps = [triage(), asked(1), did(2, error_class="refused", error_code="order_not_found")]
    assert choose_route(steps, RoutingRules()) == Route(
        "expert", "refused_call", "The refund call was rejected: order_not_found."
    )


def test_an_answer_without_a_call_selects_the_expert() -> None:
    assert tier(triage(), asked(1, calls=0)) == ("expert", "no_call")


def test_policy_reasons_select_the_expert_if_the_rules_say_so() -> None:
    steps = [triage(), asked(1), did(2, reasons=("share_of_order", "above_threshold"))]
    assert tier(*steps) == ("expert", "above_threshold")
    assert tier(*steps, rules=RoutingRules(expert_on=("share_of_order",))) == ("expert", "share_of_order")
    assert tier(*steps, rules=RoutingRules(expert_on=("ambiguous",))) == ("plain", "plain")


def test_the_expert_keeps_the_run_even_after_the_rules_change() -> None:
    steps = [triage(ambiguous=True), asked(1, "ambiguous", why="Unclear."), did(2)]
    assert choose_route(steps, RoutingRules(expert_on=())) == Route("expert", "ambiguous", "Unclear.")


def test_the_same_steps_always_get_the_same_route() -> None:
    steps = [triage(risk_signs=["x"]), asked(1, "risk_signs"), did(2, error_class="refused", error_code="y")]
    assert [choose_route(steps[:n], RoutingRules()).code for n in (1, 2, 3)] == ["risk_signs"] * 3


def test_an_unknown_signal_is_refused_and_valid_ones_are_listed() -> None:
    with pytest.raises(ValueError, match=r"moon: no sign.*valid are ambiguous"):
        RoutingRules(expert_on=("moon",))


def test_rules_are_stored_in_a_fixed_order() -> None:
    assert RoutingRules(expert_on=("above_threshold", "ambiguous")).expert_on == ("ambiguous", "above_threshold")
    assert set(routing.RoutingRules().expert_on) <= set(routing.CODES)
