"""The policy pages: the version in force, older versions, and the form, which previews a change before saving it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from agentops.lib.errors import Refused
from approvals import kinds
from approvals.effects.kinds import KINDS
from approvals.models import PolicyVersion
from approvals.policy.rules import Rules
from approvals.policy.versions import OUTDATED, current_policy, policy_rules, require_newest, save_policy
from approvals.web.forms.policy import PolicyForm
from approvals.web.queries.preview import preview_of
from approvals.web.views.request import HtmxRequest

PREVIEW_DAYS = 14
VERSIONS = 50


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def show_current_policy(request: HtmxRequest) -> HttpResponse:
    return _show_version(request, current_policy())


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def show_policy_version(request: HtmxRequest, version_id: int) -> HttpResponse:
    return _show_version(request, get_object_or_404(PolicyVersion.objects.select_related("created_by"), pk=version_id))


@require_http_methods(["GET", "POST"])
@permission_required("approvals.change_policyversion", raise_exception=True)
def edit_policy(request: HtmxRequest) -> HttpResponse:
    """Show, preview or save the form. `from` starts it with an older version, which is how one is restored."""
    newest = current_policy()
    older = _version_to_restore(request)
    base = policy_rules(older or newest)
    if request.method == "GET":
        note = f"Restores version {older.pk}." if older else ""
        return _form(request, PolicyForm(base, note=note), newest.pk, restored=older)
    based_on = based_on_of(request)
    saving = request.POST.get("do") == "save"
    form = PolicyForm(base, request.POST, saving=saving)
    if request.POST.get("do") == "rows":
        return _form(request, PolicyForm(base, _with_more_rows(request)), based_on, restored=older)
    try:
        if saving:  # first, because the preview of an outdated change would be misleading
            require_newest(newest=newest, based_on=based_on)
        if not form.is_valid():
            return _form(request, form, based_on, status=422, restored=older)
        proof = proof_of(form.rules)
        # Save only the rules whose preview the person has seen: changed fields mean another preview.
        if not saving or request.POST.get("previewed") != proof:
            preview = preview_of(rules=form.rules, days=PREVIEW_DAYS)
            return _form(request, form, based_on, preview=preview, previewed=proof, unseen=saving, restored=older)
        saved = save_policy(rules=form.rules, by=request.user, note=form.note, based_on=based_on, kinds=KINDS)
    except Refused as refused:
        if refused.code in OUTDATED:
            return _show_newest(request, refused)
        form.errors = [refused.message]
        return _form(request, form, based_on, status=422, restored=older)
    messages.success(request, f"Policy version {saved.pk} is now current.")
    return leave_for(request, "policy")


def _show_version(request: HtmxRequest, shown: PolicyVersion) -> HttpResponse:
    versions = PolicyVersion.objects.select_related("created_by").defer("rules").order_by("-pk")
    context = {
        "shown": shown,
        "newest": current_policy().pk,
        "versions": versions[:VERSIONS],
        "kinds": {kind.name: kind.label for kind in KINDS.values()},
    }
    try:
        context["rules"] = policy_rules(shown)
    except Refused as refused:
        context["unreadable"] = refused.message
    return render(request, "approvals/policy.html", context)


def _version_to_restore(request: HtmxRequest) -> PolicyVersion | None:
    """Return the older version to restore, if any. It also provides what the form doesn't show, such as the dial."""
    wanted = (request.GET if request.method == "GET" else request.POST).get("from", "")
    if not wanted.isdecimal() or len(wanted) > 18:
        return None
    return get_object_or_404(PolicyVersion, pk=wanted)


def _show_newest(request: HtmxRequest, refused: Refused) -> HttpResponse:
    """Show the newest version's form, with the reason why the change was not saved."""
    newest = current_policy()
    form = PolicyForm(policy_rules(newest))
    form.errors = [refused.message]
    return _form(request, form, newest.pk, status=outdated_status(refused))


def _form(request: HtmxRequest, form: PolicyForm, based_on: int, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "based_on": based_on,
        "newest": current_policy().pk,
        "days": PREVIEW_DAYS,
        **more,
    }
    part = "#form" if request.htmx else ""
    return render(request, f"approvals/policy_edit.html{part}", context, status=status)


def _with_more_rows(request: HtmxRequest) -> Any:
    """Return the entered data with three more empty rows in each table."""
    data = request.POST.copy()
    for prefix in ("thresholds", "customer", "agent"):
        total = data.get(f"{prefix}-TOTAL_FORMS", "0")
        data[f"{prefix}-TOTAL_FORMS"] = str(min(int(total) + 3, 200) if total.isdecimal() else 3)
    return data


def leave_for(request: HtmxRequest, name: str) -> HttpResponse:
    """Redirect the browser. With htmx this needs a header, because htmx would swap the whole page into the form."""
    return HttpResponseClientRedirect(reverse(name)) if request.htmx else redirect(name)


def based_on_of(request: HtmxRequest) -> int:
    """Return the version that the form says it was opened with, or 0, which doesn't exist, if it names none."""
    given = request.POST.get("based_on", "")
    return int(given) if given.isdecimal() and len(given) <= 18 else 0


def outdated_status(refused: Refused) -> int:
    return 409 if refused.code == "policy_changed" else 422


def proof_of(rules: Rules) -> str:
    """Return a digest of the rules that were previewed. Rules can only be saved after their own preview."""
    return kinds.json_digest(rules.model_dump(mode="json"))
