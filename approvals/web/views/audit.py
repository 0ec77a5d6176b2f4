"""`/audit/`: the audit log, its export, and the check of its seals."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from approvals.audit import seals
from approvals.models import AuditEvent
from approvals.web.queries import events as queries
from approvals.web.queries import history
from approvals.web.queries.difference import differences
from approvals.web.views import export as exports

_HEADER = ["id", "at", "actor", "verb", "object_type", "object_id", "before", "after"]
OBJECT_TYPES = ("action", "request", "policy", "provider", "ticket", "finding", "comparison", "work")
VERIFIED_HERE = 20_000  # the page checks about this many of the newest events; `manage.py verify_audit` checks all


@require_GET
@vary_on_headers("HX-Request")
@permission_required("approvals.view_auditevent", raise_exception=True)
def audit_log(request: HttpRequest) -> HttpResponse:
    filters = queries.EventFilters.of(request.GET)
    found, more = history.paginate(queries.find_events(filters), filters.after)
    context = {
        "filters": filters,
        "rows": [(event, differences(event.before, event.after)) for event in found],
        "more": filters.query(after=more) if more else "",
        "json_query": filters.query(after="", format="json"),
        "verbs": queries.verbs(),
        "actors": queries.actors(),
        "object_types": OBJECT_TYPES,
        "seal": seals.newest_seal(),
    }
    part = "#results" if "HX-Request" in request.headers else ""
    return render(request, f"approvals/audit.html{part}", context)


@require_POST
@permission_required("approvals.view_auditevent", raise_exception=True)
def verify_audit(request: HttpRequest) -> HttpResponse:
    """Check the newest seals against the events."""
    found = seals.verify_chain(most_events=VERIFIED_HERE)
    if found.broken:
        span = f"{found.after + 1} to {found.broken.through_event}"
        messages.error(request, f"Verification failed: events {span} differ from what was sealed.")
    else:
        messages.success(request, f"Verified: {found.events} events, {found.seals} seals, no changes.")
    return redirect("audit")


@require_GET
@permission_required("approvals.view_auditevent", raise_exception=True)
def export_audit(request: HttpRequest) -> StreamingHttpResponse:
    rows = history.stream_rows(queries.find_events(queries.EventFilters.of(request.GET)))
    return exports.download("audit", _exported(rows), header=_HEADER, as_json=request.GET.get("format") == "json")


def _exported(events: Iterator[AuditEvent]) -> Iterator[dict[str, Any]]:
    for event in events:
        yield {
            "id": event.pk,
            "at": event.at,
            "actor": event.actor,
            "verb": event.verb,
            "object_type": event.object_type,
            "object_id": event.object_id,
            "before": event.before,
            "after": event.after,
        }
