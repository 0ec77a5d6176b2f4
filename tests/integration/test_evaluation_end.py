"""When an evaluated ticket counts as finished, and what is reported about it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentops.lab.evaluation import inside
from agentops.models import Hold, Run
from tests.completions import hands_over, triage
from tests.scripted import Say, Script
from tests.world import World, run_through, ticket_of
from tickets.models import Ticket


def lines_about(folder: Path, ticket: Ticket) -> list[dict[str, Any]]:
    """Return the lines about this ticket."""
    file = folder / "rest.jsonl"
    file.unlink(missing_ok=True)
    inside.report(file, set())
    lines = file.read_text().splitlines() if file.exists() else []
    return [row for row in map(json.loads, lines) if row["ticket_id"] == ticket.pk]


def test_waiting_for_a_budget_counts_as_finished_unlike_an_outage(world: World, tmp_path: Path) -> None:
    ticket = ticket_of(world.order())
    Ticket.objects.filter(pk=ticket.pk).update(status=Ticket.Status.NEEDS_PERSON)
    assert lines_about(tmp_path, ticket) == [], "its run has not started yet"
    run = Run.objects.get(ticket=ticket)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.WAITING)
    hold = Hold.objects.create(run=run, cause=Hold.Cause.OUTAGE, model="gpt-5", reason="No model answers.")
    assert lines_about(tmp_path, ticket) == []
    Run.objects.filter(pk=run.pk).update(tokens=240)  # of a model whose price is 0
    for cause in (Hold.Cause.BUDGET, Hold.Cause.PRICE):
        hold.cause = cause
        hold.save()
        [row] = lines_about(tmp_path, ticket)
        assert (row["outcome"], row["tokens"], Decimal(row["cost_usd"])) == ("person", 240, 0)


def test_an_unreachable_model_differs_from_a_handover(world: World, model: Script, tmp_path: Path) -> None:
    asked, not_asked = ticket_of(world.order()), ticket_of(world.order())
    unknown = Say({"error": {"code": "no_such_model"}}, 404)
    model.will_say(triage(), hands_over(), unknown, unknown)
    run_through(asked)
    run_through(not_asked)
    assert [row["outcome"] for row in lines_about(tmp_path, asked)] == ["person"]
    assert [row["outcome"] for row in lines_about(tmp_path, not_asked)] == ["not asked"]
