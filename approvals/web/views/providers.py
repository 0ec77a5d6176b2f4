"""Resume a provider that was paused because it refused our credentials."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.effects import pauses
from approvals.web.views.request import HtmxRequest


@require_POST
@permission_required("approvals.resume_provider", raise_exception=True)
def resume_paused_provider(request: HtmxRequest, provider: str) -> HttpResponse:
    if "\x00" in provider:
        raise Http404("No such provider.")
    if pauses.resume_provider(provider, by=request.user.get_username()):
        messages.success(
            request, f"{provider.capitalize()} is resumed. Actions on hold are being sent with their original keys."
        )
    else:
        messages.info(request, f"{provider.capitalize()} was not paused.")
    return redirect("queue")
