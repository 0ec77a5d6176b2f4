"""Stripe's refund object, as in API responses and events: its schema, statuses and money units."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agentops.lib import money
from approvals.providers.receipt import FAILED, PENDING, SUCCEEDED, Name

# Stripe's statuses as those of a Receipt. `requires_action`: the customer must provide a bank account. `canceled`: they
# didn't, and the money is back with us.
STATUS = {
    "pending": PENDING,
    "requires_action": PENDING,
    "succeeded": SUCCEEDED,
    "failed": FAILED,
    "canceled": FAILED,
}
# Decimal places of Stripe's amounts, if not two (docs.stripe.com/currencies). ISK and UGX have no minor unit any more,
# but Stripe still expects two digits for them, always 00: its special cases override its list.
DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
# Seconds since 1970, limited to the year 9999, the last one a datetime can hold.
UnixTime = Annotated[int, Field(ge=0, lt=253_402_300_800)]


def _ours(given: Any) -> Any:
    """Return our part of a refund's metadata. The rest belongs to other systems and may be anything."""
    if not isinstance(given, dict):
        return given or {}
    return {name: given[name] for name in ("reference", "order_id") if name in given}


class StripeRefund(BaseModel):
    """`amount` is in Stripe's units of `currency`, which is in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Annotated[Name, Field(min_length=1)]
    object: Literal["refund"]
    amount: int
    currency: str
    created: UnixTime
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    charge: str | None = None
    payment_intent: str | None = None
    metadata: Annotated[dict[str, Name], BeforeValidator(_ours)] = Field(default_factory=dict)
    failure_reason: Name | None = None

    @property
    def reference(self) -> str:
        return self.metadata.get("reference", "")

    def as_data(self) -> dict[str, Any]:
        """Return the refund in the schema of docs/contracts/refunds.yaml, plus Stripe's own status and reason. Raises
        ValueError if the amount isn't a whole number of our minor units."""
        currency = self.currency.upper()
        return {
            "refund_id": self.id,
            "payment_id": self.payment_intent or self.charge or "",
            "order_id": self.metadata.get("order_id", ""),
            "amount": to_ours(self.amount, currency),
            "currency": currency,
            "reference": self.reference,
            "status": STATUS[self.status],
            "provider_status": self.status,
            "created_at": datetime.fromtimestamp(self.created, UTC).isoformat(),
            **({"charge": self.charge} if self.charge and self.payment_intent else {}),
            **({"failure_reason": self.failure_reason} if self.failure_reason else {}),
        }


def to_stripe(amount: int, currency: str) -> int:
    """Convert our minor units to Stripe's. Raises ValueError if Stripe can't move exactly this amount."""
    moved = _shifted(amount, _digits(currency) - money.digits(currency), currency)
    # Stripe requires a last digit of 0 in currencies with three decimals (docs.stripe.com/currencies).
    if _digits(currency) == 3 and moved % 10:
        raise ValueError(f"Stripe only refunds multiples of 10 minor units in {currency}, and {amount} isn't one.")
    return moved


def to_ours(amount: int, currency: str) -> int:
    """Convert Stripe's units to our minor units. Raises ValueError if there is a remainder."""
    return _shifted(amount, money.digits(currency) - _digits(currency), currency)


def _digits(currency: str) -> int:
    return DIGITS.get(currency, 2)


def _shifted(amount: int, places: int, currency: str) -> int:
    whole, rest = divmod(amount * int(10 ** max(places, 0)), int(10 ** max(-places, 0)))
    if rest:
        raise ValueError(f"{amount} minor units of {currency} can't be converted without a remainder.")
    return whole
