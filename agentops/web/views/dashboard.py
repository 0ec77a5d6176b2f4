"""`/`: the main figures, each with a link to the list behind it."""

from datetime import timedelta

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from agentops.llm import budget_use
from agentops.web.queries import figures, latency, spending
from agentops.web.views import charts
from approvals.web.queries import figures as action_figures

DAYS = 14


@require_GET
@vary_on_headers("HX-Request")
@permission_required("approvals.view_dashboard", raise_exception=True)
def dashboard(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week, days = now - timedelta(days=7), today - timedelta(days=DAYS - 1)
    flow = figures.flow(days, today.date())
    autonomy = action_figures.autonomy_by_day(days, today.date())
    context = {
        "now": now,
        "today": today.date(),
        "waiting": action_figures.waiting_requests(),
        "money": action_figures.money_figures(today),
        "duplicates": action_figures.duplicates_absorbed(week),
        "unresolved": action_figures.unresolved_actions(),
        "findings": action_figures.finding_figures(),
        "provider_failures": action_figures.provider_failures(week),
        "step_failures": figures.failures(week),
        "latencies": latency.latencies(now),
        "cost": figures.cost_since(week),
        "flow": charts.stacked(flow),
        "endings": charts.endings(flow),
        "autonomy": charts.shares(autonomy),
        "alone": sum(day.alone for day in autonomy),
        "acted": sum(day.actions for day in autonomy),
        "standings": budget_use.budget_status(),
        "holds": spending.held(),
        "breakers": spending.breakers(),
        "costs": charts.costs(spending.cost_by_day(days, today.date())),
        "by_route": spending.cost_by_route(days),
        "replayed": spending.replayed(days),
    }
    part = "#figures" if "HX-Request" in request.headers else ""
    return render(request, f"agentops/dashboard.html{part}", context)
