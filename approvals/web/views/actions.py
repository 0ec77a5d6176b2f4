"""`/actions/`: the history of actions, its export, and the full history of one action."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from agentops.lib import money
from approvals import states
from approvals.effects.kinds import KINDS
from approvals.models import Action
from approvals.web.queries import history as queries
from approvals.web.queries import life
from approvals.web.views import export as exports

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "KWD")
FAILURES = ("transient", "effect_unknown", "replayed_failure", "terminal", "unauthorized", "lost")
_HEADER = [
    "id",
    "idempotency_key",
    "ticket",
    "customer_email",
    "kind",
    "status",
    "verdict",
    "policy_version",
    "target",
    "order_id",
    "amount_minor",
    "amount",
    "currency",
    "reason",
    "proposed_at",
    "approved_at",
    "settled_at",
    "decided_by",
    "decision",
    "decided_at",
    "decision_reason",
    "attempts",
    "duplicates_absorbed",
    "provider_reference",
    "error_code",
    "error_class",
    "error_message",
]


@require_GET
@vary_on_headers("HX-Request")
@permission_required("approvals.view_action", raise_exception=True)
def action_history(request: HttpRequest) -> HttpResponse:
    filters = queries.ActionFilters.of(request.GET)
    actions, more = queries.paginate(queries.with_decisions(queries.find_actions(filters)), filters.after)
    context = {
        "filters": filters,
        "rows": [(action, queries.last_decision(action)) for action in actions],
        "more": filters.query(after=more) if more else "",
        "json_query": filters.query(after="", format="json"),
        "kinds": KINDS.values(),
        "statuses": states.ALL,
        "currencies": sorted({*CURRENCIES, filters.currency} - {""}),
        "deciders": queries.deciders(),
        "failures": FAILURES,
    }
    part = "#results" if "HX-Request" in request.headers else ""
    return render(request, f"approvals/actions.html{part}", context)


@require_GET
@permission_required("approvals.view_action", raise_exception=True)
def export_actions(request: HttpRequest) -> StreamingHttpResponse:
    filters = queries.ActionFilters.of(request.GET)
    rows = queries.stream_rows(queries.with_decisions(queries.find_actions(filters)))
    return exports.download("actions", _exported(rows), header=_HEADER, as_json=request.GET.get("format") == "json")


@require_GET
@vary_on_headers("HX-Request")
@permission_required("approvals.view_action", raise_exception=True)
def action_detail(request: HttpRequest, action_id: int) -> HttpResponse:
    action = life.load_action(action_id)
    if action is None:
        raise Http404("No such action.")
    waits = action.status == states.AWAITING_APPROVAL
    context = {
        "action": action,
        "life": life.life_of(action),
        "open_request": next((row for row in action.requests.all() if row.closed_at is None), None) if waits else None,
        "moving": action.status not in states.SETTLED,
    }
    part = "#life" if "HX-Request" in request.headers else ""
    return render(request, f"approvals/action.html{part}", context)


def _exported(actions: Iterator[Action]) -> Iterator[dict[str, Any]]:
    for action in actions:
        decision = queries.last_decision(action)
        yield {
            "id": action.pk,
            "idempotency_key": action.idempotency_key,
            "ticket": action.ticket_id,
            "customer_email": action.ticket.customer.email,
            "kind": action.kind,
            "status": action.status,
            "verdict": action.verdict,
            "policy_version": action.policy_version_id,
            "target": action.target,
            "order_id": action.order_id,
            "amount_minor": action.amount,
            "amount": "" if action.amount is None else f"{money.major(action.amount, action.currency):f}",
            "currency": action.currency,
            "reason": action.reason,
            "proposed_at": action.created_at,
            "approved_at": action.approved_at,
            "settled_at": action.settled_at,
            "decided_by": decision.by.get_username() if decision else "",
            "decision": decision.verdict if decision else "",
            "decided_at": decision.decided_at if decision else None,
            "decision_reason": decision.reason if decision else "",
            "attempts": action.fence,
            "duplicates_absorbed": action.duplicates_absorbed,
            "provider_reference": action.provider_reference,
            "error_code": action.error_code,
            "error_class": action.error_class,
            "error_message": action.error_message,
            "params": action.params,
            "reasons": action.reasons,
        }
