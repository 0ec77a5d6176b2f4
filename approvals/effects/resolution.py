"""Resolve references against real data before an action exists (docs/design.md, 5.5): the order exists and belongs to
this customer. These functions read the shop and open no transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from agentops.lib import addresses
from agentops.lib.errors import Refused
from approvals.effects import conversation, reservations
from approvals.effects.reservations import FundsLeft, Reading
from approvals.grounding import check, claims
from approvals.providers import orders
from approvals.providers.orders import Order, ShopCustomer
from tickets.models import Customer, Ticket

MAX_ADDRESSES = 5  # of one account, besides the author's own


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
    """Return this customer's order with that id. Raises Refused; if the id is a tracking number, the error names the
    order."""
    asked_at = reservations.database_now()
    order = sources.get_order(order_id)
    if order is None and not order_id.startswith("#"):
        order = sources.get_order(f"#{order_id}")  # customers omit the `#`
    if order is None:
        own = own_orders(ticket, sources)
        shipped = next((row for row in own if order_id in row.tracking_numbers), None)
        if shipped:
            message = f"{order_id} is a tracking number, not an order: it belongs to order {shipped.order_id}."
            raise Refused("order_not_found", message, order_id=shipped.order_id)
        known = [row.order_id for row in own[:10]]
        raise Refused("order_not_found", f"There is no order {order_id}.", orders_of_this_customer=known)
    if not _belongs(order, ticket.customer):
        raise Refused("not_this_customers_order", f"Order {order_id} is not one of this customer's orders.")
    return Reading(order, asked_at)


def own_orders(ticket: Ticket, sources: Sources = NOW) -> list[Order]:
    """Return the orders of the ticket's author, newest first: those under their address in either spelling of its
    domain, and those under the other addresses of an account whose address we changed. Raises ProviderError."""
    author = ticket.customer
    known = [author.email]
    if author.shop_id:
        others = Customer.objects.filter(shop_id=author.shop_id).exclude(pk=author.pk)
        known += others.order_by("-pk").values_list("email", flat=True)[:MAX_ADDRESSES]
    asked = [spelling for email in known for spelling in addresses.spellings(email)]
    found = [order for email in asked for order in sources.find_orders(customer_email=email)]
    # Compare again: a shop that searches loosely must not show another customer's orders.
    own = {order.order_id: order for order in found if _belongs(order, author)}
    return list(own.values()) if len(asked) == 1 else sorted(own.values(), key=lambda row: row.placed_at, reverse=True)


def _belongs(order: Order, author: Customer) -> bool:
    """Return whether the order is this customer's: by its address, or by the account if we changed its address."""
    return order.belongs_to(author.email) or bool(author.shop_id and order.customer_id == author.shop_id)
