"""The tools offered to the model, and the read-only ones among them. Side effects are the kinds in approvals.

Identity comes from the ticket: reads are limited to the customer who wrote it (docs/design.md, 9).
"""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator

from agentops.lib import addresses, redact
from agentops.lib.errors import Refused
from agentops.lib.money import display
from approvals import kinds, states
from approvals.decisions import withdrawal
from approvals.effects import customers, reservations, resolution, stops
from approvals.effects.kinds import KINDS
from approvals.effects.own_orders import own_orders
from approvals.models import Action, ApprovalRequest, AuditEvent, Decision, Stop
from approvals.policy import versions
from approvals.providers import orders
from tickets.models import Ticket

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]


class FindOrders(kinds.Strict):
    customer_email: _Text | None = Field(default=None, description="This customer's e-mail address.")
    tracking_number: _Text | None = Field(default=None, description="A parcel's tracking number.")

    @model_validator(mode="after")
    def exactly_one(self) -> "FindOrders":
        if (self.customer_email is None) == (self.tracking_number is None):
            raise ValueError("give exactly one of customer_email and tracking_number")
        return self


class GetOrder(kinds.Strict):
    order_id: kinds.OrderId


class GetCustomer(kinds.Strict):
    pass


class HandOverArguments(kinds.Strict):
    reason: kinds.Reason = Field(description="Why a person must take this ticket; they will read it.")


class WithdrawArguments(kinds.Strict):
    action: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=45)] = Field(
        description="The idempotency_key of the action."
    )
    reason: kinds.Reason = Field(description="What the customer wrote that takes the wish back; people will read it.")


READS: dict[str, tuple[type[BaseModel], str]] = {
    "find_orders": (FindOrders, "This customer's orders, newest first, by their e-mail address or a tracking number."),
    "get_order": (GetOrder, "One of this customer's orders, with what may still be refunded of it (`refundable`)."),
    "get_customer": (GetCustomer, "This customer's account."),
}
HAND_OVER = "hand_over"
WITHDRAW = "withdraw"
MOST_ORDERS = 20  # that one reading returns
UNKNOWN_TOOL = "unknown"  # stands for unknown tools in counts and exports: their names are the model's own words


def tool_names() -> tuple[str, ...]:
    return (*READS, *(kind.tool for kind in KINDS.values()), WITHDRAW, HAND_OVER)


def specifications() -> list[dict[str, Any]]:
    """Return the tool list in the format of Chat Completions."""
    rows = [(name, schema, text) for name, (schema, text) in READS.items()]
    rows += [(kind.tool, kind.arguments, kind.description) for kind in KINDS.values()]
    rows += [
        (
            WITHDRAW,
            WithdrawArguments,
            "Take back, for good, an action that no person has decided yet and that the customer no longer wants.",
        ),
        (HAND_OVER, HandOverArguments, "Give this ticket to a person; ends your work."),
    ]
    return [
        {
            "type": "function",
            "function": {"name": name, "description": text, "parameters": _schema(schema, tuple(KINDS))},
        }
        for name, schema, text in rows
    ]


def run_read(name: str, arguments: Any, ticket: Ticket) -> dict[str, Any]:
    """Run a read-only tool and return its result. Raises Refused or ProviderError."""
    match parse_read(name, arguments):
        # Only among the customer's own orders: a ticket may name anyone's parcel.
        case FindOrders(tracking_number=str(number)):
            return _newest(
                [row for row in own_orders(ticket.customer, orders.find_orders) if number in row.tracking_numbers]
            )
        case FindOrders(customer_email=str(email)) if not addresses.same(email, ticket.customer.email):
            raise Refused(
                "not_this_customer",
                f"Only the orders of {ticket.customer.email}, who wrote this ticket, can be read.",
                customer_email=ticket.customer.email,
            )
        case FindOrders():
            return _newest(own_orders(ticket.customer, orders.find_orders))
        case GetOrder(order_id=order_id):
            return reservations.order_snapshot(resolution.read_order(ticket, order_id))
        case _:
            return customers.read_customer(ticket).model_dump(mode="json")


def parse_read(name: str, arguments: Any) -> BaseModel:
    """Parse the arguments of a read-only tool. Raises Refused."""
    return kinds.parse_strictly(READS[name][0], arguments)


def run_hand_over(arguments: Any) -> dict[str, Any]:
    """Parse the arguments of hand_over. Raises Refused."""
    given = kinds.parse_strictly(HandOverArguments, arguments)
    return {"handed_over": True, "reason": redact.text(given.reason)}


def parse_withdrawal(arguments: Any) -> WithdrawArguments:
    """Parse the arguments of withdraw. Raises Refused."""
    return kinds.parse_strictly(WithdrawArguments, arguments)


def run_withdraw(arguments: Any, *, ticket_id: str, run_number: int) -> dict[str, Any]:
    """Withdraw an undecided action of the ticket. Call it in the transaction that finishes the step. Raises Refused."""
    given = parse_withdrawal(arguments)
    reason = redact.text(given.reason)
    action = withdrawal.withdraw(ticket_id=ticket_id, key=given.action, reason=reason, run_number=run_number)
    return action_result(action, None, again=False)


def decision_on(action: Action) -> Decision | None:
    """Return the newest decision on the action."""
    return Decision.objects.filter(request__action=action).order_by("-pk").first()


def was_delayed(action: Action, since: datetime) -> bool:
    """Return whether the settled action had to wait since then for a person, a stop, a paused provider or a look-up."""
    events = AuditEvent.objects.filter(verb="provider.resumed", at__gt=since)
    waits = (
        ApprovalRequest.objects.filter(action=action, created_at__gt=since),
        Stop.objects.filter(released_at__gt=since, kind__in=(stops.ALL, action.kind)),
        events.filter(object_type="provider", object_id__in=KINDS.of(action).providers),
        AuditEvent.objects.filter(verb="action.unresolved", object_type="action", object_id=str(action.pk)),
    )
    return any(found.exists() for found in waits)


def action_result(action: Action, decision: Decision | None, *, again: bool) -> dict[str, Any]:
    """Return the result of a settled action for the model. `again` means it had proposed the same one before."""
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
            if not versions.agent_may_decline(action):
                told = f"{_wish(action)} is blocked by policy: {result['reason']}. {action.reason}"
                result["for_person"] = told[:500]
        case states.EXPIRED:
            result["message"] = "No person decided in time. It did not happen."
        case states.WITHDRAWN:
            result["message"] = "You withdrew it, because the customer no longer wants it. It will not happen."
            if again:
                result["message"] += " If they want it after all, propose it with further=true; a person then decides."
        case _:
            result["message"] = "It failed and did not happen. Do not tell the customer that it did."
            result["error"] = {"code": action.error_code, "message": action.error_message}
    if again:
        result["message"] += f" This is the one proposed before ({action.idempotency_key}); there is no second effect."
    return result


def _wish(action: Action) -> str:
    """Return what the customer wants, as the start of a sentence: "Refund of $60.00 for #W1"."""
    amount = f" of {display(action.amount, action.currency)}" if action.amount is not None else ""
    return f"{KINDS.label(action.kind)}{amount} for {action.order_id or action.target}"


def _newest(found: list[orders.Order]) -> dict[str, Any]:
    """Return the newest orders as the tool's result, and how many older ones there are: a wholesale customer's would
    fill the prompt."""
    result: dict[str, Any] = {"orders": [order.model_dump(mode="json") for order in found[:MOST_ORDERS]]}
    if len(found) > MOST_ORDERS:
        result["older_orders"] = len(found) - MOST_ORDERS
        result["message"] = "Older orders are left out. Read one with get_order, or find it by its tracking number."
    return result


@cache
def _schema(model: type[BaseModel], registered: tuple[str, ...]) -> dict[str, Any]:
    """Return the model's JSON schema. Cached by the `registered` kinds, which a reply's schema lists: building one
    takes a third of a turn's own CPU time."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    return schema
