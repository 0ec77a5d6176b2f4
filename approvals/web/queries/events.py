"""Read audit events by actor, verb, object and time."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet

from approvals.audit.events import AGENT, SYSTEM
from approvals.models import AuditEvent
from approvals.web.queries.history import UrlFilters, between_days, date_errors, read_filters

# A loose index scan: it jumps through the index from one verb to the next, so 10 million events cost as much as ten.
VERBS = """
    WITH RECURSIVE step AS (
        (SELECT verb FROM approvals_auditevent ORDER BY verb LIMIT 1)
        UNION ALL
        SELECT (SELECT later.verb FROM approvals_auditevent later WHERE later.verb > step.verb
                ORDER BY later.verb LIMIT 1)
        FROM step WHERE step.verb IS NOT NULL
    )
    SELECT verb FROM step WHERE verb IS NOT NULL LIMIT 200
"""


@dataclass(frozen=True)
class EventFilters(UrlFilters):
    """`actor` is a user name, `agent` or `system`. `since` and `until` are days, both inclusive."""

    actor: str = ""
    verb: str = ""
    object_type: str = ""
    object_id: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "EventFilters":
        values = read_filters(cls, query)
        return cls(**values, errors=date_errors(values))


def find_events(filters: EventFilters) -> QuerySet[AuditEvent]:
    """Return matching events, newest first: by time if the filters name a day, else by number. Both orders have an
    index. Returns nothing if a filter is invalid."""
    found = AuditEvent.objects.order_by(*(("-at", "-pk") if filters.since or filters.until else ("-pk",)))
    if filters.errors:
        return found.none()
    wanted = between_days("at", filters.since, filters.until)
    for column in ("actor", "verb", "object_type", "object_id"):
        if value := getattr(filters, column):
            wanted &= Q(**{column: value})
    return found.filter(wanted)


def events_of(object_type: str, *object_ids: int | str) -> QuerySet[AuditEvent]:
    """Return what happened to these objects, oldest first."""
    return AuditEvent.objects.filter(object_type=object_type, object_id__in=map(str, object_ids)).order_by("pk")


def verbs() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(VERBS)
        return [row[0] for row in cursor.fetchall()]


def actors() -> list[str]:
    return [
        AGENT,
        SYSTEM,
        *User.objects.order_by("username").values_list("username", flat=True)[:200],
    ]
