"""A ticket's page. It also shows runs and actions, so it belongs to agentops and not to tickets."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from agentops.lib.errors import ProviderError, Refused
from agentops.runs import closing
from agentops.web.queries import case, person
from agentops.web.views.person import back
from approvals import states
from approvals.decisions import decide
from approvals.models import Action
from approvals.web.views.request import HtmxRequest
from tickets import queries
from tickets.models import Ticket


@require_GET
@vary_on_headers("HX-Request")
@permission_required("tickets.view_ticket", raise_exception=True)
def ticket_page(request: HttpRequest, ticket_id: str) -> HttpResponse:
    found = _found(ticket_id)
    part = "#case" if "HX-Request" in request.headers else ""
    return render(request, f"tickets/ticket.html{part}", {"ticket": found, "case": case.case_of(found)})


@require_POST
@permission_required("tickets.post_message", raise_exception=True)
def reply(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    """Send a person's own reply to the customer. If it can't be sent, the text stays in the form."""
    found = _found(ticket_id)
    following = person.next_after(found)  # before the reply, which takes this ticket off the list
    text = request.POST.get("text", "")
    try:
        action = decide.reply_by_hand(ticket=found, text=text, by=request.user)
    except (Refused, ProviderError) as error:
        context = {"ticket": found, "case": case.case_of(found), "reply": text, "refused": error.message}
        return render(request, "tickets/ticket.html", context, status=422)
    level, text = _reply_notice(action)
    messages.add_message(request, level, text)
    return back(request, found, following)


@require_POST
@permission_required("tickets.post_message", raise_exception=True)
def close_ticket_view(request: HtmxRequest, ticket_id: str) -> HttpResponse:
    found = _found(ticket_id)
    following: Ticket | None = person.next_after(found)
    try:
        if closing.close_ticket(found.pk, by=request.user):
            messages.success(request, "Ticket closed. A new message from the customer reopens it.")
        else:
            messages.info(request, "This ticket was already closed.")
    except Refused as refused:
        messages.warning(request, f"Not closed. {refused.message}")
        following = found
    return back(request, found, following)


def _reply_notice(action: Action) -> tuple[int, str]:
    """Return level and text of the notice about a person's reply.

    The same words again are the same action, which may have been sent or rejected already.
    """
    match action.status:
        case states.UNRESOLVED:
            return messages.WARNING, f"Not sent again: we don't know yet if {action.idempotency_key} went through."
        case states.SUCCEEDED:
            return messages.SUCCESS, f"The customer already has this reply ({action.idempotency_key})."
        case status if status in states.WITHOUT_EFFECT:
            status_label = action.get_status_display().lower()
            return messages.WARNING, f"Not sent: {action.idempotency_key} is {status_label}."
    return messages.SUCCESS, f"Your reply is being sent ({action.idempotency_key})."


def _found(ticket_id: str) -> Ticket:
    found = queries.find_ticket(ticket_id)
    if found is None:
        raise Http404("No such ticket.")
    return found
