"""Find the shop's customer who wrote a ticket. These functions read the shop and open no transaction."""

from agentops.lib.errors import ProviderError, Refused
from approvals.effects.reservations import Reading
from approvals.effects.resolution import NOW, Sources
from approvals.providers import orders
from approvals.providers.orders import ShopCustomer
from tickets.models import Ticket

MOST_CUSTOMERS = 5  # of one e-mail address that are looked at


def read_customer(ticket: Ticket, sources: Sources = NOW) -> ShopCustomer:
    """Return the shop's customer for the ticket's author, found through their orders. Raises Refused or
    ProviderError."""
    email = ticket.customer.email
    own = [order for order in sources.find_orders(customer_email=email) if order.belongs_to(email)]
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
