"""Findings of the reconciliation as they are read: open and closed ones, newest first, paged by key."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from agentops.lib import money
from approvals.models import Comparison, Finding

LANES = {"open": "Open", "closed": "Closed"}
PAGE = 50
# An unfinished comparison that began before this is not waited for any more.
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class FindingSide:
    """What one side's books say; all empty where they say nothing."""

    amount: str
    status: str
    reference: str

    def __bool__(self) -> bool:
        return bool(self.amount or self.status)


def findings_page(lane: str, after: str) -> tuple[list[Finding], str]:
    """A page of findings, and `after` of the next one (empty on the last)."""
    rows = unclosed_findings() if lane == "open" else Finding.objects.filter(closed_at__isnull=False).order_by("-pk")
    if after:
        rows = rows.filter(pk__lt=after)
    found = list(rows.select_related("action", "closed_by")[: PAGE + 1])
    return found[:PAGE], str(found[PAGE - 1].pk) if len(found) > PAGE else ""


def unclosed_findings() -> QuerySet[Finding]:
    return Finding.objects.filter(closed_at__isnull=True).order_by("-pk")


def last_comparison() -> Comparison | None:
    return Comparison.objects.order_by("-pk").first()


def last_answered() -> Comparison | None:
    """The newest comparison that the provider answered to its end."""
    return Comparison.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()


def our_side(finding: Finding) -> FindingSide:
    return _side(finding.ours, finding.ours.get("key", ""))


def their_side(finding: Finding) -> FindingSide:
    return _side(finding.theirs, finding.theirs.get("refund_id", ""))


def _side(told: dict[str, Any], reference: str) -> FindingSide:
    amount, currency = told.get("amount"), told.get("currency")
    shown = money.display(amount, currency) if amount is not None and currency else ""
    return FindingSide(shown, str(told.get("status", "")), reference)
