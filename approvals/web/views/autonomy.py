"""The autonomy dial with its evidence. Everyone can see what another setting would have meant; only admins set it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST

from agentops.lib.errors import Refused
from approvals.effects.kinds import KINDS
from approvals.models import PolicyVersion
from approvals.policy import lowering, versions
from approvals.policy.rules import Rules
from approvals.web.forms.autonomy import AutonomyForm
from approvals.web.queries.evidence import evidence
from approvals.web.views.curve import curve
from approvals.web.views.policy import PREVIEW_DAYS, based_on_of, outdated_status, proof_of
from approvals.web.views.request import HtmxRequest, part_of

CHANGE = "approvals.change_policyversion"


@require_http_methods(["GET", "POST"])
@permission_required("approvals.view_policyversion", raise_exception=True)
def edit_autonomy(request: HtmxRequest) -> HttpResponse:
    """GET shows the rules in force, with the dial at the URL's `percent` if given. POST previews or saves the form."""
    newest = versions.current_policy()
    try:
        rules = versions.policy_rules(newest)
    except Refused as refused:
        return render(request, "approvals/autonomy.html", {"unreadable": refused.message})
    if request.method == "GET":
        return _page(request, AutonomyForm(rules), newest, _with_requested_percent(request, rules), newest.pk)
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    based_on = based_on_of(request)
    saving = request.POST.get("do") == "save"
    form = AutonomyForm(rules, request.POST, saving=saving)
    try:
        if saving:  # first, because the evidence for an outdated change would be misleading
            versions.require_newest(newest=newest, based_on=based_on)
        if not form.is_valid():
            return _page(request, form, newest, rules, based_on, status=422)
        unseen = saving and request.POST.get("previewed") != proof_of(form.rules)
        if not saving or unseen:
            return _page(request, form, newest, form.rules, based_on, unseen=unseen)
        saved = versions.save_policy(rules=form.rules, by=request.user, note=form.note, based_on=based_on, kinds=KINDS)
    except Refused as refused:
        if refused.code in versions.OUTDATED:
            return _show_newest(request, refused)
        form.errors = [refused.message]
        return _page(request, form, newest, form.rules, based_on, status=409)
    messages.success(
        request, f"Policy version {saved.pk} is now current, with the dial at {form.rules.autonomy.percent}%."
    )
    return redirect("policy-autonomy")


@require_POST
@permission_required(CHANGE, raise_exception=True)
def dismiss_lowering(request: HtmxRequest, version_id: int) -> HttpResponse:
    """Record that an admin has seen the lowering, which removes the banner."""
    if lowering.acknowledge_lowering(version_id=version_id, by=request.user):
        messages.success(request, "Dismissed. The dial stays where it is until an admin changes it.")
    return redirect("policy-autonomy")


def _with_requested_percent(request: HtmxRequest, rules: Rules) -> Rules:
    """Return the rules with the dial at the URL's `percent`, if it is valid."""
    wanted = request.GET.get("percent", "")
    if not wanted.isdecimal() or len(wanted) > 3 or int(wanted) > 100:
        return rules
    return rules.model_copy(update={"autonomy": rules.autonomy.model_copy(update={"percent": int(wanted)})})


def _show_newest(request: HtmxRequest, refused: Refused) -> HttpResponse:
    """Show the newest version's form, with the reason why the change was not saved."""
    newest = versions.current_policy()
    rules = versions.policy_rules(newest)
    form = AutonomyForm(rules)
    form.errors = [refused.message]
    return _page(request, form, newest, rules, newest.pk, status=outdated_status(refused))


def _page(
    request: HtmxRequest,
    form: AutonomyForm,
    newest: PolicyVersion,
    shown: Rules,
    based_on: int,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Render the page. `based_on` is the version that the form was first opened with; a preview doesn't change it."""
    found = evidence(shown, PREVIEW_DAYS)
    percent = shown.autonomy.percent
    context = {
        "form": form,
        "based_on": based_on,
        "newest": newest,
        "rules": form.base,
        "shown": shown,
        "percent": percent,
        "evidence": found,
        "at": found.points[percent],
        "curve": curve(found),
        "previewed": proof_of(shown),
        "rates": lowering.rates(newest, form.base),
        "may_change": request.user.has_perm(CHANGE),
        **more,
    }
    part = "#evidence" if part_of(request) == "evidence" else ""
    response = render(request, f"approvals/autonomy.html{part}", context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response
