"""The whole simulated world: which endpoint a request means, and what answers it."""

import re
import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl, unquote, urlsplit

from .demo_tickets import demo_tickets, many_tickets
from .faults import BadTable, Faults, read_table
from .idempotency import Forgetful, Idempotency
from .inbox import Inbox
from .model.api import ModelApi
from .orders import Orders
from .payments import Payments
from .shop import Shop
from .store import Store
from .wire import Answer, BadRequest, Request, error

# The help desk checks our signature instead of a token, and a health check needs neither.
OPEN_ENDPOINTS = frozenset({"GET /health", "POST /replies", "GET /replies"})


class Route:
    """An endpoint and its handler.

    `endpoint` is "METHOD /path/{parameter}", the name used in the fault table. A `keyed` endpoint takes an
    Idempotency-Key and applies faults itself, while it holds the key.
    """

    def __init__(self, endpoint: str, answer: Callable[[Request], Answer], *, keyed: bool = False) -> None:
        self.endpoint = endpoint
        self.answer = answer
        self.keyed = keyed
        self._method, template = endpoint.split(" ", 1)
        self._path = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's decoded parameters if this route matches."""
        found = self._path.fullmatch(path) if method == self._method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


class World:
    """Turns requests into answers. Faults that are answers are applied here, network faults by the server."""

    def __init__(
        self,
        shop: Shop,
        store: Store,
        faults: Faults,
        model: ModelApi,
        token: str = "",
        *,
        trusting: bool = False,
        forgetful: bool = False,
    ) -> None:
        self.faults = faults
        self._store = store
        self._token = token
        keys = Idempotency(store)
        orders = Orders(shop, store, keys)
        payments = Payments(shop, store, Forgetful(store) if forgetful else keys, orders, trusting=trusting)
        inbox = Inbox(store)
        self._shop = shop
        self._model = model
        self._routes = (
            Route("GET /orders", orders.find),
            Route("GET /orders/{order_id}", orders.get),
            Route("POST /orders/{order_id}/cancel", orders.cancel, keyed=True),
            Route("GET /customers/{customer_id}", orders.customer),
            Route("PATCH /customers/{customer_id}", orders.change, keyed=True),
            Route("POST /refunds", payments.create, keyed=True),
            Route("GET /refunds", payments.find),
            Route("POST /refunds/{refund_id}/fail", payments.fail),
            Route("GET /ledger", payments.ledger),
            Route("POST /replies", inbox.deliver),
            Route("GET /replies", inbox.list),
            Route("POST /v1/chat/completions", model.complete),
            Route("GET /v1/models", model.models),
            Route("GET /faults", self._show_faults),
            Route("POST /faults", self._replace_faults),
            Route("GET /demo/tickets", self._tickets),
            Route("GET /health", lambda _: Answer(200, {"status": "ok"})),
        )

    def route(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Request, Route]:
        """Return the route of a request. Raises BadRequest (401, 404)."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/") or "/"
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for route in self._routes:
            parameters = route.match(method, path)
            if parameters is not None:
                self._authorize(route.endpoint, headers)
                return Request(method, path, route.endpoint, parameters, query, headers, body), route
        raise BadRequest(error(404, "not_found", f"There is nothing at {method} {path}."))

    def answer(self, request: Request, route: Route) -> Answer:
        """Return the route's answer, with a fault applied to the request."""
        try:
            if route.keyed:
                return route.answer(request)
            time.sleep(request.delay)
            answer = request.instead or route.answer(request)
            return request.after or answer
        except BadRequest as refused:
            return refused.answer

    def _authorize(self, endpoint: str, headers: Mapping[str, str]) -> None:
        if not self._token or endpoint in OPEN_ENDPOINTS:
            return
        if not compare_digest(headers.get("authorization", "").encode(), f"Bearer {self._token}".encode()):
            raise BadRequest(error(401, "unauthorized", "A valid bearer token is required."))

    def _tickets(self, request: Request) -> Answer:
        """Return the demo's tickets, or `count` of them (chosen by `seed`)."""
        asked = {name: request.query.get(name, "1") for name in ("count", "seed")}
        if "count" not in request.query:
            return Answer(200, demo_tickets(self._shop))
        if not all(value.isascii() and value.isdecimal() for value in asked.values()):
            return error(400, "invalid_request", "count and seed must be numbers.")
        return Answer(200, many_tickets(self._shop, int(asked["count"]), int(asked["seed"])))

    def _show_faults(self, request: Request) -> Answer:
        return Answer(200, self.faults.table.model_dump(mode="json") | {"hits": self.faults.hits()})

    def _replace_faults(self, request: Request) -> Answer:
        try:
            self.faults.replace(read_table(request.body))
        except BadTable as refused:
            return error(400, "invalid_request", str(refused))
        self._model.forget()
        return self._show_faults(request)

    def close(self) -> None:
        self._store.close()
