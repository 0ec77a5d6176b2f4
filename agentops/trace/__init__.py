"""The trace of a run: spans on one time line, built from rows that `loading.find_run` has loaded.

`totals` adds the spans up, and `waterfall` positions their bars. Model calls have depth 0, the tools they called
depth 1, and a tool's verdict, waits for a person and calls to the provider depth 2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from agentops.lib import tracing
from agentops.models import Run, Step
from approvals import states
from approvals.models import Action, ApprovalRequest, Attempt, Decision

SpanKind = Literal["llm", "tool", "policy", "human", "provider"]
SpanStatus = Literal["ok", "running", "waiting", "stopped", "error"]
# verdict: (status of the policy's span, its name)
VERDICTS: dict[str, tuple[SpanStatus, str]] = {
    "auto_approve": ("ok", "policy: auto-approved"),
    "require_approval": ("waiting", "policy: needs approval"),
    "block": ("stopped", "policy: blocked"),
}
# As the policy, a person or the agent wanted it: no error.
STOPPED_ON_PURPOSE = (states.BLOCKED, states.REJECTED, states.EXPIRED, states.WITHDRAWN)
STEP_STATUS: dict[str, SpanStatus] = {"started": "running", "waiting": "waiting", "done": "ok", "failed": "error"}
# "changed" is not an error, because nothing was sent. Any outcome that isn't listed is an error.
ATTEMPT_STATUS: dict[str, SpanStatus] = {"": "running", "succeeded": "ok", "changed": "stopped"}


@dataclass(frozen=True)
class Tokens:
    """Token counts. `cached` is part of `input`, and `reasoning` is part of `output`."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True)
class Span:
    """A timed part of a run. `parent` is the id of the span above, and `finished_at` is None while the span is open.

    `absorbed` counts failures that a retry recovered from, and `note` is a short text for the row.
    """

    id: str
    kind: SpanKind
    name: str
    parent: str | None
    depth: int
    step_index: int
    started_at: datetime
    finished_at: datetime | None
    status: SpanStatus
    note: str = ""
    error_code: str = ""
    error_class: str = ""
    error_message: str = ""
    absorbed: int = 0
    tokens: Tokens = Tokens()
    cost_usd: Decimal = Decimal(0)
    attributes: dict[str, Any] = field(default_factory=dict)

    def seconds(self, now: datetime) -> float:
        # Never negative, though the caller's clock may be behind the database's.
        return max(((self.finished_at or now) - self.started_at).total_seconds(), 0.0)


def spans(run: Run) -> list[Span]:
    """Return the run's spans in the order of its steps, parents before children."""
    found: list[Span] = []
    turn: str | None = None
    seen: set[int] = set()
    for step in run.steps.all():
        is_tool = step.kind == Step.Kind.TOOL
        span = _step(step, parent=turn if is_tool else None)
        found.append(span)
        if step.kind == Step.Kind.LLM:
            turn = span.id
        # A repeated proposal refers to the same action, so show its spans once, below the step that proposed it.
        if step.action is not None and step.action_id not in seen and step.action.run_id == run.pk:
            seen.add(step.action.pk)
            found.extend(_action(step.action, span))
    # Acknowledgements are sent by no step, so show them below the last one.
    last = next((span for span in reversed(found) if span.kind in ("llm", "tool")), None)
    if last is not None:
        for action in run.asked_by_no_step:
            found.extend(_action(action, last))
    return found


def merged(intervals: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return the union of the intervals, in order. Intervals that touch become one."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _step(step: Step, parent: str | None) -> Span:
    is_tool = step.kind == Step.Kind.TOOL
    return Span(
        id=f"step-{step.index}",
        kind="tool" if is_tool else "llm",
        name=step.name,
        parent=parent,
        depth=1 if parent else 0,
        step_index=step.index,
        started_at=step.started_at,
        finished_at=step.finished_at,
        status=_step_status(step),
        note=_step_note(step),
        error_code=step.error_code,
        error_class=step.error_class,
        error_message=step.error_message,
        absorbed=len(step.failures),
        tokens=Tokens(step.input_tokens, step.cached_tokens, step.output_tokens, step.reasoning_tokens),
        cost_usd=step.cost_usd,
        attributes={"kind": step.kind, "attempts": step.attempts, "status": step.status},
    )


def _step_status(step: Step) -> SpanStatus:
    if step.error_class == "action" or (step.action is not None and step.action.status in STOPPED_ON_PURPOSE):
        return "stopped"
    return "error" if step.error_code else STEP_STATUS[step.status]


def _step_note(step: Step) -> str:
    if step.action is not None:
        return step.action.get_status_display().lower()
    if step.error_code:
        return step.error_code
    if step.kind == Step.Kind.TRIAGE:
        return "triage"
    if step.kind == Step.Kind.LLM and isinstance(step.output, dict):
        calls = step.output.get("tool_calls") or []
        return ", ".join(str(call.get("name", "")) for call in calls if isinstance(call, dict))
    return ""


def _action(action: Action, above: Span) -> Iterator[Span]:
    shown, name = VERDICTS.get(action.verdict, ("error", action.verdict))
    yield Span(
        id=f"policy-{action.pk}",
        kind="policy",
        name=name,
        status=shown,
        started_at=action.created_at,
        finished_at=action.created_at,
        note=f"version {action.policy_version_id}",
        attributes={
            "policy_version": action.policy_version_id,
            "verdict": action.verdict,
            "reasons": action.reasons,
        },
        **_beneath(above),
    )
    waits = [_request(request, above) for request in action.requests.all()]
    calls = [_attempt(attempt, action, above) for attempt in action.attempts.all()]
    yield from sorted([*waits, *calls], key=lambda span: span.started_at)


def _request(request: ApprovalRequest, above: Span) -> Span:
    decision: Decision | None = getattr(request, "decision", None)
    status: SpanStatus = "waiting"
    name, note = "awaiting approval", f"assigned to {request.claimed_by}" if request.claimed_by else ""
    if decision is not None:
        status = "stopped" if decision.verdict == Decision.Verdict.REJECT else "ok"
        name, note = decision.get_verdict_display().lower(), f"by {decision.by}"
    elif request.closed_at is not None:
        status, name, note = "stopped", "expired", "no decision in time"
        if request.action.status == states.WITHDRAWN:
            name, note = "withdrawn", "by the agent"
    return Span(
        id=f"human-{request.pk}",
        kind="human",
        name=name,
        status=status,
        note=note,
        started_at=request.created_at,
        finished_at=request.closed_at,
        attributes={
            "request": request.pk,
            "digest": request.digest,
            "verdict": decision.verdict if decision else "",
            "decided_by": str(decision.by) if decision else "",
            "reason": decision.reason if decision else "",
        },
        **_beneath(above),
    )


def _attempt(attempt: Attempt, action: Action, above: Span) -> Span:
    status = ATTEMPT_STATUS.get(attempt.outcome, "error")
    http = f"HTTP {attempt.http_status}" if attempt.http_status else ""
    return Span(
        id=tracing.attempt_span(action.pk, attempt.number),
        kind="provider",
        name=f"{action.kind}, attempt {attempt.number}",
        status=status,
        note=attempt.error_code or http,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        error_code=attempt.error_code,
        error_class=attempt.outcome if status == "error" else "",
        error_message=attempt.error_message,
        attributes={
            "kind": action.kind,
            "number": attempt.number,
            "idempotency_key": action.idempotency_key,
            "worker": attempt.worker,
            "http_status": attempt.http_status,
        },
        **_beneath(above),
    )


def _beneath(above: Span) -> dict[str, Any]:
    return {"parent": above.id, "depth": above.depth + 1, "step_index": above.step_index}
