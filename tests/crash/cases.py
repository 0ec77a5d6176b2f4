"""A test case: a story, a place to die, a fault, and concurrent activity."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.crash import shop

# Which part of the enumeration's stories to play: "3/20" is the third of twenty parts.
PART, PARTS = map(int, os.environ.get("CRASH_PART", "1/1").split("/"))
PROVIDER_TIMEOUT_SECONDS = 1.0
LEASE_SECONDS = 2
SWEEP_SECONDS = 0.2
WARM_UPS = 6  # orders that the warm parent uses itself

EFFECTS = (
    "POST /refunds",
    "POST /orders/{order_id}/cancel",
    "PATCH /customers/{customer_id}",
    "POST /replies",
)


@dataclass(frozen=True)
class Fault:
    """A fault that occurs once per request at each of `endpoints`; without endpoints, a failure on our own side.
    `terminal`: the requested effect may legitimately be missing at the end."""

    name: str
    endpoints: tuple[str, ...] = ("*",)
    options: Mapping[str, Any] | None = field(default=None, hash=False)
    terminal: bool = False

    def rules(self, where: str) -> dict[str, list[dict[str, Any]]]:
        rule = {"fault": self.name, "rate": 1.0, "times": 1, "where": where, **(self.options or {})}
        return {endpoint: [rule] for endpoint in self.endpoints}


# Each row of the table in docs/design.md, 8, duplicate deliveries, and an answer that arrives after the lease.
REFUSED_CONNECTION, DELIVERED_TWICE = "refused_connection", "delivered_twice"
FAULTS = {
    fault.name: fault
    for fault in (
        Fault("none", ()),
        Fault(REFUSED_CONNECTION, ()),
        Fault("timeout_after", EFFECTS, {"seconds": PROVIDER_TIMEOUT_SECONDS * 1.5}),
        Fault("lost_answer"),
        Fault("reset"),
        Fault("truncated"),
        Fault("garbage"),
        Fault("error_500_after"),  # and the provider replays it under our key
        Fault("in_progress", EFFECTS[:-1]),  # a help desk's 409 means "delivered before"
        Fault("too_early", EFFECTS),
        Fault("rate_limited", EFFECTS),  # with Retry-After
        Fault("unavailable"),
        Fault("refused_by_bank", ("POST /refunds",), {"times": 0}, terminal=True),
        Fault("unauthorized", EFFECTS),
        Fault("key_mismatch", EFFECTS, terminal=True),
        Fault("already_refunded", ("POST /refunds",)),
        Fault("never_answered", ("POST /replies",), {"fault": "lost_answer", "times": 0}),
        Fault("slow", EFFECTS, {"seconds": LEASE_SECONDS * 1.5}),
        Fault(DELIVERED_TWICE, ()),
    )
}


# Other activity during the story (tests.crash.people).
FURTHER = "the customer writes again"
ELSEWHERE = "the shop makes a refund of its own"
STOPPED = "somebody throws the stop switch"
UNPRICED = "the model has no price yet"
HANDED_OVER = "a person runs it again, answers and closes it"
TAKEN_BACK = "the customer takes the wish back while a lead has the request open"
INTERRUPTED = "the customer writes between the approval and its execution"


@dataclass(frozen=True)
class Scenario:
    """`bodies` are the tickets' texts, from one customer about one order; {order} and {email} are filled in.
    `effect` is where the ledger shows the required effect, exactly once (empty: there must be none), and `amount`
    its size in minor units. `also`: other activity."""

    name: str
    bodies: tuple[str, ...]
    effect: str = ""
    amount: int | None = None
    pending: bool = False
    also: str = ""

    @property
    def runs(self) -> int:
        """Runs per ticket, at least."""
        return 2 if self.also in (FURTHER, HANDED_OVER, TAKEN_BACK) else 1

    @property
    def most_runs(self) -> int:
        """Two people who rerun it one after the other make two requests; not every approval is interrupted."""
        return self.runs + (self.also in (HANDED_OVER, INTERRUPTED))


# By these words people know what its customer does (tests.crash.people).
MAY_TAKE_BACK, MAY_INTERRUPT = "I may still change my mind.", "I may write more about it."
LARGE = "Please refund 60.00 USD for my order {order}."
REFUND = "My mug came broken. Please refund 20.00 USD for order {order}."
CANCEL = "Please cancel my order {order}."
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("refund", (REFUND,), "refunds", 2_000),
        Scenario("approved_refund", (LARGE,), "refunds", 6_000),
        Scenario("taken_back", (f"{LARGE} {MAY_TAKE_BACK}",), also=TAKEN_BACK),
        Scenario("interrupted", (f"{LARGE} {MAY_INTERRUPT}",), "refunds", 6_000, also=INTERRUPTED),
        Scenario("cancellation", (CANCEL,), "cancellations", 4_000, pending=True),
        Scenario("account_change", ("Please change my e-mail address to {email}.",), "account_changes"),
        Scenario(
            "rivals",
            tuple(f"Please refund 60.00 USD for my order {{order}}{word}." for word in ("", ", thank you")),
            "refunds",
            6_000,
        ),
        Scenario(
            "false_claim",
            ("[[misbehave:claim_without_action]] Please refund 20.00 USD for order {order}.",),
            "refunds",
            2_000,
        ),
        Scenario("further_message", (REFUND,), "refunds", 2_000, also=FURTHER),
        Scenario("refund_elsewhere", (REFUND,), "refunds", 2_000, also=ELSEWHERE),
        Scenario("stopped", (CANCEL,), "cancellations", 4_000, pending=True, also=STOPPED),
        Scenario("unpriced", (REFUND,), "refunds", 2_000, also=UNPRICED),
        Scenario("handed_over", ("I want to talk to a person about order {order}.",), also=HANDED_OVER),
    )
}

ALONE, TWIN, OVERTAKEN = "alone", "twin", "overtaken"


@dataclass(frozen=True)
class Case:
    """A story in which one process after the other dies at each of `deaths`, as the work reaches it. `attempt` 2:
    the successor dies at the same place again. `race`: alone, next to a twin that does the same at the same time, or
    overtaken: not killed, but suspended for longer than its lease. `number`: of its order and its customer, which no
    other case has; 0 until it is played."""

    scenario: Scenario
    fault: Fault
    deaths: tuple[str, ...] = ()
    attempt: int = 1
    race: str = ALONE
    mutation: str = ""
    number: int = 0

    @property
    def name(self) -> str:
        return f"case-{self.number}"

    def __str__(self) -> str:
        at = ", then ".join(self.deaths) or "nowhere"
        bug = f" with {self.mutation}" if self.mutation else ""
        return f"{self.name} {self.scenario.name}: {at}, {self.fault.name}, attempt {self.attempt}, {self.race}{bug}"

    @property
    def stall(self) -> float:
        return LEASE_SECONDS + 1.5 if self.race == OVERTAKEN else 0.0

    def tickets(self) -> list[dict[str, str]]:
        return tickets_of(self.scenario, self.number)


def tickets_of(scenario: Scenario, number: int) -> list[dict[str, str]]:
    """Return the tickets as the help desk delivers them."""
    filled = {"order": shop.order_id(number), "email": shop.NEW_EMAIL.format(number)}
    return [
        {
            "source": "crash",
            "external_id": f"delivery-{number}-{place}",
            "customer_email": shop.EMAIL.format(number),
            "customer_name": "Kim Doe",
            "subject": "My order",
            "body": body.format(**filled),
        }
        for place, body in enumerate(scenario.bodies, start=1)
    ]
