"""Prices of language models: append-only rows, of which the newest of a model is current."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now, TruncDate
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agentops.lib.errors import Refused
from agentops.llm import budgets
from agentops.llm.holds import Unpriced
from agentops.llm.prices import Price
from agentops.models import Hold, ModelPrice
from approvals.audit import events

HIGHEST = Decimal(1_000_000)


class Rates(BaseModel):
    """US dollars per million tokens.

    `cached` defaults to the input price and `reasoning` to the output price, for servers that don't count these apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: Decimal = Field(ge=0, lt=HIGHEST, decimal_places=6)
    output: Decimal = Field(ge=0, lt=HIGHEST, decimal_places=6)
    cached: Decimal | None = Field(default=None, ge=0, lt=HIGHEST, decimal_places=6)
    reasoning: Decimal | None = Field(default=None, ge=0, lt=HIGHEST, decimal_places=6)


def find_price(model: str) -> Price | None:
    """Return the model's current price, or None."""
    row = ModelPrice.objects.filter(model=model).order_by("-pk").first()
    return None if row is None else price_of(row)


def price_in_force(model: str) -> Price:
    """Return the model's current price. Raises Unpriced."""
    return price_today(model)[0]


def price_today(model: str) -> tuple[Price, date]:
    """Return the model's current price and the database's date (UTC). Raises Unpriced."""
    row = ModelPrice.objects.filter(model=model).annotate(today=TruncDate(Now())).order_by("-pk").first()
    if row is None:
        raise Unpriced(
            model,
            f"The model {model!r} has no price, so it isn't used.",
            "when an admin adds one under Policy, Models",
        )
    return price_of(row), row.today


def price_of(row: ModelPrice) -> Price:
    return Price(row.model, row.input, row.cached, row.output, row.reasoning, row.pk)


def enter_price(*, model: str, rates: Rates, by: User, note: str) -> ModelPrice:
    """Set the model's current price, and have runs held by a budget of this model checked again.

    Raises Refused without a model or a note.
    """
    if not model.strip():
        raise Refused("model_missing", "Enter the model's name exactly as its server expects it.")
    if not note.strip():
        raise Refused("note_missing", "Enter the source of the price.")
    row = _row(model.strip(), rates, note.strip()[:500])
    row.entered_by = by
    with transaction.atomic():
        budgets.lock_exclusively()
        before = find_price(row.model)
        row.save()
        # The need in dollars was computed with the old price. With 0 the run is tried, and held again if need be.
        Hold.objects.filter(cause=Hold.Cause.BUDGET, model=row.model).update(recheck=True, usd=0)
        events.record_event(
            actor=by.get_username(),
            verb="price.entered",
            object_type="price",
            object_id=row.model[:60],
            before=_audited(before) if before else {},
            after={**_audited(price_of(row)), "note": row.note},
        )
    return row


def save_initial_prices(**_: Any) -> None:
    """Save the prices of LLM_PRICES for models that have none yet.

    Connected to post_migrate. Raises ValueError for an invalid setting.
    """
    try:
        table = TypeAdapter(dict[str, Rates]).validate_python(settings.LLM_PRICES)
    except ValidationError as error:
        raise ValueError(f"LLM_PRICES must be {{model: {{input, output, cached, reasoning}}}}: {error}") from error
    # A model that has a price keeps it: the price under Policy may be newer than the setting.
    priced = set(ModelPrice.objects.filter(model__in=table).values_list("model", flat=True))
    missing = [
        _row(model, rates, "From the LLM_PRICES setting.") for model, rates in table.items() if model not in priced
    ]
    ModelPrice.objects.bulk_create(missing)


def _row(model: str, rates: Rates, note: str) -> ModelPrice:
    return ModelPrice(
        model=model,
        input=rates.input,
        cached=rates.input if rates.cached is None else rates.cached,
        output=rates.output,
        reasoning=rates.output if rates.reasoning is None else rates.reasoning,
        note=note,
    )


def _audited(price: Price) -> dict[str, str]:
    return {name: f"{getattr(price, name).normalize():f}" for name in ("input", "cached", "output", "reasoning")}
