"""References resolved against real data before anything runs (docs/design.md, 5.5): the order exists, and belongs to
this customer. Reads the shop; opens no transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from agentops.lib.errors import ProviderError, Refused
from approvals.effects import reservations
from approvals.effects.reservations import Left, Reading
from approvals.grounding import check, claims
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
    left: Callable[[Reading], Left] = reservations.left
    effects: Callable[[str], list[check.Effect]] = claims.effects


NOW = Sources()


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


def tags_of(ticket: Ticket, *, customer: Customer | None, reading: Reading | None) -> tuple[str, ...] | None:
    """The customer's tags in the shop; None where the shop does not say."""
    try:
        known = customer or (orders.get_customer(reading.order.customer_id) if reading else None)
        return tuple((known or customer_of(ticket)).tags)
    except (Refused, ProviderError):
        return None


def _belongs(order: Order, email: str) -> bool:
    return order.customer_email.lower() == email.lower()
