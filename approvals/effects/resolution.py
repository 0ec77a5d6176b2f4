"""References resolved against real data before anything runs (docs/design.md, 5.5): the order exists, belongs to this
customer, the amount is at most what is left, the currency matches. Reads the shop; opens no transaction."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agentops.lib.errors import ProviderError, Refused
from agentops.lib.money import display
from approvals import kinds
from approvals.effects import reservations
from approvals.effects.reservations import Reading
from approvals.grounding import check, claims
from approvals.grounding import orders as reply_orders
from approvals.models import Action
from approvals.providers import orders
from approvals.providers.orders import Customer, Order
from tickets.models import Ticket


@dataclass(frozen=True)
class Sources:
    """Where what a request names is read: the shop and our own books as they are now, or what a recording holds of
    them. The functions are as those of `orders`, `reservations` and `claims`."""

    get_order: Callable[[str], Order | None] = orders.get_order
    find_orders: Callable[..., list[Order]] = orders.find_orders
    get_customer: Callable[[str], Customer | None] = orders.get_customer
    left: Callable[..., int] = reservations.left
    effects: Callable[[str], list[check.Effect]] = claims.effects


NOW = Sources()


@dataclass(frozen=True)
class Resolved:
    """What is proposed, with everything it names read and found right. `amount` is in minor units; `tags` are the
    customer's in the shop, None where they were not read."""

    kind: kinds.Kind
    params: dict[str, Any]
    target: str
    further: bool = False
    order_id: str = ""
    amount: int | None = None
    currency: str = ""
    reading: Reading | None = None
    customer: Customer | None = None
    fixed: bool = False  # a reply in the policy's own words
    tags: tuple[str, ...] | None = None
    cancelled: tuple[str, ...] = ()  # orders that a reply says to be cancelled, and that are so


def resolve(
    kind: kinds.Kind, arguments: Any, ticket: Ticket, *, mendable: bool = False, sources: Sources = NOW
) -> Resolved:
    """Raises Refused (what is wrong, and what would be valid) or ProviderError (the shop did not answer). `mendable`:
    whoever asks can do better, and is told what a reply's claims lack."""
    given = kinds.parse(kind.arguments, arguments)
    match given:
        case kinds.RefundArguments():
            return _refund(kind, given, ticket, sources)
        case kinds.CancelOrderArguments():
            return _cancel_order(kind, given, ticket, sources)
        case kinds.ChangeAccountArguments():
            return _change_account(kind, given, ticket, sources)
        case kinds.ReplyArguments():
            return _reply(kind, given, ticket, mendable, sources)
    raise Refused("unknown_kind", f"{kind.name} cannot be proposed", valid=sorted(kinds.KINDS))


def order_of(ticket: Ticket, order_id: str, sources: Sources = NOW) -> Reading:
    """This customer's order of that id. Raises Refused, which names the order where a tracking number was given."""
    asked_at = reservations.database_now()
    order = sources.get_order(order_id)
    if order is None and not order_id.startswith("#"):
        order = sources.get_order(f"#{order_id}")  # customers leave the sign out
    email = ticket.customer.email
    if order is None:
        own = [row for row in sources.find_orders(customer_email=email) if _belongs(row, email)]
        shipped = next((row for row in own if order_id in row.tracking_numbers), None)
        if shipped:
            raise Refused(
                "order_not_found",
                f"{order_id} is a tracking number, not an order: it belongs to order {shipped.order_id}.",
                order_id=shipped.order_id,
            )
        raise Refused(
            "order_not_found",
            f"There is no order {order_id}.",
            orders_of_this_customer=[row.order_id for row in own[:10]],
        )
    if not _belongs(order, email):
        raise Refused("not_this_customers_order", f"Order {order_id} is not one of this customer's orders.")
    return Reading(order, asked_at)


def customer_of(ticket: Ticket, sources: Sources = NOW) -> Customer:
    """The shop's customer who wrote the ticket, found through their orders. Raises Refused or ProviderError."""
    email = ticket.customer.email
    for order in sources.find_orders(customer_email=email):
        customer = sources.get_customer(order.customer_id) if _belongs(order, email) else None
        if customer and customer.email.lower() == email.lower():
            return customer
    raise Refused("customer_unknown", f"The shop knows no customer with orders under {email}.")


def with_tags(resolved: Resolved, ticket: Ticket) -> Resolved:
    """The same, with the customer's tags; without them where the shop does not tell."""
    try:
        customer = resolved.customer or _buyer(resolved) or customer_of(ticket)
    except (Refused, ProviderError):
        return resolved
    return replace(resolved, tags=tuple(customer.tags))


def _buyer(resolved: Resolved) -> Customer | None:
    return orders.get_customer(resolved.reading.order.customer_id) if resolved.reading else None


def read_again(action: Action) -> Resolved:
    """The same action against the shop as it is now; params are kept. Raises Refused where its order or customer
    cannot be found any more, ProviderError where the shop does not answer; of a reply neither, as at its proposal."""
    kind = kinds.KINDS[action.kind]
    resolved = Resolved(kind, action.params, action.target, False, action.order_id, action.amount, action.currency)
    if kind.name == "account_change":
        return replace(resolved, customer=customer_of(action.ticket))
    if kind.name == "reply" and action.run_id is not None:
        return replace(resolved, cancelled=_cancelled(action.params["text"], action.ticket, NOW))
    if action.order_id:
        return replace(resolved, reading=order_of(action.ticket, action.order_id))
    return resolved


def snapshot(resolved: Resolved, *, without: int | None = None) -> dict[str, Any]:
    """What a person is shown of the world behind an action."""
    if resolved.reading:
        return reservations.snapshot(resolved.reading, without=without)
    return resolved.customer.model_dump(mode="json") if resolved.customer else {}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What is no longer as it was seen: [{field, before, after}]."""
    watched = ("status", "currency", "total", "payments", "refundable", "email", "name", "address")
    return [
        {"field": field, "before": before.get(field), "after": after.get(field)}
        for field in watched
        if before.get(field) != after.get(field)
    ]


def _refund(kind: kinds.Kind, given: kinds.RefundArguments, ticket: Ticket, sources: Sources) -> Resolved:
    reading = order_of(ticket, given.order_id, sources)
    order = reading.order
    if order.status == "cancelled":
        raise Refused("not_refundable", f"Order {order.order_id} is cancelled; its payments were returned.")
    if given.currency != order.currency:
        message = f"Order {order.order_id} is in {order.currency}, not {given.currency}."
        raise Refused("currency_mismatch", message, currency=order.currency)
    payment_id = _payment(reading, given, sources)
    return Resolved(
        kind,
        {
            "order_id": order.order_id,
            "payment_id": payment_id,
            "amount": given.amount,
            "currency": given.currency,
            "reason": given.reason,
        },
        target=order.order_id,
        further=given.further,
        order_id=order.order_id,
        amount=given.amount,
        currency=given.currency,
        reading=reading,
    )


def _payment(reading: Reading, given: kinds.RefundArguments, sources: Sources) -> str:
    """The payment to refund: the one named, else the first that has enough left."""
    order = reading.order
    known = [payment.payment_id for payment in order.payments]
    if given.payment_id is not None and given.payment_id not in known:
        raise Refused("payment_not_found", f"Order {order.order_id} has no payment {given.payment_id}.", payments=known)
    wanted = known if given.payment_id is None else [given.payment_id]
    rest = {payment_id: sources.left(reading, payment_id=payment_id) for payment_id in wanted}
    enough = next((payment_id for payment_id, amount in rest.items() if amount >= given.amount), None)
    whole = sources.left(reading)
    if enough is None or given.amount > whole:
        most = min(max(rest.values(), default=0), whole)
        raise Refused(
            "amount_exceeds_refundable",
            f"{display(given.amount, order.currency)} is more than the {display(most, order.currency)} that "
            f"may still be refunded{' of one payment' if len(rest) > 1 else ''} of order {order.order_id}.",
            refundable=most,
            refundable_by_payment=rest,
            currency=order.currency,
        )
    return enough


def _cancel_order(kind: kinds.Kind, given: kinds.CancelOrderArguments, ticket: Ticket, sources: Sources) -> Resolved:
    reading = order_of(ticket, given.order_id, sources)
    order = reading.order
    if order.status not in ("pending", "processed"):
        message = f"Order {order.order_id} is {order.status}; only an order that has not shipped can be cancelled."
        raise Refused("not_cancellable", message, status=order.status, valid=["pending", "processed"])
    amount = order.captured - order.refunded
    if sources.left(reading) < amount:
        raise Refused("refund_in_progress", f"A refund of order {order.order_id} is under way; wait for it.")
    return Resolved(
        kind,
        {"order_id": order.order_id, "amount": amount, "currency": order.currency, "reason": given.reason},
        target=order.order_id,
        further=given.further,
        order_id=order.order_id,
        amount=amount,
        currency=order.currency,
        reading=reading,
    )


def _change_account(
    kind: kinds.Kind, given: kinds.ChangeAccountArguments, ticket: Ticket, sources: Sources
) -> Resolved:
    customer = customer_of(ticket, sources)
    params = {"customer_id": customer.customer_id, **given.changes(), "reason": given.reason}
    return Resolved(kind, params, target=customer.customer_id, further=given.further, customer=customer)


def fixed_reply(text: str, reason: str, ticket: Ticket) -> Resolved:
    """A reply in the policy's own words, which claims nothing. Reads nothing of the shop."""
    return Resolved(
        kinds.KINDS["reply"], _reply_params(text, [], reason, ticket), target=ticket.customer.email, fixed=True
    )


def _reply(kind: kinds.Kind, given: kinds.ReplyArguments, ticket: Ticket, mendable: bool, sources: Sources) -> Resolved:
    done = sources.effects(ticket.pk)
    claimed = check.named([claim.model_dump(exclude_none=True) for claim in given.claims], done)
    cancelled = _cancelled(given.text, ticket, sources)
    if mendable:
        claims.require_complete(given.text, claimed, done, cancelled)
    params = _reply_params(given.text, claimed, given.reason, ticket)
    return Resolved(kind, params, target=ticket.customer.email, cancelled=cancelled)


def _reply_params(text: str, claimed: list[dict[str, Any]], reason: str, ticket: Ticket) -> dict[str, Any]:
    subject = ticket.subject if ticket.subject.lower().startswith("re:") else f"Re: {ticket.subject}"
    return {"to": ticket.customer.email, "subject": subject, "text": text, "claims": claimed, "reason": reason}


def _cancelled(text: str, ticket: Ticket, sources: Sources) -> tuple[str, ...]:
    """Which of the orders that a reply may say to be cancelled are so, as the shop says now. What it does not say
    is no ground: a person reads the reply."""
    found = []
    for order_id in reply_orders.said_cancelled(text):
        with contextlib.suppress(Refused, ProviderError):
            order = order_of(ticket, order_id, sources).order
            if order.status == "cancelled":
                found.append(order.order_id)
    return tuple(found)


def _belongs(order: Order, email: str) -> bool:
    return order.customer_email.lower() == email.lower()
