"""The queue's "Unknown" lane: what was tried, what the provider says now, and what people found out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from approvals import states
from approvals.effects.lookup import LookupResult
from approvals.models import Action
from approvals.reconciliation import by_hand
from approvals.web.forms.looking_into import SettleForm
from approvals.web.queries import queue as queries
from approvals.web.queries.queue import QueueFilters
from approvals.web.views.queue import queue_context, render_item, render_screen
from approvals.web.views.request import HtmxRequest, part_of

may_decide = permission_required("approvals.decide", raise_exception=True)


@require_GET
@permission_required("approvals.view_dashboard", raise_exception=True)
def show_unresolved(request: HtmxRequest, action_id: int) -> HttpResponse:
    """Show an unresolved action with its attempts and answers."""
    return render_item(request, _context(request, _found_or_404(action_id)))


@require_POST
@may_decide
def check_with_provider(request: HtmxRequest, action_id: int) -> HttpResponse:
    """Ask the provider now and show its answer as a message."""
    _found_or_404(action_id)
    return _show_result(request, by_hand.check_now(action_id=action_id, by=request.user))


@require_POST
@may_decide
def resolve_outcome(request: HtmxRequest, action_id: int) -> HttpResponse:
    found = _found_or_404(action_id)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return render_item(request, _context(request, found, form=form), 422)
    report = form.cleaned_data
    try:
        result = by_hand.resolve_by_hand(
            action_id=action_id, by=request.user, happened=report["happened"], reason=report["reason"]
        )
    except Refused as refused:
        context = _context(request, _found_or_404(action_id), form=form)
        return render_item(request, {**context, "refused": refused.message}, 422)
    return _show_result(request, result)


def _show_result(request: HtmxRequest, result: LookupResult) -> HttpResponse:
    level = messages.INFO if result.action.status == states.UNRESOLVED else messages.SUCCESS
    messages.add_message(request, level, result.message)
    return _show_updated(request, result.action.pk)


def _show_updated(request: HtmxRequest, action_id: int) -> HttpResponse:
    """Show the updated card: by redirect, or with the updated list for htmx."""
    filters = _filters(request)
    if not request.htmx:
        return redirect(reverse("queue-unknown", args=[action_id]) + filters.query())
    context = {**_context(request, _found_or_404(action_id)), **queue_context(request, filters)}
    return render_screen(request, "queue_after.html", {**context, "focus": True})


def _context(request: HtmxRequest, action: Action, *, form: SettleForm | None = None) -> dict[str, Any]:
    filters = _filters(request)
    standing = by_hand.decisions_on(action)
    return {
        **({"filters": filters} if part_of(request) == "pane" else queue_context(request, filters)),
        "unresolved": action,
        "selected_action": action.pk,
        "asked": queries.last_manual_check(action.pk),
        "standing": standing,
        "spoken": any(row.by_id == request.user.pk for row in standing.reports),
        "settle_form": form or SettleForm(),
    }


def _filters(request: HtmxRequest) -> QueueFilters:
    return QueueFilters.of({"lane": "unknown", **request.GET.dict()})


def _found_or_404(action_id: int) -> Action:
    action = queries.find_action(action_id)
    # Settled actions too: a person who presses a button just after the settlement should read the outcome.
    if action is None or action.status not in (states.UNRESOLVED, *states.SETTLED):
        raise Http404
    return action
