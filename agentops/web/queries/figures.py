"""The dashboard's figures about tickets, runs and steps.

All are figures of the tickets of a period. The index on their creation leads to runs and steps, whose own tables are
too large to scan.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, Count, Exists, OuterRef, Sum, Value, When
from django.db.models.functions import TruncDate

from agentops.models import Run, Step
from agentops.web.queries.spending import WORKED
from approvals.models import Action
from approvals.policy.verdicts import Outcome
from tickets.models import Ticket

ENDINGS = ("alone", "approved", "person", "open")


@dataclass(frozen=True)
class Cost:
    """Cost of the language model in US dollars and tokens, for the `tickets` that it worked on."""

    tickets: int
    cost_usd: Decimal
    tokens: int

    @property
    def per_ticket(self) -> Decimal | None:
        return self.cost_usd / self.tickets if self.tickets else None


@dataclass(frozen=True)
class Flow:
    """Tickets created on a day: answered without approval, answered after approval, with a person, or still open."""

    day: date
    alone: int = 0
    approved: int = 0
    person: int = 0
    open: int = 0

    @property
    def total(self) -> int:
        return self.alone + self.approved + self.person + self.open


@dataclass(frozen=True)
class Failures:
    error_class: str
    steps: int
    runs: int


def cost_since(since: datetime) -> Cost:
    runs = Run.objects.filter(WORKED, ticket__created_at__gte=since)
    found = runs.aggregate(tickets=Count("ticket", distinct=True), cost_usd=Sum("cost_usd"), tokens=Sum("tokens"))
    return Cost(found["tickets"], found["cost_usd"] or Decimal(0), found["tokens"] or 0)


def failures(since: datetime) -> list[Failures]:
    """Return failed steps by error class, the most frequent first."""
    # "action" is a decision by people or the policy, not a failure.
    bad = Step.objects.filter(run__ticket__created_at__gte=since).exclude(error_class__in=("", "action"))
    rows = bad.values_list("error_class").annotate(steps=Count("pk"), runs=Count("run", distinct=True)).order_by()
    return sorted((Failures(*row) for row in rows), key=lambda row: -row.steps)


def flow(since: datetime, today: date) -> list[Flow]:
    """Return one row per day, including days without tickets."""
    needed_approval = Action.objects.filter(ticket=OuterRef("pk"), verdict=Outcome.REQUIRE_APPROVAL)
    answered = (Ticket.Status.ANSWERED, Ticket.Status.CLOSED)
    ending = Case(
        When(status=Ticket.Status.NEEDS_PERSON, then=Value("person")),
        When(Exists(needed_approval), status__in=answered, then=Value("approved")),
        When(status__in=answered, then=Value("alone")),
        default=Value("open"),
    )
    rows = (
        Ticket.objects.filter(created_at__gte=since)
        .values_list(TruncDate("created_at"), ending)
        .annotate(n=Count("pk"))
        .order_by()
    )
    found: dict[date, dict[str, int]] = {}
    for day, ended, count in rows:
        found.setdefault(day, {})[ended] = count
    first = since.date()
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    return [Flow(day, **found.get(day, {})) for day in days]
