"""A run's steps become spans, totals, and bars on a time scale. No database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from agentops import trace
from agentops.lib import durations
from agentops.models import Run, Step
from agentops.trace import Span, totals, waterfall
from approvals.models import Action, ApprovalRequest, Attempt, Decision

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW = T0 + timedelta(days=30)
DAY = 86_400.0


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def step(index: int, kind: str, start: float, end: float | None, **more: Any) -> Step:
    given = {"name": kind, "status": "done" if end is not None else "started"}
    return Step(
        index=index, kind=kind, started_at=at(start), finished_at=None if end is None else at(end), **{**given, **more}
    )


def action(pk: int, start: float, *, run_id: int = 1, **more: Any) -> Action:
    given = {"kind": "refund", "status": "succeeded", "verdict": "auto_approve", "policy_version_id": 1}
    made = Action(pk=pk, run_id=run_id, created_at=at(start), **{**given, **more})
    made._prefetched_objects_cache = {"attempts": [], "requests": []}
    return made


def attempted(of: Action, start: float, end: float | None, outcome: str = "succeeded") -> None:
    rows = of._prefetched_objects_cache["attempts"]
    number = len(rows) + 1
    rows.append(
        Attempt(
            pk=of.pk * 10 + number,
            action=of,
            number=number,
            outcome=outcome,
            started_at=at(start),
            finished_at=None if end is None else at(end),
        )
    )


def asked(of: Action, start: float, end: float | None, verdict: str = "") -> None:
    request = ApprovalRequest(
        pk=of.pk * 10, action=of, created_at=at(start), closed_at=None if end is None else at(end)
    )
    request._state.fields_cache["decision"] = None
    if verdict:
        Decision(request=request, verdict=verdict, by=User(username="maya"))
    of._prefetched_objects_cache["requests"].append(request)


def run_of(*steps: Step) -> Run:
    run = Run(pk=1)
    run._prefetched_objects_cache = {"steps": list(steps)}
    return run


def refunded() -> Run:
    """A refund approved after three days, whose first answer was lost."""
    refund = action(7, 2.0, verdict="require_approval")
    asked(refund, 2.0, 3 * DAY, "approve")
    attempted(refund, 3 * DAY + 0.1, 3 * DAY + 10.1, "effect_unknown")
    attempted(refund, 3 * DAY + 11, 3 * DAY + 11.5)
    return run_of(
        step(0, "triage", 0, 0.5, cost_usd=1),
        step(1, "llm", 0.5, 1.9, input_tokens=900, cached_tokens=300, output_tokens=50, failures=[{"code": "x"}]),
        step(2, "tool", 1.9, 3 * DAY + 11.6, name="refund", action=refund),
        step(3, "llm", 3 * DAY + 11.6, 3 * DAY + 12.6, input_tokens=100),
    )


def named(found: list[Span]) -> dict[str, Span]:
    return {span.id: span for span in found}


def test_tool_spans_are_children_of_model_calls_effects_of_tools() -> None:
    found = trace.spans(refunded())
    assert [(span.id, span.parent, span.depth) for span in found] == [
        ("step-0", None, 0),
        ("step-1", None, 0),
        ("step-2", "step-1", 1),
        ("policy-7", "step-2", 2),
        ("human-70", "step-2", 2),
        ("attempt-7-1", "step-2", 2),
        ("attempt-7-2", "step-2", 2),
        ("step-3", None, 0),
    ]


def test_a_rejection_is_no_error_but_a_lost_answer_is() -> None:
    refund = action(7, 1, status="rejected", verdict="require_approval")
    asked(refund, 1, 2, "reject")
    rejected = step(0, "tool", 1, 3, status="failed", error_code="rejected", error_class="action", action=refund)
    assert {span.status for span in trace.spans(run_of(rejected))} == {"stopped", "waiting"}
    assert named(trace.spans(refunded()))["attempt-7-1"].status == "error"


def test_a_request_without_a_decision_is_shown_as_expired() -> None:
    refund = action(7, 1, status="expired")
    asked(refund, 1, 2)
    assert named(trace.spans(run_of(step(0, "tool", 1, 3, action=refund))))["human-70"].name == "expired"


def test_a_duplicate_shows_the_actions_history_once() -> None:
    refund = action(7, 1)
    twice = run_of(step(0, "tool", 1, 2, action=refund), step(1, "tool", 3, 4, action=refund))
    assert [span.id for span in trace.spans(twice)] == ["step-0", "policy-7", "step-1"]


def test_an_action_of_an_earlier_run_is_not_shown_again() -> None:
    again = run_of(step(0, "tool", 1, 2, action=action(7, -DAY, run_id=99)))
    assert [span.id for span in trace.spans(again)] == ["step-0"]


def test_totals_count_the_human_wait_separately() -> None:
    total = totals.add_up(trace.spans(refunded()), NOW)
    assert total.duration == timedelta(days=3, seconds=12.6)
    assert total.human_wait == timedelta(days=3, seconds=-2)
    assert total.working == timedelta(seconds=14.6)
    assert (total.turns, total.llm_calls, total.attempts) == (2, 3, 2)
    assert total.absorbed == 2  # one of the model, one of the provider
    assert (total.tokens.input, total.tokens.cached, total.tokens.output) == (1_000, 300, 50)


def test_a_failure_without_a_successful_retry_is_not_absorbed() -> None:
    refund = action(7, 1, status="unresolved")
    attempted(refund, 1, 2, "effect_unknown")
    total = totals.add_up(trace.spans(run_of(step(0, "tool", 1, None, action=refund))), NOW)
    assert (total.absorbed, total.errors) == (0, 1)


def test_a_long_wait_is_cut_and_short_steps_stay_visible() -> None:
    picture = waterfall.draw(trace.spans(refunded()), NOW)
    [cut] = picture.cuts
    assert cut.human
    assert cut.seconds == pytest.approx(3 * DAY - 2)
    assert cut.width == waterfall.CUT_WIDTH
    bars = {bar.span.id: bar for bar in picture.bars}
    assert bars["step-0"].width > 2  # half a second next to three days
    assert bars["human-70"].seconds == pytest.approx(3 * DAY - 2)


def test_the_scale_is_linear_and_uniform_between_cuts() -> None:
    bars = {bar.span.id: bar for bar in waterfall.draw(trace.spans(refunded()), NOW).bars}
    lengths = {"step-0": 0.5, "step-1": 1.4, "attempt-7-1": 10.0, "attempt-7-2": 0.5, "step-3": 1.0}
    scale = [bars[name].width / seconds for name, seconds in lengths.items()]
    assert scale == pytest.approx([scale[0]] * len(scale), rel=0.01)


def test_bars_stay_within_bounds_and_in_chronological_order() -> None:
    bars = waterfall.draw(trace.spans(refunded()), NOW).bars
    assert all(bar.x >= 0 and bar.x + bar.width <= waterfall.WIDTH + 0.01 for bar in bars)
    assert [bar.x for bar in sorted(bars, key=lambda bar: bar.span.started_at)] == sorted(bar.x for bar in bars)


def test_an_unfinished_span_ends_now() -> None:
    [bar] = waterfall.draw(trace.spans(run_of(step(0, "llm", 0, None))), at(90)).bars
    assert (bar.seconds, bar.width) == (90, waterfall.WIDTH)
    assert bar.span.status == "running"


def test_an_unfinished_wait_is_cut_too() -> None:
    refund = action(7, 1, status="awaiting_approval", verdict="require_approval")
    asked(refund, 1, None)
    waiting = run_of(step(0, "llm", 0, 1), step(1, "tool", 1, None, status="waiting", action=refund))
    [cut] = waterfall.draw(trace.spans(waiting), at(DAY)).cuts
    assert (cut.human, cut.seconds) == (True, DAY - 1)


def test_a_run_without_steps_draws_nothing() -> None:
    assert waterfall.draw(trace.spans(run_of()), NOW).bars == []
    assert totals.add_up([], NOW).duration == timedelta()


def test_a_single_instant_is_drawn() -> None:
    [bar] = waterfall.draw(trace.spans(run_of(step(0, "llm", 0, 0))), NOW).bars
    assert bar.width > 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0001, "<1 ms"),
        (0.0032, "3 ms"),
        (0.9996, "1.00 s"),
        (1.24, "1.24 s"),
        (9.996, "10.0 s"),
        (59.96, "1 min"),
        (184, "3 min 4 s"),
        (3599.7, "1 h"),
        (93_784, "1 d 2 h"),
        (3 * DAY, "3 d"),
        (-1, "0 ms"),
    ],
)
def test_durations_are_shown_in_words(seconds: float, said: str) -> None:
    assert durations.format_duration(seconds) == said
