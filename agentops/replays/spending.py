"""A replay's model calls count against the budgets, as a run's do: the worst case is reserved before a call, what it
came to is entered after it. A worker that dies in between leaves the worst case reserved for that day."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from agentops import budgets, llm, pricelist, prices
from agentops.budgets import Entry
from agentops.lib.errors import EffectUnknown, ProviderError


def ask(ticket_id: str, *, model: str, **request: Any) -> llm.Answer:
    """As llm.complete. Raises ProviderError, and Held where there is no price or no room: then nothing was sent."""
    price, today = pricelist.in_force_today(model)
    size = llm.size(model, request)
    worst = prices.worst(price, request_bytes=size, max_tokens=settings.LLM_MAX_TOKENS)
    reserved = Entry(today, model, calls=1, reserved_usd=worst.usd, reserved_tokens=worst.tokens)
    with transaction.atomic():
        budgets.reserve(model=model, worst=worst, ticket_id=ticket_id, entries=[])
        budgets.post([reserved])
    free = replace(reserved, calls=0, reserved_usd=-worst.usd, reserved_tokens=-worst.tokens)
    presumed = replace(free, spent_usd=worst.usd, spent_tokens=worst.tokens, presumed_usd=worst.usd)
    try:
        answer = llm.complete(model=model, **request)
    except EffectUnknown:  # it may have been billed
        budgets.post([presumed])
        raise
    except ProviderError:
        budgets.post([free])
        raise
    if not answer.metered:
        budgets.post([presumed])
        return answer
    cost: Decimal = prices.cost(
        price,
        input_tokens=answer.input_tokens,
        cached_tokens=answer.cached_tokens,
        output_tokens=answer.output_tokens,
        reasoning_tokens=answer.reasoning_tokens,
    )
    budgets.post([replace(free, spent_usd=cost, spent_tokens=answer.input_tokens + answer.output_tokens)])
    return answer
