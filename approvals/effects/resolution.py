"""Resolve references against real data before an action exists (docs/design.md, 5.5): the order exists and belongs to
this customer. These functions read the shop and open no transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from agentops.lib.errors import Refused
from approvals.effects import conversation, reservations
from approvals.effects.own_orders import is_own, not_found, own_orders
from approvals.effects.reservations import FundsLeft, Reading
from approvals.grounding import check, claims
from approvals.providers import orders
from approvals.providers.orders import Order, ShopCustomer
from tickets.models import Ticket


@dataclass(frozen=True)
class Sources:
    """The functions that read the shop and our own records. A replay passes functions that read a recording instead.
    They have the signatures of those in `orders`, `reservations`, `claims` and `conversation`."""

    get_order: Callable[[str], Order | None] = orders.get_order
    find_orders: Callable[..., list[Order]] = orders.find_orders
    get_customer: Callable[[str], ShopCustomer | None] = orders.get_customer
    left: Callable[[Reading], FundsLeft] = reservations.funds_left
    effects: Callable[[str], list[check.SucceededEffect]] = claims.succeeded_effects
    automatic_replies: Callable[[str], int] = conversation.automatic_replies


NOW = Sources()


def read_order(ticket: Ticket, order_id: str, sources: Sources = NOW) -> Reading:
    """Return this customer's order with that id. Raises Refused; for a tracking number, the error names the order."""
    asked_at = reservations.database_now()
    order = sources.get_order(order_id)
    if order is None and not order_id.startswith("#"):
        order = sources.get_order(f"#{order_id}")  # customers omit the `#`
    if order is None:
        raise not_found(order_id, own_orders(ticket.customer, sources.find_orders))
    if not is_own(order, ticket.customer):
        raise Refused("not_this_customers_order", f"Order {order_id} is not one of this customer's orders.")
    return Reading(order, asked_at)
