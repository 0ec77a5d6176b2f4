"""The tools that the model is offered, and the ones that only read. Side effects are approvals' kinds.

Identity comes from the ticket: every read is limited to the customer who wrote it (docs/design.md, 9).
"""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator

from agentops.lib import redact
from agentops.lib.errors import Refused
from approvals import kinds, states
from approvals.effects import execution, reservations, resolution, stops
from approvals.models import Action, AuditEvent, Decision, Stop
from approvals.providers import orders
from tickets.models import Ticket

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]


class FindOrders(kinds.Strict):
    customer_email: Text | None = Field(default=None, description="This customer's e-mail address.")
    tracking_number: Text | None = Field(default=None, description="A parcel's tracking number.")

    @model_validator(mode="after")
    def exactly_one(self) -> "FindOrders":
        if (self.customer_email is None) == (self.tracking_number is None):
            raise ValueError("give exactly one of customer_email and tracking_number")
        return self


class GetOrder(kinds.Strict):
    order_id: kinds.OrderId


class GetCustomer(kinds.Strict):
    pass


class HandOver(kinds.Strict):
    reason: kinds.Reason = Field(description="Why a person must take this ticket; they will read it.")


READS: dict[str, tuple[type[BaseModel], str]] = {
    "find_orders": (FindOrders, "This customer's orders, newest first, by their e-mail address or a tracking number."),
    "get_order": (GetOrder, "One of this customer's orders, with what may still be refunded of it (`refundable`)."),
    "get_customer": (GetCustomer, "This customer's account."),
}
HAND_OVER = "hand_over"
NAMES = (*READS, *kinds.BY_TOOL, HAND_OVER)
NO_TOOL = "unknown"  # what a tool that there is not is counted and told of as: its name is the model's own words


def specifications() -> list[dict[str, Any]]:
    """The tool list in the form of Chat Completions."""
    rows = [(name, schema, text) for name, (schema, text) in READS.items()]
    rows += [(kind.tool, kind.arguments, kind.description) for kind in kinds.KINDS.values()]
    rows.append((HAND_OVER, HandOver, "Give this ticket to a person; ends your work."))
    return [
        {"type": "function", "function": {"name": name, "description": text, "parameters": _schema(schema)}}
        for name, schema, text in rows
    ]


def read(name: str, arguments: Any, ticket: Ticket) -> dict[str, Any]:
    """What a reading tool answers. Raises Refused or ProviderError."""
    match parse(name, arguments):
        case FindOrders(tracking_number=str(number)):
            return {"orders": [_order(row) for row in _own(ticket) if number in row.tracking_numbers]}
        case FindOrders(customer_email=str(email)) if email.lower() != ticket.customer.email.lower():
            raise Refused(
                "not_this_customer",
                f"Only the orders of {ticket.customer.email}, who wrote this ticket, can be read.",
                customer_email=ticket.customer.email,
            )
        case FindOrders():
            return {"orders": [_order(row) for row in _own(ticket)]}
        case GetOrder(order_id=order_id):
            return reservations.snapshot(resolution.order_of(ticket, order_id))
        case _:
            return resolution.customer_of(ticket).model_dump(mode="json")


def parse(name: str, arguments: Any) -> BaseModel:
    """The arguments of a reading tool. Raises Refused."""
    return kinds.parse(READS[name][0], arguments)


def hand_over(arguments: Any) -> dict[str, Any]:
    """Raises Refused."""
    given = kinds.parse(HandOver, arguments)
    return {"handed_over": True, "reason": redact.text(given.reason)}


def decision_on(action: Action) -> Decision | None:
    """What a person said of it last."""
    return Decision.objects.filter(request__action=action).order_by("-pk").first()


def held_up(action: Action, since: datetime) -> bool:
    """Whether an action that has ended by now had to wait, since then, for what people let go on: a stop or a paused
    provider; or for the answer of what became of it."""
    events = AuditEvent.objects.filter(verb="provider.resumed", at__gt=since)
    waits = (
        Stop.objects.filter(released_at__gt=since, kind__in=(stops.ALL, action.kind)),
        events.filter(object_type="provider", object_id__in=execution.PROVIDERS[action.kind]),
        AuditEvent.objects.filter(verb="action.unresolved", object_type="action", object_id=str(action.pk)),
    )
    return any(found.exists() for found in waits)


def told(action: Action, decision: Decision | None, *, again: bool) -> dict[str, Any]:
    """What the model is told of an action that is final; `again` where it had proposed the same one before."""
    facts = {
        "kind": action.kind,
        "status": action.status,
        "idempotency_key": action.idempotency_key,
        "order_id": action.order_id or None,
        "amount": action.amount,
        "currency": action.currency or None,
    }
    result: dict[str, Any] = {"action": {key: value for key, value in facts.items() if value is not None}}
    match action.status:
        case states.SUCCEEDED:
            edited = decision is not None and decision.edited is not None
            result["message"] = "Done, as a person edited it." if edited else "Done."
            result["params"] = action.params
        case states.REJECTED:
            result["message"] = "A person rejected it. It did not happen; tell the customer so."
            result["reason"] = decision.reason if decision else ""
        case states.BLOCKED:
            result["message"] = "The shop's policy does not allow it. It did not happen."
            result["reason"] = "; ".join(reason["message"] for reason in action.reasons if reason["outcome"] == "block")
        case states.EXPIRED:
            result["message"] = "No person decided in time. It did not happen."
        case _:
            result["message"] = "It failed and did not happen. Do not tell the customer that it did."
            result["error"] = {"code": action.error_code, "message": action.error_message}
    if again:
        result["message"] += f" This is the one proposed before ({action.idempotency_key}); there is no second effect."
    return result


def _own(ticket: Ticket) -> list[orders.Order]:
    email = ticket.customer.email
    return [row for row in orders.find_orders(customer_email=email) if row.customer_email.lower() == email.lower()]


def _order(order: orders.Order) -> dict[str, Any]:
    return order.model_dump(mode="json")


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Costs a third of a turn's own CPU to make, and never changes."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    return schema
