"""Resolve references against real data before an action exists (docs/design.md, 5.5): the order exists and belongs to
this customer. These functions read the shop and open no transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from agentops.lib.errors import ProviderError, Refused
from approvals.effects import reservations
from approvals.effects.reservations import FundsLeft, Reading
from approvals.grounding import check, claims
from approvals.providers import orders
from approvals.providers.orders import Order, ShopCustomer
from tickets.models import Ticket

MOST_CUSTOMERS = 5  # of one e-mail address that are looked at


@dataclass(frozen=True)
class Sources:
    """The functions that read the shop and our own records. A replay passes functions that read a recording instead.
    They have the signatures of those in `orders`, `reservations` and `claims`."""

    get_order: Callable[[str], Order | None] = orders.get_order
    find_orders: Callable[..., list[Order]] = orders.find_orders
    get_customer: Callable[[str], ShopCustomer | None] = orders.get_customer
    left: Callable[[Reading], FundsLeft] = reservations.funds_left
    effects: Callable[[str], list[check.SucceededEffect]] = claims.succeeded_effects


NOW = Sources()


def read_order(ticket: Ticket, order_id: str, sources: Sources = NOW) -> Reading:
    """Return this customer's order with that id. Raises Refused; if the id is a tracking number, the error names the
    order."""
    asked_at = reservations.database_now()
    order = sources.get_order(order_id)
    if order is None and not order_id.startswith("#"):
        order = sources.get_order(f"#{order_id}")  # customers omit the `#`
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


def read_customer(ticket: Ticket, sources: Sources = NOW) -> ShopCustomer:
    """Return the shop's customer for the ticket's author, found through their orders. Raises Refused or
    ProviderError."""
    email = ticket.customer.email
    own = [order for order in sources.find_orders(customer_email=email) if _belongs(order, email)]
    for customer_id in list(dict.fromkeys(order.customer_id for order in own))[:MOST_CUSTOMERS]:
        customer = sources.get_customer(customer_id)
        if customer and customer.email.lower() == email.lower():
            return customer
    raise Refused("customer_unknown", f"The shop knows no customer with orders under {email}.")


def read_tags(ticket: Ticket, *, customer: ShopCustomer | None, reading: Reading | None) -> tuple[str, ...] | None:
    """Return the customer's tags in the shop, or None if unknown."""
    try:
        known = customer or (orders.get_customer(reading.order.customer_id) if reading else None)
        return tuple((known or read_customer(ticket)).tags)
    except (Refused, ProviderError):
        return None


def _belongs(order: Order, email: str) -> bool:
    return order.customer_email.lower() == email.lower()
