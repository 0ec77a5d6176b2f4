"""The reconciliation page: open and closed findings, and the last comparison."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from approvals.models import Finding
from approvals.reconciliation import comparison, findings
from approvals.web.forms.looking_into import CloseForm
from approvals.web.queries import findings as queries
from approvals.web.views.request import HtmxRequest, part_of

DEFAULT_LOOK_BACK = timedelta(hours=24)
may_close = permission_required("approvals.close_finding", raise_exception=True)


@require_GET
@permission_required("approvals.view_action", raise_exception=True)
def show_findings(request: HtmxRequest) -> HttpResponse:
    return _screen(request, "findings.html#polled" if part_of(request) == "comparison" else "findings.html")


@require_POST
@may_close
def start_comparison(request: HtmxRequest) -> HttpResponse:
    """Start a comparison of the last day in a worker. The page shows its progress."""
    comparison.request_comparison(since=timezone.now() - DEFAULT_LOOK_BACK, by=request.user)
    return redirect("findings")


@require_POST
@may_close
def close_open_finding(request: HtmxRequest, finding_id: int) -> HttpResponse:
    if not Finding.objects.filter(pk=finding_id).exists():
        raise Http404
    form = CloseForm(request.POST, finding_id=finding_id)
    if not form.is_valid():
        return _refused(request, form, finding_id)
    try:
        findings.close_finding(finding_id=finding_id, by=request.user, note=form.cleaned_data["note"])
    except Refused as refused:
        messages.warning(request, refused.message)
    else:
        messages.success(request, "Finding closed.")
    return _screen(request, "findings.html#after") if request.htmx else redirect("findings")


def _refused(request: HtmxRequest, form: CloseForm, finding_id: int) -> HttpResponse:
    part = "#list" if part_of(request) == "findings-list" else ""
    return _screen(request, f"findings.html{part}", 422, form=form, refused_id=finding_id)


def _screen(request: HtmxRequest, template: str, status: int = 200, **more: Any) -> HttpResponse:
    response = render(request, f"approvals/{template}", _context(request, **more), status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    response["Cache-Control"] = "no-store"
    return response


def _context(request: HtmxRequest, *, form: CloseForm | None = None, refused_id: int = 0) -> dict[str, Any]:
    """Return the page's context. After a refused form (a POST), it is the first page of the open findings."""
    query = request.GET if request.method == "GET" else {}
    lane = query.get("lane", "") if query.get("lane", "") in queries.LANES else "open"
    after = after if (after := query.get("after", "")).isdecimal() and len(after) <= 18 else ""
    rows, more = queries.findings_page(lane, after)
    last = queries.last_comparison()
    waited = timezone.now() - last.started_at if last and not last.finished_at else None
    return {
        "lane": lane,
        "lanes": queries.LANES.items(),
        "after": after,
        "count": queries.unclosed_findings().count(),
        "rows": [
            {
                "finding": row,
                "ours": queries.our_side(row),
                "theirs": queries.their_side(row),
                "form": form if form and row.pk == refused_id else CloseForm(finding_id=row.pk),
            }
            for row in rows
        ],
        "more": f"{reverse('findings')}?lane={lane}&after={more}" if more else "",
        "last": last,
        "answered": queries.last_answered() if last and (last.error or not last.finished_at) else last,
        "running": waited is not None and waited.total_seconds() < queries.PATIENCE_SECONDS,
    }
