"""`/needs-a-person/`: tickets that need a person, with the failed step first and what a person can do."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from agentops.runs import closing
from agentops.web.queries import person as queries
from approvals.web.queries.words import conversation
from approvals.web.views.request import HtmxRequest, part_of
from tickets.models import Ticket
from tickets.queries import count_with_person

may_see = permission_required("tickets.view_ticket", raise_exception=True)
may_act = permission_required("tickets.post_message", raise_exception=True)


@require_GET
@may_see
def waiting_list(request: HtmxRequest) -> HttpResponse:
    if part_of(request) == "queue-list":
        return _screen(request, "#list", {**_list(request), "item": _shown(request)})
    return _screen(request, "", _list(request))


@require_GET
@may_see
def ticket_item(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    found = _found(ticket_id)
    context = {
        "item": found,
        "broken": queries.broken(found),
        "words": conversation(found.pk),
        "under_way": closing.work_in_progress(found),
        "waits_for_budget": closing.waits_for_budget(found),
    }
    if part_of(request) == "pane":
        return _screen(request, "#pane", {**context, "focus": True})
    return _screen(request, "", {**_list(request), **context})


@require_POST
@may_act
def claim_ticket(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    return _change_assignment(request, ticket_id, closing.assign_ticket)


@require_POST
@may_act
def unassign_view(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    return _change_assignment(request, ticket_id, closing.unassign_ticket)


@require_POST
@may_act
def start_run(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    """Start a new run. Both the ticket's page and the list post here; `back` says which."""
    found = _found(ticket_id)
    following = queries.next_after(found)  # read now, because the new run takes the ticket off the list
    try:
        run = closing.run_again(found.pk, by=request.user)
    except Refused as refused:
        messages.warning(request, f"Not run again. {refused.message}")
        return back(request, found, found)
    messages.success(request, f"Run {run.number} is queued. Completed actions are not repeated.")
    return back(request, found, following)


def back(request: HtmxRequest, done: Ticket, following: Ticket | None) -> HttpResponse:
    """Redirect to the page of the form; from the list, to the next ticket that needs a person."""
    if request.POST.get("back") != "needs-a-person":
        return redirect("ticket", done.pk)
    return redirect("needs-a-person-ticket", following.pk) if following else redirect("needs-a-person")


def _change_assignment(request: HtmxRequest, ticket_id: str, change: Any) -> HttpResponse:
    found = _found(ticket_id)
    try:
        change(found.pk, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.message)
    if not request.htmx:
        return redirect("needs-a-person-ticket", found.pk)
    return _screen(request, "#list", {**_list(request), "item": _found(ticket_id)})


def _list(request: HtmxRequest) -> dict[str, Any]:
    after = request.GET.get("after", "")
    rows, following = queries.waiting_page(after)
    more = f"?after={following}" if following else ""
    return {"rows": rows, "more": more, "after": after, "waiting": count_with_person()}


def _screen(request: HtmxRequest, part: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, f"agentops/needs_person.html{part}", context)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    response["Cache-Control"] = "no-store"  # one address has several answers, so the Back button must not get a part
    return response


def _found(ticket_id: str) -> Ticket:
    found = queries.find_waiting(ticket_id)
    if found is None:
        raise Http404("No such ticket.")
    return found


def _shown(request: HtmxRequest) -> Ticket | None:
    """Return the ticket that the browser shows. The list refreshes by its own address, which doesn't name one."""
    try:
        match = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None
    return queries.find_waiting(str(match.kwargs.get("ticket_id", "")))
