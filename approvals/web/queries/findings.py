"""Read reconciliation findings, open or closed, newest first, paged by key."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from agentops.lib.money import Money
from approvals.models import Comparison, Finding

LANES = {"open": "Open", "closed": "Closed"}
PAGE = 50
# The page stops waiting for a comparison that has been running longer than this.
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class FindingSide:
    """One side's record, as text for the page. All fields are empty if that side has no record."""

    amount: str
    status: str
    reference: str

    def __bool__(self) -> bool:
        return bool(self.amount or self.status)


def findings_page(lane: str, after: str) -> tuple[list[Finding], str]:
    """Return a page of findings, and the next page's `after` (empty on the last page)."""
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
    """Return the newest comparison that finished without an error."""
    return Comparison.objects.filter(finished_at__isnull=False, error="").order_by("-pk").first()


def our_side(finding: Finding) -> FindingSide:
    return _side(finding.ours, finding.ours.get("key", ""))


def their_side(finding: Finding) -> FindingSide:
    return _side(finding.theirs, finding.theirs.get("refund_id", ""))


def _side(record: dict[str, Any], reference: str) -> FindingSide:
    money = Money.of(record.get("amount"), record.get("currency"))
    return FindingSide(str(money or ""), str(record.get("status", "")), reference)
