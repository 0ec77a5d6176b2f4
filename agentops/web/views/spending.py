"""`/policy/budgets/` and `/policy/models/`: budgets, prices and model routing."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from agentops.lib.errors import Refused
from agentops.llm import admission, budget_admin, budget_use, pricelist
from agentops.models import Budget, ModelPrice, RoutingVersion
from agentops.runs import routing, routing_versions
from agentops.web.forms import CapForm, PriceForm, RemoveForm, RoutingForm
from agentops.web.queries import spending
from approvals.web.views.request import HtmxRequest

_READ = "approvals.view_policyversion"
_SHOWN = 50


@require_GET
@permission_required(_READ, raise_exception=True)
def limits(request: HtmxRequest) -> HttpResponse:
    """Return the budgets page. `?change=N` fills the form with a budget."""
    wanted = request.GET.get("change", "")
    # PostgreSQL refuses a number that is longer than its column.
    budget = Budget.objects.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 18 else None
    start = {name: getattr(budget, name) for name in ("per", "model", "max_usd", "max_tokens")} if budget else {}
    return _limits(request, CapForm(initial={"per": "day", **start}))


@require_POST
@permission_required("agentops.change_budget", raise_exception=True)
def set_budget_view(request: HtmxRequest) -> HttpResponse:
    form = CapForm(request.POST)
    if not _done(form, lambda: budget_admin.set_budget(**form.cleaned_data, by=request.user)):
        return _limits(request, form, status=422)
    messages.success(request, "Budget saved.")
    return redirect("policy-budgets")


@require_POST
@permission_required("agentops.change_budget", raise_exception=True)
def remove_budget_view(request: HtmxRequest, budget_id: int) -> HttpResponse:
    budget = get_object_or_404(Budget, pk=budget_id)
    form = RemoveForm(request.POST)
    if not _done(
        form, lambda: budget_admin.remove_budget(budget=budget, by=request.user, note=form.cleaned_data["note"])
    ):
        return _limits(request, CapForm(initial={"per": "day"}), removing=(budget.pk, form), status=422)
    messages.success(request, f"Budget removed: {budget}.")
    return redirect("policy-budgets")


@require_GET
@permission_required(_READ, raise_exception=True)
def models(request: HtmxRequest) -> HttpResponse:
    """Return the models page. `?price=MODEL` fills the price form's model."""

    return _models(request, price=PriceForm(initial={"model": request.GET.get("price", "")[:100].replace("\x00", "")}))


@require_POST
@permission_required("agentops.add_modelprice", raise_exception=True)
def enter_price_view(request: HtmxRequest) -> HttpResponse:
    form = PriceForm(request.POST)

    def enter() -> None:
        data = form.cleaned_data
        given = pricelist.Rates(**{name: data[name] for name in ("input", "cached", "output", "reasoning")})
        pricelist.enter_price(model=data["model"], rates=given, by=request.user, note=data["note"])

    if not _done(form, enter):
        return _models(request, price=form, status=422)
    messages.success(request, f"Price saved for {form.cleaned_data['model']}.")
    return redirect("policy-models")


@require_POST
@permission_required("agentops.add_routingversion", raise_exception=True)
def save_routing_view(request: HtmxRequest) -> HttpResponse:
    form = RoutingForm(request.POST)

    def save() -> None:
        rules = routing.RoutingRules(expert_on=form.codes)
        routing_versions.save_routing(rules=rules, by=request.user, note=form.cleaned_data["note"])

    if not _done(form, save):
        return _models(request, routing_form=form, status=422)
    messages.success(request, "Routing saved.")
    return redirect("policy-models")


def _done(form: Form, do: Callable[[], object]) -> bool:
    """Validate the form and run `do`. Return whether both succeeded; a refusal becomes an error of the form."""
    if not form.is_valid():
        return False
    try:
        do()
    except Refused as refused:
        form.add_error(None, refused.message)
        return False
    return True


def _limits(
    request: HtmxRequest, form: CapForm, *, removing: tuple[int, RemoveForm] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "standings": budget_use.budget_status(),
        "per_ticket": Budget.objects.filter(per=Budget.Per.TICKET).order_by("model"),
        "form": form,
        "removing": removing,
        "held": spending.held(),
    }
    return render(request, "agentops/budgets.html", context, status=status)


def _models(
    request: HtmxRequest,
    *,
    price: PriceForm | None = None,
    routing_form: RoutingForm | None = None,
    status: int = 200,
) -> HttpResponse:
    rules, prices = routing_versions.rules_in_force(), spending.prices_in_force()
    start = {"signs": rules.expert_on, "reasons": rules.expert_on}
    context = {
        "prices": prices,
        "unpriced": spending.unpriced(prices),
        "entered": ModelPrice.objects.select_related("entered_by").order_by("-pk")[:_SHOWN],
        "breakers": spending.breakers(),
        "breaker_failures": settings.LLM_BREAKER_FAILURES,
        "tiers": [
            ("Triage and simple tickets", admission.targets("plain")),
            ("Complex tickets (larger model)", admission.targets("expert")),
        ],
        "rules": [(code, what) for code, what in routing.CODES.items() if code in rules.expert_on],
        "routing": routing_versions.current_routing(),
        "routings": RoutingVersion.objects.select_related("created_by").order_by("-pk")[:_SHOWN],
        "price_form": price or PriceForm(),
        "routing_form": routing_form or RoutingForm(initial=start),
        "holds": [row for row in spending.held() if row["cause"] == "price"],
    }
    return render(request, "agentops/models.html", context, status=status)
