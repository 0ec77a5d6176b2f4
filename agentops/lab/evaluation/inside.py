"""The process of an evaluation inside its world: `python -m agentops.lab.evaluation.inside`.

It puts the set's rules (DATA_DIR/rules.json) in force, and appends a JSON line to DATA_DIR/rest.jsonl for each
ticket that comes to rest, for `observed.Ticket.of`. No one decides anything here: a ticket that waits for a person
is at rest, and so is a run held by a budget or a missing price. A temporary wait, for example for an open breaker,
is not rest.
"""

# ruff: noqa: E402 - models can only be imported after the set-up
import json
import time
from pathlib import Path
from typing import Any

import django

PAUSE_SECONDS = 0.2

django.setup()

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from agentops.lab.evaluation import observed
from agentops.models import Hold, Run, Step
from approvals import states
from approvals.effects.kinds import KINDS
from approvals.models import Action
from approvals.policy import versions
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Outcome
from tickets.models import Ticket

OUTCOMES = {
    Ticket.Status.ANSWERED: "answered",
    Ticket.Status.CLOSED: "answered",
    Ticket.Status.NEEDS_PERSON: "person",
    Ticket.Status.AWAITING_APPROVAL: "person",
}
UNDER_WAY = (states.PROPOSED, states.APPROVED, states.EXECUTING)


def main() -> None:
    folder = settings.DATA_DIR
    rules = Rules.model_validate_json((folder / "rules.json").read_text())
    versions.save_policy(rules=rules, by=None, note="The rules of the evaluation.", kinds=KINDS)
    reported = set[str]()
    while True:
        report(folder / "rest.jsonl", reported)
        connection.close()
        time.sleep(PAUSE_SECONDS)


def report(file: Path, reported: set[str]) -> None:
    """Append the tickets that have come to rest since the last call."""
    resting = Ticket.objects.filter(status__in=OUTCOMES).exclude(pk__in=reported)
    for ticket in resting.exclude(actions__status__in=UNDER_WAY).exclude(runs__in=_moving()):
        line = json.dumps(row(ticket), ensure_ascii=False)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n")
        reported.add(ticket.pk)


def _moving() -> QuerySet[Run]:
    """Return runs that continue on their own in this world."""
    return Run.objects.filter(Q(status__in=(Run.Status.QUEUED, Run.Status.RUNNING)) | Q(hold__cause=Hold.Cause.OUTAGE))


def outcome(ticket: Ticket) -> str:
    """Return the ticket's outcome: NOT_ASKED if a model call failed permanently. A failed triage doesn't count, since
    the run continues without it."""
    if Step.objects.filter(run__ticket=ticket, kind=Step.Kind.LLM, status=Step.Status.FAILED).exists():
        return observed.NOT_ASKED
    return OUTCOMES[Ticket.Status(ticket.status)]


def row(ticket: Ticket) -> dict[str, Any]:
    runs = list(Run.objects.filter(ticket=ticket))
    started = min((run.started_at for run in runs if run.started_at), default=ticket.updated_at)
    tokens, cost = sum(run.tokens for run in runs), sum(run.cost_usd for run in runs)
    steps = Step.objects.filter(
        run__ticket=ticket, kind=Step.Kind.TOOL, name__in=[kind.tool for kind in KINDS.values()]
    )
    return {
        "name": ticket.external_id,
        "ticket_id": ticket.pk,
        "outcome": outcome(ticket),
        "reason": ticket.reason,
        "calls": [call(step) for step in steps.select_related("action").order_by("run_id", "index")],
        "actions": [action_json(action) for action in Action.objects.filter(ticket=ticket).order_by("pk")],
        "seconds": round((ticket.updated_at - started).total_seconds(), 3),
        "tokens": tokens,
        "cost_usd": str(cost),
    }


def call(step: Step) -> dict[str, Any]:
    action, kind = step.action, KINDS.by_tool(step.name)
    assert kind is not None
    return {
        "kind": kind.name,
        "arguments": arguments(step),
        "status": action.status if action else "",
        "stopped": stopped(action) if action else step.error_code,
    }


def arguments(step: Step) -> dict[str, Any]:
    try:
        given = json.loads(step.input["arguments"])
    except (ValueError, RecursionError):  # RecursionError: from text that nests too deeply
        return {}
    return given if isinstance(given, dict) else {}


def stopped(action: Action) -> str:
    """Return the first rule that kept it from being automatic, or why it failed."""
    outcomes = (Outcome.BLOCK, Outcome.REQUIRE_APPROVAL)
    fired = [reason["code"] for outcome in outcomes for reason in action.reasons if reason["outcome"] == outcome]
    return next(iter(fired), "" if action.status == states.SUCCEEDED else action.error_code)


def action_json(action: Action) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "params": action.params,
        "status": action.status,
        "key": action.idempotency_key,
    }


if __name__ == "__main__":
    main()
