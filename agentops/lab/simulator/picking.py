"""Finding orders in a shop that suit a demo ticket."""

from collections.abc import Callable
from typing import Any

from .shop import Order, Shop

type Fits = Callable[[Order], bool]


class Picker:
    """Picks orders, no customer twice."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._used: set[str] = set()

    def pick(self, *fits: Fits) -> Order | None:
        """Return the first suitable order of a customer who was not picked before."""
        for order in self._shop.orders.values():
            if order["customer_id"] not in self._used and all(fit(order) for fit in fits):
                self._used.add(order["customer_id"])
                return order
        return None

    def delivered_with(self, order: Order) -> list[Order]:
        """Return the customer's orders that were delivered and can be refunded in full."""
        fits = delivered(order["currency"])
        mine = [other for other in self._shop.orders.values() if other["customer_id"] == order["customer_id"]]
        return [other for other in mine if fits(other)]

    def several(self, order: Order) -> bool:
        return len(self.delivered_with(order)) > 1


def status(*wanted: str) -> Fits:
    return lambda order: order["status"] in wanted


def delivered(currency: str | None = None) -> Fits:
    """Return whether it was delivered, paid by one method, and not refunded."""
    return lambda order: (
        order["status"] == "delivered"
        and len(order["payments"]) == 1
        and left(order) == order["total"]
        and currency in (None, order["currency"])
    )


def paid_twice(order: Order) -> bool:
    """Return whether it was delivered and paid by several methods, one of which is large enough to refund the first
    item."""
    item = order["items"][0]
    most = max(int(payment["captured"]) - int(payment["refunded"]) for payment in order["payments"])
    return order["status"] == "delivered" and len(order["payments"]) > 1 and item["price"] * item["quantity"] <= most


def total(least: int, most: int = 10**9) -> Fits:
    """In minor units."""
    return lambda order: least <= order["total"] <= most


def empty(order: Order) -> bool:
    """Return whether nothing is left to refund."""
    return left(order) == 0


def single(order: Order) -> bool:
    return len(order["items"]) == 1


def mixed(order: Order) -> bool:
    return len({item["name"] for item in order["items"]}) > 1


def regular(order: Order) -> bool:
    """Return whether nothing in it is a final sale."""
    return not any(item.get("final_sale") for item in order["items"])


def cheapest(order: Order) -> dict[str, Any]:
    item: dict[str, Any] = min(order["items"], key=lambda item: item["price"] * item["quantity"])
    return item


def cheap_item(order: Order) -> bool:
    """Return whether one article, named by nothing else in the order, costs less than 50 major units."""
    item = cheapest(order)
    alone = [other["name"] for other in order["items"]].count(item["name"]) == 1
    return alone and item["price"] * item["quantity"] < 5_000


def left(order: Order) -> int:
    return sum(int(payment["captured"]) - int(payment["refunded"]) for payment in order["payments"])
