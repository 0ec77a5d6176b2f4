"""A run and its trace as JSON values, for a download."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from agentops import trace
from agentops.models import Run
from agentops.trace import totals
from approvals.models import Action

STEP_FIELDS = (
    "index", "kind", "name", "status", "input", "output", "reasoning", "raw_response", "attempts", "failures",
    "error_code", "error_class", "error_message", "input_tokens", "cached_tokens", "output_tokens",
    "reasoning_tokens", "cost_usd", "started_at", "finished_at", "action_id",
)  # fmt: skip  # a list of names
RUN_FIELDS = (
    "id", "ticket_id", "number", "status", "outcome", "reason", "triage", "llm_model", "turns", "tokens", "cost_usd",
    "created_at", "started_at", "finished_at",
)  # fmt: skip  # a list of names
ACTION_FIELDS = (
    "id", "kind", "sequence", "idempotency_key", "status", "params", "digest", "reason", "target", "order_id",
    "amount", "currency", "policy_version_id", "verdict", "reasons", "duplicates_absorbed", "result",
    "provider_reference", "error_code", "error_class", "error_message", "created_at", "approved_at", "settled_at",
)  # fmt: skip  # a list of names


def whole(run: Run, now: datetime) -> dict[str, Any]:
    """Return a run loaded by `find_run` as JSON values: the run, totals, spans, steps and actions.

    Durations are in seconds, amounts in minor units. Dates and decimals are left to Django's encoder.
    """
    spans = trace.spans(run)
    added = totals.add_up(spans, now)
    actions = {step.action.pk: step.action for step in run.steps.all() if step.action is not None}
    return {
        "run": _fields(run, RUN_FIELDS),
        "totals": {
            **asdict(added),
            "duration": added.duration.total_seconds(),
            "human_wait": added.human_wait.total_seconds(),
        },
        "spans": [asdict(span) for span in spans],
        "steps": [_fields(step, STEP_FIELDS) for step in run.steps.all()],
        "actions": [_action(action) for action in actions.values()],
    }


def _action(action: Action) -> dict[str, Any]:
    attempts = (
        "number",
        "worker",
        "started_at",
        "finished_at",
        "outcome",
        "http_status",
        "error_code",
        "error_message",
        "answer",
    )
    return {
        **_fields(action, ACTION_FIELDS),
        "attempts": [_fields(attempt, attempts) for attempt in action.attempts.all()],
        "requests": [
            {
                **_fields(request, ("id", "digest", "changes", "created_at", "expires_at", "closed_at")),
                "decision": _decision(request),
            }
            for request in action.requests.all()
        ],
    }


def _decision(request: Any) -> dict[str, Any] | None:
    decision = getattr(request, "decision", None)
    if decision is None:
        return None
    names = ("verdict", "digest", "edited", "reason", "decided_at")
    return {**_fields(decision, names), "by": decision.by.get_username()}


def _fields(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
