"""Runs for pages: the history of all runs, a ticket's runs, and their replays."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from agentops.models import Replay, Run, Step, StoredText

PAGE_SIZE = 50
RECENT_DAYS = 7


@dataclass(frozen=True)
class RunFilters:
    """Filters of the history. `failure` is a step's error class, `step` a step's name.

    Both are limited to tickets of the last seven days, because steps are too many to search. `show`, a key of
    `latency.LISTS`, lists the steps with that name and `kind` instead of runs.
    """

    status: str = ""
    outcome: str = ""
    failure: str = ""
    step: str = ""
    kind: str = ""
    show: str = ""
    after: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "RunFilters":
        values = {name: query.get(name, "").strip().replace("\x00", "")[:100] for name in cls.__dataclass_fields__}
        values["after"] = values["after"] if re.fullmatch(r"(\d{1,14}-)?\d{1,18}", values["after"], re.ASCII) else ""
        return cls(**values)

    def query(self, **other: str) -> str:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__} | other
        text = urlencode({name: value for name, value in values.items() if value})
        return f"?{text}" if text else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.query(after=""))


def runs_page(filters: RunFilters) -> tuple[list[Run], str]:
    """Return a page of runs, newest first, and `after` of the next page (empty on the last page)."""
    runs = Run.objects.select_related("ticket__customer").order_by("-pk")
    if filters.after:
        runs = runs.filter(pk__lt=int(filters.after.rpartition("-")[2]))
    if filters.status:
        runs = runs.filter(status=filters.status)
    if filters.outcome:
        runs = runs.filter(outcome=filters.outcome)
    if filters.failure or filters.step:
        steps = Step.objects.filter(run=OuterRef("pk"))
        steps = steps.filter(error_class=filters.failure) if filters.failure else steps
        steps = steps.filter(name=filters.step) if filters.step else steps
        recent = Now() - timedelta(days=RECENT_DAYS)
        runs = runs.filter(Exists(steps), ticket__created_at__gte=recent)
    found = list(runs[: PAGE_SIZE + 1])
    return found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].pk) if len(found) > PAGE_SIZE else ""


def of_ticket(ticket_id: str) -> QuerySet[Run]:
    return Run.objects.filter(ticket_id=ticket_id).order_by("number")


def replays_of(run_id: int) -> list[Replay]:
    """Return the run's last ten replays, newest first."""
    return list(Replay.objects.select_related("policy_version").filter(run=run_id).order_by("-pk")[:10])


def stored_texts(digests: Iterable[str]) -> dict[str, str]:
    """Return the texts that steps refer to, by digest."""
    found = StoredText.objects.filter(digest__in=[digest for digest in digests if digest])
    return dict(found.values_list("digest", "body"))
