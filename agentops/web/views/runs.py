"""`/runs/`: the history of runs, and a run's trace as a waterfall, by step, and as JSON."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from agentops import trace
from agentops.llm import budget_use
from agentops.models import Run
from agentops.replays.form import ReplayForm
from agentops.trace import export, totals, waterfall
from agentops.trace.loading import find_run
from agentops.web.queries import latency, spending
from agentops.web.queries import runs as queries
from agentops.web.views.opened import opened


@require_GET
@vary_on_headers("HX-Request")
@permission_required("agentops.view_run", raise_exception=True)
def runs(request: HttpRequest) -> HttpResponse:
    filters = queries.RunFilters.of(request.GET)
    steps = latency.LISTS.get(filters.show) if filters.step else None
    rows, more = steps(filters.step, filters.after, filters.kind) if steps else queries.runs_page(filters)
    context = {
        "filters": filters,
        "rows": rows,
        "of_steps": steps is not None,
        "more": filters.query(after=more) if more else "",
        "statuses": Run.Status.choices,
        "outcomes": Run.Outcome.choices,
    }
    part = "#results" if "HX-Request" in request.headers else ""
    return render(request, f"agentops/runs.html{part}", context)


@require_GET
@permission_required("agentops.view_run", raise_exception=True)
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Return the run's page. `?step=N` opens a step."""
    found = _found(run_id)
    more = {
        "siblings": queries.of_ticket(found.ticket_id),
        "models": spending.who_did_what(list(found.steps.all())),
        "standings": budget_use.budget_status(found.ticket_id),
        "replays": queries.replays_of(run_id),
        # Built only when someone opens it, because it reads models and policy versions.
        "replay_form": ReplayForm() if "replay" in request.GET and found.finished_at else None,
    }
    return render(request, "agentops/run.html", {**_context(request, found), **more})


@require_GET
@permission_required("agentops.view_run", raise_exception=True)
def run_trace(request: HttpRequest, run_id: int) -> HttpResponse:
    """Return the waterfall and the open step as a fragment. `?part=spans` returns the waterfall only."""
    part = "spans" if request.GET.get("part") == "spans" else "trace"
    return render(request, f"agentops/run.html#{part}", _context(request, _found(run_id)))


@require_GET
@permission_required("agentops.view_run", raise_exception=True)
def run_json(request: HttpRequest, run_id: int) -> JsonResponse:
    found = _found(run_id)
    response = JsonResponse(export.whole(found, timezone.now()), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="run-{found.pk}.json"'
    return response


def _found(run_id: int) -> Run:
    found = find_run(run_id)
    if found is None:
        raise Http404("No such run.")
    return found


def _context(request: HttpRequest, found: Run) -> dict[str, Any]:
    now = timezone.now()
    spans = trace.spans(found)
    wanted = request.GET.get("step", "")
    # Bounded, because int() raises on thousands of digits.
    index = int(wanted) if wanted.isdecimal() and len(wanted) < 6 else -1
    return {
        "run": found,
        "waterfall": waterfall.draw(spans, now),
        "totals": totals.add_up(spans, now),
        "opened": opened(found, index, spans),
        "moving": found.finished_at is None,
    }
