"""A help desk for the tests: customers write through the signed intake API, and results are read where they are
visible from outside: the payment ledger, the customers' inbox, the application's own record."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from agentops.management.intake import Intake, Posted
from agentops.models import Run
from approvals.models import Action, ApprovalRequest
from tests.waiting import until
from tests.world import World
from tickets.incoming import NewTicket
from tickets.models import Ticket

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """One customer's ticket about one order."""

    world: World
    order: dict[str, Any]
    posted: Posted

    @property
    def ticket_id(self) -> str:
        return self.posted.ticket_id

    def ends(self, status: str, *, seconds: float = 20.0) -> None:
        """Wait until the ticket has this status."""
        tickets = Ticket.objects.filter(pk=self.ticket_id)
        until(lambda: tickets.filter(status=status).exists(), seconds=seconds)

    def request(self) -> int:
        """Return the id of the pending approval request, once there is one."""
        waiting = ApprovalRequest.objects.filter(action__ticket=self.ticket_id, closed_at__isnull=True)
        return until(lambda: waiting.first(), seconds=20.0).pk

    def action(self, kind: str) -> Action:
        return Action.objects.get(ticket=self.ticket_id, kind=kind)

    def has(self, kind: str, status: str) -> bool:
        """Return whether the ticket's action of this kind has this status."""
        return Action.objects.filter(ticket=self.ticket_id, kind=kind, status=status).exists()

    def run(self) -> Run:
        return Run.objects.filter(ticket=self.ticket_id).latest("number")

    # --- what really happened ---------------------------------------------------------------------------

    def refunds(self) -> list[tuple[int, str]]:
        """Return (amount, currency) of each refund of the order in the ledger."""
        return [(row["amount"], row["currency"]) for row in self.world.refunds(self.order)]

    def effects(self, of: str) -> list[dict[str, Any]]:
        """Return the ledger's cancellations or account changes for this order or its customer."""
        names = (self.order["order_id"], self.order["customer_id"])
        rows = self.world.simulator.ledger()[of]
        return [row for row in rows if row.get("order_id") in names or row.get("customer_id") in names]

    def replies(self) -> list[str]:
        """Return the replies that the customer received."""
        return [row["body"] for row in self.world.simulator.replies() if row["ticket_id"] == self.ticket_id]

    def reply(self) -> str:
        """Return the only reply that the customer received, once the ticket is answered."""
        self.ends("answered")
        (text,) = self.replies()
        return text


@dataclass(frozen=True)
class Desk:
    api: Intake
    world: World
    cases: list[Case] = field(default_factory=list)

    def write(self, body: str, sort: str = "plain", subject: str = "About my order") -> Case:
        """Have a customer of the shop write about a new order of this kind. `{id}` and `{tracking}` in the text are
        replaced by its numbers."""
        order = self.world.order(sort)
        tracking = next(iter(order["tracking_numbers"]), "")
        text = body.replace("{id}", order["order_id"]).replace("{tracking}", tracking)
        ticket = NewTicket(
            source="desk",
            external_id=f"letter-{next(_numbers)}",
            customer_email=order["customer_email"],
            customer_name="Kim Doe",
            subject=subject,
            body=text,
        )
        case = Case(self.world, order, self.api.post(ticket))
        self.cases.append(case)
        return case

    def large_refund(self) -> Case:
        """Request 80.00 USD of 100.00: above the auto-approval limit."""
        return self.write("The Desk Lamp of my order {id} came broken. I would like a refund for the lamp.")

    def small_refund(self) -> Case:
        """Request 20.00 USD of 100.00: refunded automatically."""
        return self.write("Order {id} came today and the Mug is cracked. Could you refund the Mug, please?")


def open_request(page: Page, case: Case) -> int:
    """Open the case's pending request as a link in a message would."""
    request = case.request()
    page.goto(f"/queue/{request}/")
    return request


def fold(page: Page, name: str) -> Any:
    """Return the open form under one of the card's buttons."""
    opened = page.locator(f"#{name}-fold")
    opened.locator("summary").click()
    return opened


def expect_message(page: Page, text: str) -> None:
    """Check that the page shows this message."""
    expect(page.locator(".toast", has_text=text)).to_be_visible()


def shows_trace(page: Page, case: Case, *names: str) -> None:
    """Check that the run's waterfall has a bar for each of these, in this order."""
    page.goto(f"/runs/{case.run().pk}/")
    bars = page.locator(".w-row .w-name").all_inner_texts()
    place = -1
    for name in names:
        following = [at for at, text in enumerate(bars) if at > place and name in " ".join(text.split())]
        assert following, f"no bar {name!r} after bar {place} of {json.dumps(bars)}"
        place = following[0]
