"""Whose orders are a ticket's: its author's, under any address that we know to be theirs."""

from collections.abc import Callable, Sequence

from agentops.lib import addresses
from agentops.lib.errors import Refused
from approvals.providers.orders import Order
from tickets.models import Customer

MAX_ADDRESSES = 5  # of one account, besides the author's own


def own_orders(author: Customer, find_orders: Callable[..., list[Order]]) -> list[Order]:
    """Return the author's orders, newest first: those under their address in either spelling of its domain, and those
    under the other addresses of an account whose address we changed. Raises ProviderError."""
    known = [author.email]
    if author.shop_id:
        others = Customer.objects.filter(shop_id=author.shop_id).exclude(pk=author.pk)
        known += others.order_by("-pk").values_list("email", flat=True)[:MAX_ADDRESSES]
    asked = [spelling for email in known for spelling in addresses.spellings(email)]
    found = [order for email in asked for order in find_orders(customer_email=email)]
    # Compare again: a shop that searches loosely must not show another customer's orders.
    own = {order.order_id: order for order in found if is_own(order, author)}
    return list(own.values()) if len(asked) == 1 else sorted(own.values(), key=lambda row: row.placed_at, reverse=True)


def is_own(order: Order, author: Customer) -> bool:
    """Return whether the order is this customer's: by its address, or by the account if we changed its address."""
    return order.belongs_to(author.email) or bool(author.shop_id and order.customer_id == author.shop_id)


def not_found(order_id: str, own: Sequence[Order]) -> Refused:
    """Return the refusal of an id that the shop doesn't know. It names the order if the id is a tracking number."""
    shipped = next((row for row in own if order_id in row.tracking_numbers), None)
    if shipped:
        message = f"{order_id} is a tracking number, not an order: it belongs to order {shipped.order_id}."
        return Refused("order_not_found", message, order_id=shipped.order_id)
    known = [row.order_id for row in own[:10]]
    return Refused("order_not_found", f"There is no order {order_id}.", orders_of_this_customer=known)
