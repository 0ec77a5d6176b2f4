"""The history of actions: the filters in its URL, and a page or a stream of its rows.

Pages and exports go by key, newest first, without counts or offsets, so their cost doesn't grow with the history.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, Prefetch, Q, QuerySet

from agentops.lib import addresses, written_money
from approvals.models import Action, ApprovalRequest, Attempt, Decision

PAGE = 50
BATCH = 500
DATES = {"proposed": "created_at", "settled": "settled_at"}
_HEAVY = ("snapshot", "request", "result", "facts")


@dataclass(frozen=True)
class UrlFilters:
    """Base of filters that are kept in the URL: text fields, and the errors in them by field name."""

    after: str = ""
    errors: dict[str, str] = field(default_factory=dict, compare=False)

    def query(self, **other: str) -> str:
        """Return the filters as a query string, with `other` replacing values. Empty filters are left out."""
        values = {row.name: getattr(self, row.name) for row in fields(self) if row.name != "errors"} | other
        text = urlencode({name: value for name, value in values.items() if value})
        return f"?{text}" if text else ""

    @property
    def query_string(self) -> str:
        return self.query(after="")

    @property
    def narrowed(self) -> bool:
        return bool(self.query(after=""))


@dataclass(frozen=True)
class ActionFilters(UrlFilters):
    """`amount_from` and `amount_to` are in the major unit of `currency`. `since` and `until` are days, both inclusive,
    and `dates` says whether they are about the proposal or the settlement. `failure` is an attempt's error class, `by`
    the user who decided."""

    kind: str = ""
    status: str = ""
    currency: str = ""
    amount_from: str = ""
    amount_to: str = ""
    by: str = ""
    q: str = ""
    dates: str = ""
    since: str = ""
    until: str = ""
    failure: str = ""
    duplicates: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ActionFilters":
        values = read_filters(cls, query)
        values["currency"] = values["currency"].upper()
        values["dates"] = values["dates"] if values["dates"] in DATES else ""
        errors = date_errors(values)
        for name in ("amount_from", "amount_to"):
            if values[name] and not values["currency"]:
                errors[name] = "Choose a currency first."
            elif values[name]:
                try:
                    written_money.minor(values[name], values["currency"])
                except ValueError as error:
                    errors[name] = str(error)
        return cls(**values, errors=errors)


def read_filters(cls: type[UrlFilters], query: Mapping[str, str]) -> dict[str, str]:
    """Return the URL's values for the fields of `cls`, trimmed and limited in length."""
    names = [row.name for row in fields(cls) if row.name != "errors"]
    # PostgreSQL refuses NUL in any text, even in a search.
    values = {name: query.get(name, "").strip().replace("\x00", "")[:200] for name in names}
    if not values["after"].isdecimal() or len(values["after"]) > 18:
        values["after"] = ""
    return values


def date_errors(values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "Enter a date such as 2026-01-31."
        for name in ("since", "until")
        if values[name] and not parse_day(values[name])
    }


def parse_day(text: str) -> date | None:
    """Parse an ISO date. Returns None if it is invalid, or the first or last day that Python can represent, because the
    next day is needed too."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date.min < found < date.max else None


def between_days(column: str, since: str, until: str) -> Q:
    """Return the condition that `column` is between two days in UTC, both inclusive."""
    wanted = Q()
    if first := parse_day(since):
        wanted &= Q(**{f"{column}__gte": datetime.combine(first, time(), UTC)})
    if last := parse_day(until):
        wanted &= Q(**{f"{column}__lt": datetime.combine(last, time(), UTC) + timedelta(days=1)})
    return wanted


def find_actions(filters: ActionFilters) -> QuerySet[Action]:
    """Return matching actions, newest first: by the requested date if there is one, else by id. Returns nothing if a
    filter is invalid."""
    moment = DATES[filters.dates or "proposed"]
    found = Action.objects.select_related("ticket__customer").order_by("-pk")
    if filters.errors:
        return found.none()
    if filters.since or filters.until:
        found = found.order_by(f"-{moment}", "-pk")
    wanted = between_days(moment, filters.since, filters.until)
    for column in ("kind", "status", "currency"):
        if value := getattr(filters, column):
            wanted &= Q(**{column: value})
    if filters.amount_from:
        wanted &= Q(amount__gte=written_money.minor(filters.amount_from, filters.currency))
    if filters.amount_to:
        wanted &= Q(amount__lte=written_money.minor(filters.amount_to, filters.currency))
    if filters.duplicates:
        wanted &= Q(duplicates_absorbed__gt=0)
    if filters.by:
        wanted &= Q(Exists(Decision.objects.filter(request__action=OuterRef("pk"), by__username=filters.by)))
    if filters.failure:
        wanted &= Q(Exists(Attempt.objects.filter(action=OuterRef("pk"), outcome=filters.failure)))
    return found.filter(wanted & _named(filters.q))


def _named(text: str) -> Q:
    """Match what people paste: a key, an e-mail address, an order or a ticket. Each is the first column of an index."""
    if not text:
        return Q()
    if "@" in text:
        return Q(ticket__customer__email__startswith=addresses.start_of(text))
    if ":" in text:
        return Q(idempotency_key=text)
    return Q(ticket_id=text.lower()) | Q(order_id__in=[text, f"#{text.lstrip('#').upper()}"])


def paginate[Row: Model](rows: QuerySet[Row], after: str, *, size: int = PAGE) -> tuple[list[Row], str]:
    """Return a page of rows in descending order, and the next page's `after` (empty on the last page)."""
    last = rows.model._default_manager.filter(pk=int(after)).first() if after else None
    found = list((_past(rows, last) if last else rows)[: size + 1])
    return found[:size], str(found[size - 1].pk) if len(found) > size else ""


def stream_rows[Row: Model](rows: QuerySet[Row], *, batch_size: int = BATCH) -> Iterator[Row]:
    """Yield every row in descending order. Only one batch is in memory, and no transaction or cursor stays open."""
    last: Row | None = None
    while batch := list((_past(rows, last) if last else rows)[:batch_size]):
        yield from batch
        last = batch[-1]


def _past[Row: Model](rows: QuerySet[Row], last: Row) -> QuerySet[Row]:
    """Return the rows after `last` in their own order: descending by key, or by time and key."""
    moment = str(rows.query.order_by[0]).lstrip("-")
    if moment == "pk":
        return rows.filter(pk__lt=last.pk)
    then = getattr(last, moment)
    if then is None:
        return rows
    # The first condition is redundant, but it lets PostgreSQL use the index.
    return rows.filter(**{f"{moment}__lte": then}).exclude(**{moment: then, "pk__gte": last.pk})


def with_decisions(rows: QuerySet[Action]) -> QuerySet[Action]:
    requests = ApprovalRequest.objects.select_related("decision__by").defer("snapshot").order_by("pk")
    return rows.defer(*_HEAVY).prefetch_related(Prefetch("requests", queryset=requests))


def last_decision(action: Action) -> Decision | None:
    """Return the last decision on an action loaded by `with_decisions`."""
    decided = [request.decision for request in action.requests.all() if hasattr(request, "decision")]
    return decided[-1] if decided else None


def deciders() -> list[str]:
    """Return the names of users who have made decisions."""
    decisions = Decision.objects.filter(by=OuterRef("pk"))
    return list(User.objects.filter(Exists(decisions)).order_by("username").values_list("username", flat=True)[:200])
