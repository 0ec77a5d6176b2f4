"""The approval queue: a list on the left, the selected item on the right. One template, of which htmx loads parts."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from agentops.lib.errors import ProviderError, Refused
from approvals.decisions import decide
from approvals.effects.kinds import KINDS
from approvals.models import ApprovalRequest
from approvals.web.forms.decision import EditForm, RejectForm
from approvals.web.queries import card as cards
from approvals.web.queries import queue as queries
from approvals.web.queries.queue import QueueFilters
from approvals.web.queries.words import words_for
from approvals.web.views.request import HtmxRequest, part_of


@require_GET
@permission_required("approvals.view_dashboard", raise_exception=True)
def show_queue(request: HtmxRequest) -> HttpResponse:
    if part_of(request) == "queue-list":
        shown = _open_item(request)
        return render_screen(request, "queue.html#list", queue_context(request, **selection(*shown)))
    return render_screen(request, "queue.html", queue_context(request))


@require_GET
@permission_required("approvals.view_dashboard", raise_exception=True)
def show_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    return render_item(request, card_context(request, found_or_404(request_id)))


@require_GET
@permission_required("approvals.view_dashboard", raise_exception=True)
def refresh_card(request: HtmxRequest, request_id: int) -> HttpResponse:
    """Read the order or customer again and show the updated card."""
    unread = ""
    try:
        found = decide.refresh_request(request_id=request_id)
    except ApprovalRequest.DoesNotExist:
        raise Http404 from None
    except (ProviderError, Refused) as error:
        found, unread = found_or_404(request_id), error.message
    else:
        found = found_or_404(request_id)
    # Only the part that was read again: a form that the person is filling in must keep its contents.
    if part_of(request):
        return render_screen(request, "queue_now.html", {**now_context(found), "unread": unread, "fresh": True})
    if unread:
        messages.warning(request, f"Couldn't refresh: {unread}")
    return redirect(reverse("queue-item", args=[request_id]) + QueueFilters.of(request.GET).query())


def render_item(request: HtmxRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render the selected item: alone if htmx asks for the pane, otherwise with the list."""
    if part_of(request) == "pane":
        return render_screen(request, "queue.html#pane", {**context, "focus": True}, status)
    return render_screen(request, "queue.html", context, status)


def render_screen(request: HtmxRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, f"approvals/{template}", context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    response["Cache-Control"] = "no-store"  # one URL has several answers, so none may come from a cache
    return response


def queue_context(request: HtmxRequest, filters: QueueFilters | None = None, **more: Any) -> dict[str, Any]:
    """Return the context of the list, with the counts for this user."""
    filters = filters or QueueFilters.of(request.GET)
    counts = queries.lane_counts(request.user)
    return {
        "filters": filters,
        "page": queries.queue_page(filters, request.user),
        "waiting": counts["waiting"],
        "lanes": [
            (name, label, counts.get(name), filters.query(lane=name, after="")) for name, label in queries.LANES.items()
        ],
        "kinds": KINDS.values(),
        **more,
    }


def card_context(
    request: HtmxRequest, found: ApprovalRequest, *, edit: EditForm | None = None, reject: RejectForm | None = None
) -> dict[str, Any]:
    """Return the context of the selected request. A refused form is shown open, with its data."""
    list_context = {} if part_of(request) == "pane" else queue_context(request)
    return {
        "filters": QueueFilters.of(request.GET),
        **list_context,
        **now_context(found),
        "words": words_for(found),
        "withdrawal": queries.withdrawal_of(found.action),
        "edit_form": edit or EditForm(found.action),
        "reject_form": reject or RejectForm(),
        "opened": "edit" if edit else "reject" if reject else "",
    }


def now_context(found: ApprovalRequest) -> dict[str, Any]:
    """Return the context of the part of the card that can be refreshed: the action and the order or customer."""
    action = found.action
    return {
        "item": found,
        "action": action,
        "kind": KINDS.of(action),
        "parameters": cards.parameters(action),
        "differences": cards.account_differences(action, found.snapshot),
        "funds": cards.funds(action, found.snapshot),
        "changes": cards.snapshot_changes(found),
        "seen": cards.view_digest(found),
    }


def selection(request_id: int | None, action_id: int | None) -> dict[str, Any]:
    """Return the item that is open in the pane, so that the list can mark it."""
    item = queries.find_request(request_id) if request_id else None
    return {"item": item, "action": item.action if item else None, "selected_action": action_id}


def found_or_404(request_id: int) -> ApprovalRequest:
    found = queries.find_request(request_id)
    if found is None:
        raise Http404
    return found


def _open_item(request: HtmxRequest) -> tuple[int | None, int | None]:
    """Return the request or action in the browser's URL, because htmx loads the list from the list's own URL."""
    try:
        match = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None, None
    return match.kwargs.get("request_id"), match.kwargs.get("action_id")
