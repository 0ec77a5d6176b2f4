"""A shop made for tests: new orders of every kind on a shelf, each with a customer of its own.

The simulator serves them. Each test takes what it needs, so tests that share the process do not interfere.
"""

import itertools
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from agentops.models import Run
from agentops.runs.engine import advance
from approvals.decisions import expiry
from approvals.effects import proposals
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, PolicyVersion
from approvals.policy import versions
from approvals.policy.rules import CurrencyLimit, Rules, Threshold
from tests.live import Simulator
from tickets import incoming, intake
from tickets.models import Ticket

OF_EACH = 60
PLAIN = 1_300
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
# What defines a kind of order: (status, currency, captured and refunded of each payment).
SORTS: dict[str, tuple[str, str, list[tuple[int, int]]]] = {
    "plain": ("delivered", "USD", [(10_000, 0)]),
    "two payments": ("delivered", "USD", [(6_000, 0), (4_000, 0)]),
    "part refunded": ("delivered", "USD", [(10_000, 7_000)]),
    "refunded": ("delivered", "USD", [(10_000, 10_000)]),
    "pending": ("pending", "USD", [(4_000, 0)]),
    "cancelled": ("cancelled", "USD", [(10_000, 10_000)]),
    "euro": ("delivered", "EUR", [(10_000, 0)]),
    "yen": ("delivered", "JPY", [(8_400, 0)]),
    "dinar": ("delivered", "KWD", [(12_500, 0)]),
    "of a tagged customer": ("delivered", "USD", [(10_000, 0)]),
}
ROOMY = 10**12
LIMITS = [CurrencyLimit(currency=currency, up_to=ROOMY) for currency in CURRENCIES]
# Automatic up to 50.00 of 100.00; blocked above 1,000.00.
RULES = Rules(
    thresholds=[
        Threshold(kind=kind, currency=currency, auto_up_to=5_000, block_above=100_000)
        for kind in ("refund", "cancel_order")
        for currency in CURRENCIES
    ],
    customer_30_days=LIMITS,
    customer_30_days_count=100,
    agent_today=LIMITS,
)


@dataclass
class World:
    """The simulator, and the orders of its shop that no test has taken yet."""

    simulator: Simulator
    shelf: dict[str, deque[dict[str, Any]]]

    def order(self, sort: str = "plain") -> dict[str, Any]:
        """Return a new order, in the format of the orders contract."""
        return self.shelf[sort].popleft()

    def now(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return the order's current state in the shop."""
        found = self.simulator.http.get(f"/orders/{order['order_id'].replace('#', '%23')}")
        return found.raise_for_status().json()

    def refunds(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the ledger's refunds of this order."""
        return [row for row in self.simulator.ledger()["refunds"] if row["order_id"] == order["order_id"]]

    def faults(self, endpoint: str, *names: str, **options: Any) -> None:
        rules = [{"fault": name, "rate": 1.0, **options} for name in names]
        self.simulator.faults(endpoints={endpoint: rules})

    def refund_elsewhere(self, order: dict[str, Any], amount: int) -> None:
        """Make a refund in the shop's own back office."""
        reference = f"elsewhere-{order['order_id']}-{amount}"
        body = {
            "payment_id": order["payments"][0]["payment_id"],
            "order_id": order["order_id"],
            "amount": amount,
            "currency": order["currency"],
            "reference": reference,
        }
        self.simulator.http.post("/refunds", json=body, headers={"Idempotency-Key": reference}).raise_for_status()


def write_shop(folder: Path) -> dict[str, deque[dict[str, Any]]]:
    """Write orders.json and customers.json for the simulator's --data, and return the shelf."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count(1)
    orders, customers = [], []
    shelf: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
    for sort in [*["plain"] * PLAIN, *[sort for sort in SORTS if sort != "plain"] * OF_EACH]:
        number = next(numbers)
        customer = {
            "customer_id": f"customer_{number}",
            "email": f"customer.{number}@example.com",
            "name": "Kim Doe",
            "address": {"address1": "1 Mill Lane", "city": "Leeds", "country": "UK"},
            "since": "2024-01-01T00:00:00Z",
            "tags": ["VIP"] if "tagged" in sort else [],
        }
        customers.append(customer)
        orders.append(_order(number, sort, customer))
        shelf[sort].append(orders[-1])
    (folder / "orders.json").write_text(json.dumps(orders))
    (folder / "customers.json").write_text(json.dumps(customers))
    return shelf


def _order(number: int, sort: str, customer: dict[str, Any]) -> dict[str, Any]:
    status, currency, payments = SORTS[sort]
    total = sum(captured for captured, _ in payments)
    sent = status == "delivered"
    return {
        "order_id": f"#W{5_000_000 + number}",
        "customer_id": customer["customer_id"],
        "customer_email": customer["email"],
        "status": status,
        "currency": currency,
        "total": total,
        "placed_at": "2026-01-01T00:00:00Z",
        "delivered_at": "2026-01-04T00:00:00Z" if sent else None,
        "items": [
            {"item_id": f"{number}1", "name": "Desk Lamp", "price": total - 2_000, "quantity": 1},
            {"item_id": f"{number}2", "name": "Mug", "price": 2_000, "quantity": 1},
        ],
        "payments": [
            {"payment_id": f"pay_{number}_{place}", "method": "card", "captured": captured, "refunded": refunded}
            for place, (captured, refunded) in enumerate(payments, start=1)
        ],
        "tracking_numbers": [str(100_000_000_000 + number)] if sent else [],
    }


# --- tickets, proposals, runs ---------------------------------------------------------------------------

_deliveries = itertools.count(1)


def put_rules(rules: Rules = RULES, **changes: Any) -> PolicyVersion:
    """Put these rules in force."""
    return versions.save_policy(rules=rules.model_copy(update=changes), by=None, note="for a test", kinds=KINDS)


def ticket_of(order: dict[str, Any], body: str = "Please help.", subject: str = "My order") -> Ticket:
    """Create a ticket of the order's customer, with its first run queued."""
    delivered = incoming.NewTicket(
        source="test",
        external_id=f"delivery-{next(_deliveries)}",
        customer_email=order["customer_email"],
        customer_name="Kim Doe",
        subject=subject,
        body=body,
    )
    return intake.receive_ticket(delivered)[0]


def refund_arguments(order: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    given = {"order_id": order["order_id"], "amount": amount, "currency": order["currency"], "reason": "It is broken."}
    return {**given, **more}


def propose(
    ticket: Ticket,
    tool: str,
    arguments: dict[str, Any],
    *,
    run_id: int | None = None,
    through_message: int | None = None,
) -> Action:
    """Do what the engine does with a tool call: resolve it against the shop, then record it."""
    ticket = Ticket.objects.select_related("customer").get(pk=ticket.pk)
    kind = KINDS.by_tool(tool)
    assert kind is not None
    resolved = proposals.resolve_arguments(kind, kind.parse(arguments), ticket)
    return proposals.record_proposal(resolved, ticket_id=ticket.pk, run_id=run_id, through_message=through_message)


def propose_refund(order: dict[str, Any], amount: int, *, ticket: Ticket | None = None, **more: Any) -> Action:
    return propose(ticket or ticket_of(order), "refund", refund_arguments(order, amount, **more))


def expires(request: ApprovalRequest) -> None:
    """Let the request expire undecided."""
    ApprovalRequest.objects.filter(pk=request.pk).update(expires_at=Now())
    assert expiry.expire(request.pk)


def run_through(ticket: Ticket) -> Run:
    """Run the ticket's newest run as far as it gets without a person."""
    run = Run.objects.filter(ticket=ticket).latest("number")
    advance(run.pk)
    return Run.objects.get(pk=run.pk)


# --- concurrency ----------------------------------------------------------------------------------------


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Return each work's result or exception. All start at the same moment, each in a thread and connection of its
    own."""
    begin = threading.Barrier(len(works))

    def do(work: Callable[[], Any]) -> Any:
        begin.wait(timeout=10)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - an error is an answer here
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))
