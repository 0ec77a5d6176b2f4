"""Find the shop's customer who wrote a ticket. These functions read the shop and open no transaction."""

from agentops.lib import addresses
from agentops.lib.errors import ProviderError, Refused
from approvals.effects.own_orders import own_orders
from approvals.effects.reservations import Reading
from approvals.effects.resolution import NOW, Sources
from approvals.providers import orders
from approvals.providers.orders import ShopCustomer
from tickets.models import Ticket

MOST_CUSTOMERS = 5  # of one e-mail address that are looked at


def read_customer(ticket: Ticket, sources: Sources = NOW) -> ShopCustomer:
    """Return the shop's customer for the ticket's author, found through their orders. Raises Refused or
    ProviderError."""
    author = ticket.customer
    own = own_orders(author, sources.find_orders)
    for customer_id in list(dict.fromkeys(order.customer_id for order in own))[:MOST_CUSTOMERS]:
        customer = sources.get_customer(customer_id)
        if customer and (customer.customer_id == author.shop_id or addresses.same(customer.email, author.email)):
            return customer
    raise Refused("customer_unknown", f"The shop knows no customer with orders under {author.email}.")


def read_tags(ticket: Ticket, *, customer: ShopCustomer | None, reading: Reading | None) -> tuple[str, ...] | None:
    """Return the customer's tags in the shop, or None if unknown."""
    try:
        known = customer or (orders.get_customer(reading.order.customer_id) if reading else None)
        return tuple((known or read_customer(ticket)).tags)
    except (Refused, ProviderError):
        return None
