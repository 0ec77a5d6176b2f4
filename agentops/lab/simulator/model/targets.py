"""Which of a customer's orders, and which of their items, the text means."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .phrases import EXCEPT, NEWEST, PARTIAL, SINGLE, VAGUE, WHOLE
from .reading import Part, Wish

type Order = dict[str, Any]
type Item = dict[str, Any]

# Last words that do not identify an article on their own: the word before them does.
EMPTY_NOUNS = frozenset({"set", "kit", "machine", "system", "pack", "light", "stand"})
CANCELLABLE = frozenset({"pending", "processed"})


class Unclear(Exception):
    """The text matches several orders or items, or none. The message is a question for the customer."""


@dataclass(frozen=True)
class Target:
    """An order that an effect is requested for. `items` is empty if the whole order is meant."""

    order_id: str
    items: tuple[Item, ...] = ()


def named_items(orders: Iterable[Order], text: str) -> list[tuple[Order, Item]]:
    """Return the items of these orders that a text names. A full name beats its last word alone ("tea kettle",
    "kettle")."""
    words = _words(text)
    full, partial = [], []
    for order in orders:
        for item in order.get("items", []):
            name = _words(str(item.get("name", "")))
            if not name:
                continue
            if _contains(words, name):
                full.append((order, item))
            elif _noun(name) in words:
                partial.append((order, item))
    nouns = {_noun(_words(str(item["name"]))) for _, item in full}
    return full + [(order, item) for order, item in partial if _noun(_words(str(item["name"]))) not in nouns]


def choose_items(order: Order, part: Part, wish: Wish) -> tuple[Item, ...]:
    """Return the items of one order that a request means; empty for all of it. Raises Unclear."""
    wanted = [item for _, item in named_items([order], part.wanted)]
    if not wanted and part is wish.parts.get("refund") and len(wish.parts) == 1 and not WHOLE.search(part.text):
        wanted = [item for _, item in named_items([order], EXCEPT.sub("", wish.plain))]
    if part.excluded and not wanted:
        left_out = [item for _, item in named_items([order], part.excluded)]
        return tuple(item for item in order["items"] if item not in left_out) if left_out else ()
    if not wanted:
        if len(order["items"]) > 1 and PARTIAL.search(part.text) and not part.amounts:
            raise Unclear(f"Which item of order {order['order_id']} do you mean?")
        return ()
    for name in {item["name"] for item in wanted}:
        same = [item for item in wanted if item["name"] == name]
        if len(same) > 1 and not _plural(name, part.text):
            chosen = [item for item in same if _options(item) & set(_words(wish.text))]
            if len(chosen) != 1:
                raise Unclear(f"Order {order['order_id']} holds {len(same)} of {name}: which one do you mean?")
            wanted = [item for item in wanted if item["name"] != name or item is chosen[0]]
    return tuple(wanted)


def choose_orders(orders: list[Order], part: Part, kind: str, wish: Wish) -> list[Target]:
    """Return the customer's orders that a request without an order number means. Raises Unclear."""
    if VAGUE.search(part.text) or (part.everything and wish.says(EXCEPT)):
        raise Unclear("Please tell me which items you mean, and the order number of each.")
    candidates = [order for order in orders if _fits(order, kind)]
    if not candidates and kind == "refund":
        candidates = [order for order in orders if order["status"] in CANCELLABLE]
    named = _named(orders, candidates, part, wish)
    if named:
        return _by_item(named)
    if part.everything and candidates:
        return [Target(order["order_id"]) for order in candidates]
    if len(candidates) == 1:
        return [Target(candidates[0]["order_id"])]
    if candidates and NEWEST.search(wish.text):
        return [Target(max(candidates, key=lambda order: str(order["placed_at"]))["order_id"])]
    raise Unclear("Could you send me the order number? It begins with #W and is in your confirmation e-mail.")


def whole_order(order: Order, items: tuple[Item, ...], part: Part) -> bool:
    """Return whether a request covers everything ordered, or says so."""
    return not items or len(items) == len(order["items"]) or bool(WHOLE.search(part.text))


def _named(orders: list[Order], candidates: list[Order], part: Part, wish: Wish) -> list[tuple[Order, Item]]:
    """Return the items that a request names: in matching orders, otherwise in any; otherwise those to exclude."""
    found = named_items(candidates, part.wanted) or named_items(orders, part.wanted)
    if found or part.everything:
        return found
    return named_items(candidates, part.excluded or wish.text) or named_items(orders, wish.text)


def price_of(items: Iterable[Item], text: str) -> int:
    """Return the price of these items in minor units; of one piece each if the text says "one of the"."""
    single = bool(SINGLE.search(text))
    return sum(int(item["price"]) * (1 if single else int(item.get("quantity", 1))) for item in items)


def _by_item(named: list[tuple[Order, Item]]) -> list[Target]:
    orders_of: dict[str, set[str]] = {}
    for order, item in named:
        orders_of.setdefault(item["name"], set()).add(order["order_id"])
    for name, order_ids in orders_of.items():
        if len(order_ids) > 1:
            raise Unclear(f"I found a {name} in {len(order_ids)} of your orders. Which order number do you mean?")
    return [Target(order_id) for order_id in dict.fromkeys(order["order_id"] for order, _ in named)]


def _fits(order: Order, kind: str) -> bool:
    if kind == "cancel":
        return order["status"] in CANCELLABLE
    return order["status"] in ("delivered", "shipped")


def _words(text: str) -> list[str]:
    plain = re.sub(r"(?<=\w)[-'](?=\w)", "", text.lower())
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in re.findall(r"[\w]+", plain)
    ]


def _contains(words: list[str], name: list[str]) -> bool:
    return any(words[place : place + len(name)] == name for place in range(len(words) - len(name) + 1))


def _noun(name: list[str]) -> str:
    return name[-2] if name[-1] in EMPTY_NOUNS and len(name) > 1 else name[-1]


def _plural(name: str, text: str) -> bool:
    last = name.lower().split()[-1]
    return not last.endswith("s") and bool(re.search(rf"\b{re.escape(last)}s\b|\bboth\b|\ball\b", text))


def _options(item: Item) -> set[str]:
    options = item.get("options")
    return set(_words(" ".join(str(value) for value in options.values()))) if isinstance(options, dict) else set()
