"""The policy: what is in force, its versions, and changing it with its effect seen first."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from agentops.lib.errors import Refused
from approvals import kinds, policies
from approvals.forms.policy import PolicyForm
from approvals.models import PolicyVersion
from approvals.policy import Rules
from approvals.views.request import Request

PREVIEW_DAYS = 14
VERSIONS = 50


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def current(request: Request) -> HttpResponse:
    return _read(request, policies.current())


@require_GET
@permission_required("approvals.view_policyversion", raise_exception=True)
def version(request: Request, version_id: int) -> HttpResponse:
    return _read(request, get_object_or_404(PolicyVersion.objects.select_related("created_by"), pk=version_id))


@require_http_methods(["GET", "POST"])
@permission_required("approvals.change_policyversion", raise_exception=True)
def edit(request: Request) -> HttpResponse:
    """The form; `from` starts it with an older version, which is how one is restored."""
    if request.method == "GET":
        return _form(request, _start(request))
    saving = request.POST.get("do") == "save"
    form = PolicyForm(data=request.POST, saving=saving)
    if request.POST.get("do") == "rows":
        return _form(request, PolicyForm(data=_with_more_rows(request)))
    if not form.is_valid():
        return _form(request, form, status=422)
    proof = _proof(form.rules)
    if not saving or request.POST.get("previewed") != proof:
        preview = policies.preview(rules=form.rules, days=PREVIEW_DAYS)
        return _form(request, form, preview=preview, previewed=proof, unseen=saving)
    try:
        saved = policies.save(rules=form.rules, by=request.user, note=form.note)
    except Refused as refused:
        form.errors = [refused.message]
        return _form(request, form, status=422)
    messages.success(request, f"Policy version {saved.pk} is in force.")
    # htmx would follow a redirect and put the whole page into the form's place.
    return HttpResponseClientRedirect(reverse("policy")) if request.htmx else redirect("policy")


def _read(request: Request, shown: PolicyVersion) -> HttpResponse:
    versions = PolicyVersion.objects.select_related("created_by").defer("rules").order_by("-pk")
    context = {
        "shown": shown,
        "newest": policies.current().pk,
        "versions": versions[:VERSIONS],
        "kinds": {kind.name: kind.label for kind in kinds.KINDS.values()},
    }
    try:
        context["rules"] = policies.rules_of(shown)
    except Refused as refused:
        context["unreadable"] = refused.message
    return render(request, "approvals/policy.html", context)


def _start(request: Request) -> PolicyForm:
    wanted = request.GET.get("from", "")
    if not wanted.isdecimal() or len(wanted) > 18:
        return PolicyForm(policies.rules_of(policies.current()))
    older = get_object_or_404(PolicyVersion, pk=wanted)
    return PolicyForm(policies.rules_of(older), note=f"Restores version {older.pk}.")


def _form(request: Request, form: PolicyForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"form": form, "newest": policies.current().pk, "days": PREVIEW_DAYS, **more}
    part = "#form" if request.htmx else ""
    return render(request, f"approvals/policy_edit.html{part}", context, status=status)


def _with_more_rows(request: Request) -> Any:
    """What was entered, with three further empty rows in each table."""
    data = request.POST.copy()
    for prefix in ("thresholds", "customer", "agent"):
        total = data.get(f"{prefix}-TOTAL_FORMS", "0")
        data[f"{prefix}-TOTAL_FORMS"] = str(min(int(total) + 3, 200) if total.isdecimal() else 3)
    return data


def _proof(rules: Rules) -> str:
    """Names the rules whose effect was shown: others are not saved before theirs was."""
    return kinds.digest(rules.model_dump(mode="json"))
