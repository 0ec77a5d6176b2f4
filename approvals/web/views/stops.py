"""The stop switch: show what is stopped, stop actions and resume them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from approvals.effects import stops
from approvals.models import Stop
from approvals.web.forms.labels import subject_and_verb
from approvals.web.forms.stop import StopForm
from approvals.web.queries import figures
from approvals.web.views.request import HtmxRequest

PAST = 20


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def show_stops(request: HtmxRequest) -> HttpResponse:
    return _page(request, StopForm())


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def stop_banners(request: HtmxRequest) -> HttpResponse:
    """Return only the banners, so that open pages can poll for stops and their end."""
    return render(request, "approvals/stopped.html", {"stops": stops.active_stops()})


@require_POST
@permission_required("approvals.stop_effects", raise_exception=True)
def stop_effects(request: HtmxRequest) -> HttpResponse:
    form = StopForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    try:
        made = stops.stop_kind(kind=given["kind"], reason=given["reason"], by=request.user)
    except Refused as refused:
        form.add_error("kind", refused.message)
        return _page(request, form, status=409)
    messages.success(request, f"{subject_and_verb(made.kind)} stopped. Actions already in progress will finish.")
    return redirect("policy-stops")


@require_POST
@permission_required("approvals.release_effects", raise_exception=True)
def resume_stopped_effects(request: HtmxRequest, stop_id: int) -> HttpResponse:
    if stops.resume_stopped(stop_id=stop_id, by=request.user):
        messages.success(request, "Resumed. Actions on hold are being sent.")
    else:
        messages.info(request, "This stop was already resumed.")
    return redirect("policy-stops")


def _page(request: HtmxRequest, form: StopForm, *, status: int = 200) -> HttpResponse:
    past = Stop.objects.filter(released_at__isnull=False).select_related("stopped_by", "released_by")
    context: dict[str, Any] = {
        "form": form,
        "many": figures.HELD_BACK,
        "standing": [(row, figures.held_back(row.kind)) for row in stops.active_stops()],
        "past": past.order_by("-pk")[:PAST],
    }
    return render(request, "approvals/stops.html", context, status=status)
