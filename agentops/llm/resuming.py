"""Decide when a held run can continue: the model has a price, the budgets have room, or a failing model is due."""

from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agentops.llm import breakers, budget_use, pricelist
from agentops.llm.admission import targets
from agentops.llm.breakers import Target
from agentops.llm.tiers import PLAIN
from agentops.models import Budget, Hold, ModelPrice, Run

PLAIN_ROUTES = ("", PLAIN)  # values of Run.route that mean the plain tier


def resumable(limit: int) -> list[int]:
    """Return the ids of held runs that can continue, oldest first.

    Costs one query when no run is held, which is nearly always the case.
    """
    causes = set(Hold.objects.values_list("cause", flat=True).distinct())
    found: list[int] = []
    if Hold.Cause.PRICE in causes:
        priced = Exists(ModelPrice.objects.filter(model=OuterRef("model")))
        found += Hold.objects.filter(priced, cause=Hold.Cause.PRICE).order_by("pk").values_list("pk", flat=True)[:limit]
    if Hold.Cause.BUDGET in causes:
        found += _affordable(limit)
    # Any hold may wait for a target that was skipped or has been replaced since, whatever its own cause.
    if causes:
        found += _holds_of_retired_models().order_by("pk").values_list("pk", flat=True)[:limit]
        found += _due_for_probe(limit)
    return list(dict.fromkeys(found))[:limit]


def _affordable(limit: int) -> list[int]:
    """Return held runs whose worst cases fit together into what the budgets have left.

    Reads one row more than fits, so an exhausted budget costs the same however many runs wait for it.
    """
    held = Hold.objects.filter(cause=Hold.Cause.BUDGET).order_by("pk")
    found = list(held.filter(per=Budget.Per.TICKET, recheck=True).values_list("pk", flat=True)[:limit])
    waiting = held.exclude(per=Budget.Per.TICKET)
    models = list(waiting.order_by("model").values_list("model", flat=True).distinct())
    statuses = budget_use.budget_status() if models else []
    for model in models:
        usd, tokens = budget_use.room_for(statuses, model)
        fits = waiting.filter(model=model)
        fits = fits if usd is None else fits.filter(usd__lte=usd)
        fits = fits if tokens is None else fits.filter(tokens__lte=tokens)
        needed_usd, needed_tokens = Decimal(0), 0
        for pk, usd_needed, tokens_needed in fits.values_list("pk", "usd", "tokens")[:limit]:
            needed_usd, needed_tokens = needed_usd + usd_needed, needed_tokens + tokens_needed
            if (usd is not None and needed_usd > usd) or (tokens is not None and needed_tokens > tokens):
                break
            found.append(pk)
    return found


def _holds_of_retired_models() -> QuerySet[Hold]:
    """Return holds on a price or budget of a model that no route uses any more: their runs ask another model."""
    return Hold.objects.exclude(cause=Hold.Cause.OUTAGE).exclude(model__in=_routed_models())


def _routed_models() -> set[str]:
    """Return every model on a route."""
    return {target.model for target in (*targets("plain"), *targets("expert"))}


def _due_for_probe(limit: int) -> list[int]:
    """Return the runs that wait for a failing model and can try it now.

    One per probe that is due, or all of them once a model works again.
    """
    under_way = Q(run__status=Run.Status.RUNNING, run__lease_expires_at__gte=Now())
    plain = Q(run__route__in=PLAIN_ROUTES)
    found: list[int] = []
    for route, on_route in ((targets("plain"), plain), (targets("expert"), ~plain)):
        waiting = Hold.objects.filter(on_route).exclude(under_way).order_by("pk")
        for holds, passed in _holds_by_skipped_targets(route):
            pks = waiting.filter(holds).values_list("pk", flat=True)[:limit]
            found += list(pks)[: breakers.calls_allowed(passed)] if pks else []
    return found


def _holds_by_skipped_targets(route: list[Target]) -> list[tuple[Q, list[Target]]]:
    """Pair the holds of a route with the targets that were skipped when they were placed.

    An outage skipped the whole route; a missing price or a full budget skipped the targets before that model.
    """
    outage = Q(cause=Hold.Cause.OUTAGE)
    places = {target.model: place for place, target in reversed(list(enumerate(route)))}
    return [(outage, route), *((~outage & Q(model=model), route[:place]) for model, place in places.items() if place)]


def _calls_allowed(held: Hold) -> int | None:
    """Return breakers.calls_allowed for the targets that were skipped when the hold was placed."""
    route = targets("plain" if held.run.route in PLAIN_ROUTES else "expert")
    if held.cause != Hold.Cause.OUTAGE:
        models = [target.model for target in route]
        route = route[: models.index(held.model)] if held.model in models else []
    return breakers.calls_allowed(route)


def would_probe(held: Hold) -> bool:
    """Return whether the run would probe a failing model because no other target can take its call."""
    return not _is_resolved(held) and _calls_allowed(held) is not None


def can_continue(held: Hold) -> bool:
    """Return whether the run can continue.

    Takes no lock, so the answer may be outdated: the call itself is admitted again.
    """
    return _is_resolved(held) or _calls_allowed(held) != 0


def _is_resolved(held: Hold) -> bool:
    """Return whether the model now has a price, or room in the budgets, or was replaced on its route."""
    if held.cause == Hold.Cause.OUTAGE:
        return False
    if held.model not in _routed_models():
        return True
    if held.cause == Hold.Cause.PRICE:
        return pricelist.find_price(held.model) is not None
    if held.per == Budget.Per.TICKET:
        return held.recheck
    usd, tokens = budget_use.room_for(budget_use.budget_status(), held.model)
    return (usd is None or held.usd <= usd) and (tokens is None or held.tokens <= tokens)
