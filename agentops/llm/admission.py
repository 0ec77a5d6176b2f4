"""Admit model calls: choose a target that works, price the call and reserve its worst case in every budget.

`admit` and the booking run in the transaction that records the step, so a call costs no commit of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from agentops.lib import redact
from agentops.lib.errors import EffectUnknown, ProviderError, Transient
from agentops.llm import breakers, budgets, client, pricelist, prices
from agentops.llm.breakers import Target
from agentops.llm.budgets import SpendingEntry
from agentops.llm.holds import Exhausted, Held, PassedOver
from agentops.llm.tiers import PLAIN, Tier
from agentops.models import Budget, Hold, ModelPrice, Run, Step
from approvals.audit import events

PLAIN_ROUTES = ("", PLAIN)  # values of Run.route that mean the plain tier


@dataclass(frozen=True)
class Call:
    """A model call that was admitted.

    `request` holds the keyword arguments of client.complete except the model. `probe` is true when the call tests
    whether a failing model has recovered.
    """

    target: Target
    price: prices.Price
    request: dict[str, Any]
    probe: bool


def targets(tier: Tier) -> list[Target]:
    """Return the targets of a tier in order of preference."""
    first, other = settings.LLM_TRIAGE_MODEL, settings.LLM_EXPERT_MODEL
    if tier == "expert":
        first, other = other, first
    found = [Target(client.PRIMARY, first)]
    if settings.LLM_FALLBACK_BASE_URL:
        found.append(Target(client.FALLBACK, settings.LLM_FALLBACK_MODEL or first))
    return [*found, *([Target(client.PRIMARY, other)] if other != first else [])]


def admit(step: Step, request: dict[str, Any], *, ticket_id: str, entries: list[SpendingEntry]) -> SpendingEntry:
    """Choose a target for the step's call and reserve the call's worst case.

    Returns the reservation, to be posted with `entries` in the same transaction. Raises Held; the step and the budgets
    are unchanged then.
    """

    def refusal(target: Target) -> Held | None:
        try:
            _, today, worst = _quote(target.model, request)
            budgets.reserve(
                model=target.model, worst=worst, today=today, ticket_id=ticket_id, entries=entries, preview=True
            )
        except Held as held:
            return held
        return None

    choice = breakers.choose(targets(step.input["route"]["tier"]), refusal)
    entry = reserve_call(step, request, choice.target, probe=choice.probe, ticket_id=ticket_id, entries=entries)
    step.name = model = choice.target.model
    step.input = {
        **step.input,
        "provider": choice.target.provider,
        "model": model,
        "passed_over": list(choice.passed),
        "price": step.call.price.number,
        "max_tokens": settings.LLM_MAX_TOKENS,
    }
    return entry


def reserve_call(
    step: Step,
    request: dict[str, Any],
    target: Target,
    *,
    probe: bool = False,
    ticket_id: str | None,
    entries: Sequence[SpendingEntry],
) -> SpendingEntry:
    """Attach a call to `target` to the step and reserve its worst case at the current price.

    The budgets are checked as if `entries` were already posted. Returns the reservation, to be posted in the same
    transaction. Raises Held; the step and the budgets are unchanged then.
    """
    model = target.model
    price, today, worst = _quote(model, request)
    budgets.reserve(model=model, worst=worst, today=today, ticket_id=ticket_id, entries=entries)
    step.reservation = {"day": today.isoformat(), "model": model, "usd": f"{worst.usd:f}", "tokens": worst.tokens}
    step.call = Call(target, price, request, probe)
    return SpendingEntry(today, model, calls=1, reserved_usd=worst.usd, reserved_tokens=worst.tokens)


def _quote(model: str, request: dict[str, Any]) -> tuple[prices.Price, date, prices.WorstCase]:
    """Return the current price, the day the call counts on (UTC) and its worst case. Raises Unpriced."""
    price, today = pricelist.price_today(model)
    size = client.request_size(model, request)
    return price, today, prices.worst_case(price, request_bytes=size, max_tokens=settings.LLM_MAX_TOKENS)


def book_failure(step: Step, error: ProviderError) -> bool:
    """Book a failed call: its worst case if it may have been billed, nothing otherwise.

    Also counts the failure against the target when the target is to blame. Returns whether this was a probe that found
    the target still failing.
    """
    if isinstance(error, EffectUnknown):
        budgets.book_lost(step)
    else:
        budgets.free(step)
    # 400, 401 and similar statuses point to our request or our key. Anything else points to the model.
    models_fault = isinstance(error, Transient) or error.http_status in (403, 404)
    if models_fault:
        breakers.count_failure(step.call.target, f"{error.code}: {redact.text(error.message)}")
    return models_fault and bool(step.call.probe)


def hold_run(run: Run, held: Held) -> None:
    """Record why the run waits, in the transaction that sets it to waiting.

    Call it before spending rows are posted: it locks the budget row, and the lock order is budget first.
    """
    events.record_event(
        actor=events.SYSTEM,
        verb="run.held",
        object_type="run",
        object_id=run.pk,
        after={"reason": held.reason, "ticket": run.ticket_id},
    )
    needs: dict[str, Any] = {"cause": Hold.Cause.PRICE, "per": "", "usd": Decimal(0), "tokens": 0, "recheck": False}
    if isinstance(held, PassedOver):
        needs["cause"] = Hold.Cause.OUTAGE
    elif isinstance(held, Exhausted):
        same_cap = budgets.lock_if_unchanged(held.budget, held.as_of)
        same_price = pricelist.price_in_force(held.model).number == held.worst.price
        needs = {
            "cause": Hold.Cause.BUDGET,
            "per": held.per,
            "usd": held.worst.usd if same_price else Decimal(0),
            "tokens": held.worst.tokens,
            "recheck": not (same_cap and same_price),
        }
    fields = {"model": held.model, "reason": held.reason[:500], **needs}
    Hold.objects.update_or_create(run=run, defaults=fields)  # held_at stays when the hold outlives a probe


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
    statuses = budgets.budget_status() if models else []
    for model in models:
        usd, tokens = budgets.room_for(statuses, model)
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
    usd, tokens = budgets.room_for(budgets.budget_status(), held.model)
    return (usd is None or held.usd <= usd) and (tokens is None or held.tokens <= tokens)
