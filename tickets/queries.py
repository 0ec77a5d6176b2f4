"""Tickets as they are read: filters of the list's address, and a page of rows, newest first, without a count."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from tickets.models import Ticket

PAGE = 50
MANY = 1_000  # more are not counted
UNFINISHED = "unfinished"  # a filter's word for those that are still on their way
ON_THEIR_WAY = (Ticket.Status.OPEN, Ticket.Status.WORKING, Ticket.Status.AWAITING_APPROVAL)
SEARCHED = (
    50_000  # of the newest tickets, words are looked for in these: a search costs the same however many there are
)


@dataclass(frozen=True)
class TicketFilters:
    """`q` is an id, the help desk's id, the beginning of an e-mail address, or words of the subject or the name."""

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
        """The same filters as a query string; what is empty is left out."""
        said = {"status": self.status, "q": self.q, "after": self.after} | other
        text = urlencode({name: value for name, value in said.items() if value})
        return f"?{text}" if text else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.q)


def tickets_page(filters: TicketFilters) -> tuple[list[Ticket], str]:
    """A page of tickets with their customers, and `after` of the next one (empty on the last)."""
    found = list(_tickets(filters)[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else ""


def tickets_with_person() -> QuerySet[Ticket]:
    """Those that need a person: what only a person takes back (held) first, then who has waited longest. A partial
    index holds just these."""
    needed = Ticket.objects.filter(status=Ticket.Status.NEEDS_PERSON)
    return needed.select_related("customer", "claimed_by").order_by("-held", "person_since", "pk")


def count_with_person() -> int:
    """At most MANY: beyond it nobody counts."""
    return Ticket.objects.filter(status=Ticket.Status.NEEDS_PERSON)[:MANY].count()


def find_ticket(ticket_id: str) -> Ticket | None:
    """A ticket with its customer and its messages."""
    if "\x00" in ticket_id:  # PostgreSQL takes no text that holds it, not even to look for
        return None
    return Ticket.objects.select_related("customer").prefetch_related("messages").filter(pk=ticket_id).first()


def _tickets(filters: TicketFilters) -> QuerySet[Ticket]:
    tickets = Ticket.objects.select_related("customer").order_by("-created_at", "-pk")
    if filters.status:
        wanted = ON_THEIR_WAY if filters.status == UNFINISHED else (filters.status,)
        tickets = tickets.filter(status__in=wanted)
    if filters.q:
        tickets = _search(tickets, filters.q)
    cursor = Ticket.objects.filter(pk=filters.after).first() if filters.after else None
    if cursor:
        # The first condition is the one that the index can use.
        tickets = tickets.filter(created_at__lte=cursor.created_at)
        tickets = tickets.exclude(created_at=cursor.created_at, pk__gte=cursor.pk)
    return tickets


def _search(tickets: QuerySet[Ticket], text: str) -> QuerySet[Ticket]:
    """By an address or an id among all tickets, by words among the newest."""
    if "@" in text:
        return tickets.filter(customer__email__startswith=text.lower())
    exact = Q(pk=text.lower()) | Q(external_id=text)
    if Ticket.objects.filter(exact).exists():
        return tickets.filter(exact)
    newest = Ticket.objects.order_by("-created_at", "-pk").values_list("created_at", flat=True)
    for oldest in newest[SEARCHED : SEARCHED + 1]:
        tickets = tickets.filter(created_at__gte=oldest)
    return tickets.filter(
        Q(subject__icontains=text) | Q(customer__name__icontains=text) | Q(customer__email__icontains=text)
    )
