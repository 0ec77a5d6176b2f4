"""Admit model calls: choose a target that works, price the call and reserve its worst case in every budget.

`admit` and the booking run in the transaction that records the step, so a call costs no commit of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings

from agentops.lib import redact
from agentops.lib.errors import EffectUnknown, ProviderError, Transient
from agentops.llm import breakers, budgets, client, pricelist, prices
from agentops.llm.breakers import Target
from agentops.llm.budget_use import SpendingEntry
from agentops.llm.holds import Exhausted, Held, PassedOver
from agentops.llm.tiers import Tier
from agentops.models import Hold, Run, Step
from approvals.audit import events


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

    # `refusal` only previews, without locks: a target that is passed over must not hold up other reservations.
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
        # The budget was checked in another transaction. If cap or price has changed since, have the hold checked again
        # instead of trusting a need that may be outdated.
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
