"""The five actions on an approval request, all by POST. They answer with a redirect, or with a fragment for htmx."""

import re
from collections.abc import Callable, Sequence

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agentops.lib.errors import ProviderError, Refused
from agentops.lib.money import display
from approvals import states
from approvals.decisions import assignment, decide
from approvals.decisions.decide import Seen
from approvals.effects import stops
from approvals.kinds import noun
from approvals.models import Action, ApprovalRequest, Decision
from approvals.web.forms.decision import EditForm, RejectForm
from approvals.web.queries import card as cards
from approvals.web.queries import queue as queries
from approvals.web.queries.queue import QueueFilters
from approvals.web.queries.words import unread_messages
from approvals.web.views.queue import card_context, found_or_404, queue_context, render_item, render_screen, selection
from approvals.web.views.request import HtmxRequest
from tickets.models import Message


class SeenMissing(Exception):
    """The form doesn't say what the person saw. It is never assumed."""


may_decide = permission_required("approvals.decide", raise_exception=True)


@require_POST
@may_decide
def approve_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    return _apply(
        request,
        found_or_404(request_id),
        lambda: decide.approve(request_id=request_id, by=request.user, seen=_seen(request)),
    )


@require_POST
@may_decide
def edit_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    found = found_or_404(request_id)
    form = EditForm(found.action, request.POST)
    if not form.is_valid():
        return render_item(request, card_context(request, found, edit=form), 422)
    return _apply(
        request,
        found,
        lambda: decide.edit(
            request_id=request_id,
            by=request.user,
            seen=_seen(request),
            changes=form.changes(),
        ),
        edit=form,
    )


@require_POST
@may_decide
def reject_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    found = found_or_404(request_id)
    form = RejectForm(request.POST)
    if not form.is_valid():
        return render_item(request, card_context(request, found, reject=form), 422)
    return _apply(
        request,
        found,
        lambda: decide.reject(
            request_id=request_id,
            by=request.user,
            seen=_seen(request),
            reason=form.cleaned_data["reason"],
        ),
        reject=form,
    )


@require_POST
@may_decide
def assign_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    return _set_assignee(request, request_id, assignment.assign)


@require_POST
@may_decide
def unassign_request(request: HtmxRequest, request_id: int) -> HttpResponse:
    return _set_assignee(request, request_id, assignment.unassign)


def _apply(
    request: HtmxRequest,
    found: ApprovalRequest,
    apply_decision: Callable[[], Decision],
    *,
    edit: EditForm | None = None,
    reject: RejectForm | None = None,
) -> HttpResponse:
    """Apply the decision and open the next request. If it was not applied, show the card again with the reason."""
    try:
        if reject is None:  # a rejection is safe, however the order has changed
            _require_view_as_shown(request, found)
        decision = apply_decision()
    except decide.AlreadyDecided as first:
        return _show_again(request, 409, "warning", _already_decided(first.request))
    except SeenMissing:
        text = "Your decision was not applied: the form doesn't say what you saw. Review the request and decide again."
        return _show_again(request, 409, "warning", text, found.pk, edit, reject)
    except decide.WrittenSinceShown:
        unread = unread_messages(found.action.ticket_id, _seen(request).through_message)
        return _show_again(request, 409, "warning", _written_since(unread), found.pk, edit, reject, unread)
    except decide.ChangedSinceShown as changed:
        text = "Your decision was not applied: the request changed after you opened it. Review it and decide again."
        return _show_again(request, 409, "warning", text, changed.request.pk, edit, reject)
    except Refused as refused:
        return _show_again(
            request, 422, "error", f"Your decision was not applied. {refused.message}", found.pk, edit, reject
        )
    except ProviderError as error:
        text = f"Your decision was not applied: we couldn't read the order. Try again in a moment. {error.message}"
        return _show_again(request, 503, "error", text, found.pk, edit, reject)
    messages.success(request, _success_message(decision, found.action))
    return _open_next(request, found)


def _seen(request: HtmxRequest) -> Seen:
    """Return what the form says the person saw. Raises SeenMissing."""
    digest, through_message = request.POST.get("digest", ""), request.POST.get("through_message", "")
    if not digest or not re.fullmatch(r"[0-9]{1,18}", through_message):
        raise SeenMissing
    return Seen(digest, int(through_message))


def _require_view_as_shown(request: HtmxRequest, found: ApprovalRequest) -> None:
    """Raise ChangedSinceShown if the order or customer on the card is no longer the one on the form, SeenMissing if the
    form doesn't say."""
    shown = request.POST.get("seen", "")
    if not shown:
        raise SeenMissing
    if found.closed_at is None and shown != cards.view_digest(found):
        raise decide.ChangedSinceShown(found)


def _show_again(
    request: HtmxRequest,
    status: int,
    level: str,
    text: str,
    request_id: int | None = None,
    edit: EditForm | None = None,
    reject: RejectForm | None = None,
    unread: Sequence[Message] = (),
) -> HttpResponse:
    """Show the card again with a notice and the messages that the person hasn't read; what they typed stays."""
    match = request.resolver_match
    assert match is not None  # only None before URL resolution
    found = found_or_404(request_id or int(match.kwargs["request_id"]))
    context = card_context(request, found, edit=edit, reject=reject)
    return render_item(request, {**context, "notice": {"level": level, "text": text, "unread": unread}}, status)


def _open_next(request: HtmxRequest, done: ApprovalRequest) -> HttpResponse:
    filters = QueueFilters.of(request.GET)
    following = queries.next_request(done, filters, request.user)
    place = reverse("queue-item", args=[following.pk]) if following else reverse("queue")
    address = place + filters.query()
    if not request.htmx:
        return redirect(address)
    shown = queries.find_request(following.pk) if following else None
    card = card_context(request, shown) if shown else {}
    context = {**card, **queue_context(request, filters), "focus": True}
    response = render_screen(request, "queue_after.html", context)
    response["HX-Push-Url"] = address
    return response


def _set_assignee(request: HtmxRequest, request_id: int, change: Callable[..., None]) -> HttpResponse:
    try:
        change(request_id=request_id, by=request.user)
    except decide.AlreadyDecided as first:
        messages.warning(request, _already_decided(first.request))
    filters = QueueFilters.of(request.GET)
    if not request.htmx:
        return redirect(reverse("queue-item", args=[request_id]) + filters.query())
    return render_screen(request, "queue.html#list", queue_context(request, filters, **selection(request_id, None)))


def _success_message(decision: Decision, action: Action) -> str:
    """Return the success message, for example 'Approved: refund of $84.00, Maya Chen.'"""
    rejected = decision.verdict == Decision.Verdict.REJECT
    amount = decision.edited.get("amount", action.amount) if decision.edited else action.amount
    what = noun(action.kind)
    if amount is not None:
        what += f" of {display(amount, action.currency)}"
    waits = " On hold: actions are stopped." if stops.stop_for(action.kind) and not rejected else ""
    return f"{decision.get_verdict_display()}: {what}, {action.ticket.customer}.{waits}"


def _written_since(unread: Sequence[Message]) -> str:
    by_customer = any(message.direction == Message.Direction.INBOUND for message in unread)
    happened = "the customer has written" if by_customer else "a reply was sent"
    return f"Your decision was not applied: {happened} since you opened this request. Read it and decide again."


def _already_decided(closed: ApprovalRequest) -> str:
    decision = getattr(closed, "decision", None)
    if decision is None and closed.action.status == states.WITHDRAWN:
        return "Your decision was not applied: the agent has withdrawn this request. Nothing will be sent."
    if decision is None:
        return "Your decision was not applied: this request has expired and its action won't be sent."
    verdict = decision.get_verdict_display().lower()
    return f"{decision.by.get_username()} already {verdict} this. Your decision was not applied."
