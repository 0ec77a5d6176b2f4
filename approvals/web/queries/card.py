"""The action card: the parameters that would be sent and the order or customer as last read, as rows for a page."""

from dataclasses import dataclass
from typing import Any

from agentops.lib.money import display
from approvals import kinds
from approvals.effects.kinds import KINDS
from approvals.effects.kinds.account_change import Address
from approvals.models import Action, ApprovalRequest
from approvals.web.forms.labels import label

MONEY_FIELDS = ("total", "refundable", "left for this action", "captured", "refunded")


@dataclass(frozen=True)
class Parameter:
    """A parameter with its label. `long` values are texts and get their own block."""

    label: str
    value: str
    long: bool = False


@dataclass(frozen=True)
class ValueChange:
    """A value before and after a change."""

    label: str
    before: str
    after: str

    @property
    def same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Funds:
    """An order's money: minor units, and percentages of the captured total for the bar. `returned_part` is already
    refunded or reserved, `action_part` is this action; the rest remains."""

    currency: str
    captured: int
    refundable: int
    returned_part: float
    action_part: float

    @property
    def enough(self) -> bool:
        return self.returned_part + self.action_part <= 100


def parameters(action: Action, params: dict[str, Any] | None = None) -> list[Parameter]:
    """Return every parameter that would be sent, in the schema's order. An amount includes its currency."""
    values = action.params if params is None else params
    lines = []
    for name in KINDS.of(action).params.model_fields:
        value = values.get(name)
        if value in (None, "", [], {}) or (name == "currency" and "amount" in values):
            continue
        if name == "amount":
            lines.append(Parameter("Amount", display(value, values["currency"])))
        elif name == "claims":
            lines.append(Parameter("Claims", "; ".join(_claim(claim) for claim in value)))
        elif isinstance(value, dict):
            lines += [Parameter(label(part), value[part]) for part in Address.model_fields if value.get(part)]
        else:
            lines.append(Parameter(label(name), str(value), long=name == "text"))
    return lines


def account_differences(action: Action, customer: dict[str, Any]) -> list[ValueChange]:
    """Return how an account change would change the account as it is now."""
    rows = []
    for name in ("name", "email"):
        if wanted := action.params.get(name):
            rows.append(ValueChange(label(name), str(customer.get(name) or "—"), wanted))
    new, old = action.params.get("address") or {}, customer.get("address") or {}
    for part in Address.model_fields:  # the usual order of an address; stored JSON keeps none
        before, after = str(old.get(part) or "—"), str(new.get(part) or "—")
        if new and before != after:
            rows.append(ValueChange(label(part), before, after))
    return rows


def funds(action: Action, order: dict[str, Any]) -> Funds | None:
    """Return the order's money, or None if `order` is not a snapshot of an order."""
    captured = sum(payment["captured"] for payment in order.get("payments", []))
    if not captured or "refundable" not in order:
        return None
    refundable = order["refundable"]
    return Funds(
        currency=order["currency"],
        captured=captured,
        refundable=refundable,
        returned_part=round((captured - refundable) * 100 / captured, 2),
        action_part=round((action.amount or 0) * 100 / captured, 2),
    )


def snapshot_changes(found: ApprovalRequest) -> list[ValueChange]:
    """Return what has changed since the action was proposed."""
    currency = found.action.currency
    return [
        ValueChange(
            label(row["field"]),
            _shown(row["field"], row["before"], currency),
            _shown(row["field"], row["after"], currency),
        )
        for row in found.changes
    ]


def view_digest(found: ApprovalRequest) -> str:
    """Return a digest of the snapshot that the card shows, so that a decision made on an older view can be refused."""
    # A short digest is enough: it only has to tell views of one request apart.
    return kinds.json_digest({"snapshot": found.snapshot})[:16]


def _claim(claim: dict[str, Any]) -> str:
    text = claim["kind"].replace("_", " ")
    if claim.get("amount") is not None and claim.get("currency"):
        text += f" of {display(claim['amount'], claim['currency'])}"
    text += f", order {claim['order_id']}" if claim.get("order_id") else ""
    return f"{text} ({claim['action']})" if claim.get("action") else text


def _shown(field: str, value: Any, currency: str) -> str:
    match value:
        case None | "" | [] | {}:
            return "—"
        case bool():
            return "yes" if value else "no"
        case int() if field in MONEY_FIELDS and currency:
            return display(value, currency)
        case list() if field == "payments":
            return "; ".join(_payment(payment, currency) for payment in value)
        case dict():
            return ", ".join(str(part) for part in value.values() if part)
        case _:
            return str(value)


def _payment(payment: dict[str, Any], currency: str) -> str:
    captured, refunded = display(payment["captured"], currency), display(payment["refunded"], currency)
    return f"{payment['method']}: {refunded} of {captured} refunded"
