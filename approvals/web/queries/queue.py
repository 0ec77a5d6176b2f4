"""Read the approval queue: lanes, filters, pages of rows, and the next request.

Every list reads a partial index (open requests, unresolved actions) or a limited period, and pages by key, so its cost
doesn't grow with the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from approvals import states
from approvals.models import Action, ApprovalRequest, AuditEvent
from approvals.web.queries.words import customer_wrote_since

type Person = AbstractBaseUser | AnonymousUser

LANES = {
    "waiting": "Waiting",
    "mine": "Mine",
    "changed": "Changed",
    "unknown": "Unknown",
    "decided": "Decided",
}
PAGE = 50
DECIDED_DAYS = 7
ADDRESS = ("lane", "kind", "currency", "q", "after")
_HEAVY = ("params", "snapshot", "request", "result", "facts")


@dataclass(frozen=True)
class QueueFilters:
    """The filters in the queue's URL."""

    lane: str = "waiting"
    kind: str = ""
    currency: str = ""
    text: str = ""
    after: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "QueueFilters":
        values = {name: query.get(name, "").strip().replace("\x00", "")[:200] for name in ADDRESS}
        return cls(
            lane=values["lane"] if values["lane"] in LANES else "waiting",
            kind=values["kind"],
            currency=values["currency"].upper(),
            text=values["q"],
            after=values["after"] if values["after"].isdecimal() and len(values["after"]) < 19 else "",
        )

    def query(self, **other: str) -> str:
        """Return the filters as a query string, with `other` replacing values. The default lane and empty filters are
        left out."""
        fields = {
            "lane": self.lane,
            "kind": self.kind,
            "currency": self.currency,
            "q": self.text,
            "after": self.after,
        } | other
        if fields["lane"] == "waiting":
            fields["lane"] = ""
        text = urlencode({name: value for name, value in fields.items() if value})
        return f"?{text}" if text else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.kind or self.currency or self.text)


@dataclass(frozen=True)
class QueueRow:
    """A row of the list: an action, and its approval request if there is one."""

    action: Action
    request: ApprovalRequest | None


@dataclass(frozen=True)
class QueuePage:
    rows: list[QueueRow]
    more: str  # `after` of the next page; empty on the last


def queue_page(filters: QueueFilters, person: Person) -> QueuePage:
    """Return a page of the lane, oldest first. Decided requests are newest first and limited to DECIDED_DAYS."""
    if filters.lane == "unknown":
        return _page([QueueRow(action, None) for action in _unresolved(filters)[: PAGE + 1]])
    requests = _lane(filters, person)
    return _page([QueueRow(request.action, request) for request in requests[: PAGE + 1]])


def lane_counts(person: Person) -> dict[str, int]:
    """Count the rows in each lane that needs work."""
    # One query for three counts, since every refresh of the queue asks for them.
    opened = ApprovalRequest.objects.filter(closed_at__isnull=True).aggregate(
        waiting=Count("pk"),
        mine=Count("pk", filter=Q(claimed_by=person.pk)),
        changed=Count("pk", filter=~Q(changes=[])),
    )
    return {**opened, "unknown": Action.objects.filter(status=states.UNRESOLVED).count()}


def find_request(request_id: int) -> ApprovalRequest | None:
    """Return a request with everything its card needs, or None."""
    return (
        ApprovalRequest.objects.select_related(
            "action__ticket__customer", "action__policy_version", "claimed_by", "decision__by"
        )
        .filter(pk=request_id)
        .first()
    )


def find_action(action_id: int) -> Action | None:
    """Return an action with its ticket and attempts, or None."""
    return (
        Action.objects.select_related("ticket__customer", "policy_version")
        .prefetch_related("attempts")
        .filter(pk=action_id)
        .first()
    )


def last_manual_check(action_id: int) -> AuditEvent | None:
    """Return the event of the last manual check with the provider, which holds its answer, or None."""
    checks = AuditEvent.objects.filter(object_type="action", object_id=str(action_id), verb="action.asked_again")
    return checks.order_by("-pk").first()


def withdrawal_of(action: Action) -> AuditEvent | None:
    """Return the event that says why the agent withdrew this action, or None."""
    if action.status != states.WITHDRAWN:
        return None
    told = AuditEvent.objects.filter(object_type="action", object_id=str(action.pk), verb="action.withdrawn")
    return told.first()


def next_request(done: ApprovalRequest, filters: QueueFilters, person: Person) -> ApprovalRequest | None:
    """Return the request to open after a decision: the next one in the lane, or else the first."""
    lane = QueueFilters(
        lane=filters.lane if filters.lane in ("mine", "changed") else "waiting",
        kind=filters.kind,
        currency=filters.currency,
        text=filters.text,
    )
    rest = _lane(lane, person).exclude(pk=done.pk)
    return rest.filter(_later(done)).first() or rest.first()


def _lane(filters: QueueFilters, person: Person) -> QuerySet[ApprovalRequest]:
    requests = ApprovalRequest.objects.select_related("action__ticket__customer", "claimed_by")
    requests = requests.defer("snapshot", *(f"action__{name}" for name in _HEAVY))
    cursor = ApprovalRequest.objects.filter(pk=filters.after).first() if filters.after else None
    if filters.lane == "decided":
        requests = requests.filter(closed_at__gte=Now() - timedelta(days=DECIDED_DAYS))
        requests = requests.select_related("decision__by").order_by("-closed_at", "-pk")
        if cursor and cursor.closed_at:
            earlier = Q(closed_at__lt=cursor.closed_at) | Q(closed_at=cursor.closed_at, pk__lt=cursor.pk)
            requests = requests.filter(earlier)
    else:
        requests = requests.filter(closed_at__isnull=True).order_by("created_at", "pk")
        requests = requests.annotate(wrote_since=customer_wrote_since())
        if filters.lane == "mine":
            requests = requests.filter(claimed_by=person.pk)
        if filters.lane == "changed":
            requests = requests.exclude(changes=[])
        if cursor:
            requests = requests.filter(_later(cursor))
    return requests.filter(_matching(filters, "action__"))


def _unresolved(filters: QueueFilters) -> QuerySet[Action]:
    actions = Action.objects.filter(_matching(filters, ""), status=states.UNRESOLVED)
    if filters.after:
        actions = actions.filter(pk__gt=filters.after)
    return actions.select_related("ticket__customer").defer(*_HEAVY).order_by("pk")


def _later(cursor: ApprovalRequest) -> Q:
    # The key decides between requests of the same moment; without it, a page could skip or repeat one of them.
    return Q(created_at__gt=cursor.created_at) | Q(created_at=cursor.created_at, pk__gt=cursor.pk)


def _matching(filters: QueueFilters, action: str) -> Q:
    wanted = Q()
    if filters.kind:
        wanted &= Q(**{f"{action}kind": filters.kind})
    if filters.currency:
        wanted &= Q(**{f"{action}currency": filters.currency})
    if filters.text:
        columns = (
            "order_id",
            "idempotency_key",
            "target",
            "ticket__subject",
            "ticket__customer__email",
            "ticket__customer__name",
        )
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{action}{column}__icontains": filters.text})
        wanted &= anywhere
    return wanted


def _page(rows: list[QueueRow]) -> QueuePage:
    shown = rows[:PAGE]
    if len(rows) <= PAGE:
        return QueuePage(shown, "")
    last = shown[-1]
    return QueuePage(shown, str(last.request.pk if last.request else last.action.pk))
