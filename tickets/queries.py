"""Read tickets: the filters in the list's URL, and pages of rows, newest first and without a count."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from agentops.lib import addresses
from tickets.models import Ticket

PAGE = 50
MANY = 1_000  # counting stops here
UNFINISHED = "unfinished"  # filter value for IN_PROGRESS
IN_PROGRESS = (Ticket.Status.OPEN, Ticket.Status.WORKING, Ticket.Status.AWAITING_APPROVAL)
# A word search looks only at this many of the newest tickets, so its cost does not grow with the table.
SEARCH_DEPTH = 50_000


@dataclass(frozen=True)
class TicketFilters:
    """`q` is a ticket id, the help desk's id, the start of an e-mail address, or words of the subject or name. `after`
    is the id of the last ticket on the previous page."""

    status: str = ""
    q: str = ""
    after: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "TicketFilters":
        status = query.get("status", "")
        return cls(
            status=status if status in Ticket.Status or status == UNFINISHED else "",
            q=query.get("q", "").strip().replace("\x00", "")[:200],
            after=query.get("after", "").replace("\x00", "")[:14],
        )

    def query(self, **other: str) -> str:
        """Return the filters as a query string, with `other` replacing values. Empty filters are left out."""
        values = {"status": self.status, "q": self.q, "after": self.after} | other
        text = urlencode({name: value for name, value in values.items() if value})
        return f"?{text}" if text else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.q)


def tickets_page(filters: TicketFilters) -> tuple[list[Ticket], str]:
    """Return a page of tickets with their customers, and the next page's `after` (empty on the last page)."""
    found = list(_tickets(filters)[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else ""


def tickets_with_person() -> QuerySet[Ticket]:
    """Return the tickets that need a person: first those that a person keeps, then the longest waiting. A partial
    index covers them."""
    needed = Ticket.objects.filter(status=Ticket.Status.NEEDS_PERSON)
    return needed.select_related("customer", "claimed_by").order_by("-kept_by_person", "person_since", "pk")


def count_with_person() -> int:
    """Return how many tickets need a person, at most MANY."""
    return Ticket.objects.filter(status=Ticket.Status.NEEDS_PERSON)[:MANY].count()


def find_ticket(ticket_id: str) -> Ticket | None:
    """Return a ticket with its customer and messages, or None."""
    if "\x00" in ticket_id:  # PostgreSQL rejects NUL in any text, even in a search
        return None
    return Ticket.objects.select_related("customer").prefetch_related("messages").filter(pk=ticket_id).first()


def _tickets(filters: TicketFilters) -> QuerySet[Ticket]:
    tickets = Ticket.objects.select_related("customer").order_by("-created_at", "-pk")
    if filters.status:
        wanted = IN_PROGRESS if filters.status == UNFINISHED else (filters.status,)
        tickets = tickets.filter(status__in=wanted)
    if filters.q:
        tickets = search(tickets, filters.q)
    cursor = Ticket.objects.filter(pk=filters.after).first() if filters.after else None
    if cursor:
        # The first condition is redundant, but it lets PostgreSQL use the index.
        tickets = tickets.filter(created_at__lte=cursor.created_at)
        tickets = tickets.exclude(created_at=cursor.created_at, pk__gte=cursor.pk)
    return tickets


def search(tickets: QuerySet[Ticket], text: str, *, depth: int = SEARCH_DEPTH) -> QuerySet[Ticket]:
    """Search all tickets by e-mail address or id, and the newest `depth` by words."""
    if "@" in text:
        return tickets.filter(customer__email__startswith=addresses.start_of(text))
    exact = Q(pk=text.lower()) | Q(external_id=text)
    if Ticket.objects.filter(exact).exists():
        return tickets.filter(exact)
    newest = Ticket.objects.order_by("-created_at", "-pk").values_list("created_at", flat=True)
    for oldest in newest[depth : depth + 1]:
        tickets = tickets.filter(created_at__gte=oldest)
    return tickets.filter(
        Q(subject__icontains=text) | Q(customer__name__icontains=text) | Q(customer__email__icontains=text)
    )
