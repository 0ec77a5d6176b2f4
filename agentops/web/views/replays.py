"""`/replays/`: start a replay, and show it next to its run."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from agentops.models import Replay, Run
from agentops.replays import judgement, queueing
from agentops.replays.alignment import Side
from agentops.replays.form import ReplayForm
from agentops.replays.recording import Recording
from approvals.web.views.request import HtmxRequest

may_read = permission_required("agentops.view_run", raise_exception=True)
_FIELDS = (
    "id", "run_id", "mode", "status", "llm_model", "prompt", "policy_version_id", "asked_by", "outcome", "reason",
    "result", "findings", "error", "triage", "turns", "tokens", "cost_usd", "created_at", "finished_at",
)  # fmt: skip  # a list of names


@require_POST
@permission_required("agentops.replay_run", raise_exception=True)
def start_replay(request: HtmxRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(Run, pk=run_id)
    form = ReplayForm(request.POST)
    if not form.is_valid():
        for name, errors in form.errors.items():
            messages.error(request, f"{form.fields[name].label}: {' '.join(map(str, errors))}")
        return redirect(_replay_form_url(run))
    try:
        made = queueing.queue_replay(run=run, asked_by=request.user.get_username(), **form.cleaned_data)
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect(_replay_form_url(run))
    return redirect("replay", made.pk)


@require_GET
@may_read
def replay_page(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Return the page or, to htmx, only the part that changes while the replay runs."""
    found = _found(replay_id)
    part = "#both" if request.headers.get("HX-Request") else ""
    response = render(request, f"agentops/replay.html{part}", _context(found))
    response["Cache-Control"] = "no-store"  # the page and its part have the same address
    return response


@require_GET
@may_read
def replay_json(request: HttpRequest, replay_id: int) -> JsonResponse:
    found = _found(replay_id)
    rows = judgement.rows(Recording(found.run), list(found.steps.all()))
    whole = {
        "replay": {name: getattr(found, name) for name in _FIELDS},
        "rows": [
            {
                **asdict(row),
                "differs": row.differs,
                "cells": [{**asdict(cell), "differs": cell.differs} for cell in row.cells],
            }
            for row in rows
        ],
        "steps": list(found.steps.values()),
    }
    response = JsonResponse(whole, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="replay-{found.pk}.json"'
    return response


def _replay_form_url(run: Run) -> str:
    return f"{reverse('run', args=[run.pk])}?replay#replays"


def _found(replay_id: int) -> Replay:
    return get_object_or_404(Replay.objects.select_related("run__ticket__customer", "policy_version"), pk=replay_id)


def _context(found: Replay) -> dict[str, Any]:
    recording = Recording(found.run)
    steps = list(found.steps.all())
    rows = judgement.rows(recording, steps)
    moving = found.finished_at is None
    return {
        "replay": found,
        "run": found.run,
        # Until the replay ends, a step that it hasn't reached is not a missing step.
        "rows": [row for row in rows if row.now is not None] if moving else rows,
        "differing": sum(bool(row.differs) for row in rows),
        "moving": moving,
        "done": len(steps),
        "of": len(recording.steps),
        "models": (_models(row.then for row in rows), _models(row.now for row in rows)),
        "policy_versions": recording.policy_versions,
    }


def _models(sides: Iterable[Side | None]) -> str:
    """Return the names of the models that were called, in order."""
    return ", ".join(dict.fromkeys(side.name for side in sides if side and side.kind != "tool"))
