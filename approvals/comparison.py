"""The provider's books against ours, both ways (DESIGN §8): ours without theirs, theirs without ours, amounts that
differ, a refund that failed afterwards. What differs becomes a Finding; what is seen no more closes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError, Refused, Terminal
from approvals import audit, reconcile, reservations, settlement, states
from approvals.models import Action, Comparison, Finding
from approvals.providers.receipt import Receipt

# A refund that settled this recently may not be in the pages that were read a moment ago.
RECENT = timedelta(minutes=5)
PAGE = 100
PERIOD = timedelta(hours=1)
LOOK_BACK = timedelta(days=3)


def compare(*, since: datetime) -> Comparison:
    """Reads the provider's refunds since then. A provider that does not answer leaves the comparison with an `error`
    and closes no finding."""
    return _read(Comparison.objects.create(since=since))


def compare_if_due() -> Comparison | None:
    """The periodic comparison: one an hour, whoever comes first."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('comparison', 0))")
        now = reservations.database_now()
        if Comparison.objects.filter(started_at__gt=now - PERIOD).exists():
            return None
        comparison = Comparison.objects.create(since=now - LOOK_BACK)
    return _read(comparison)


def close(*, finding_id: int, by: Any, note: str) -> None:
    """A person (a User) has looked into it. Raises Refused without a note, or where it is closed by now."""
    if not note.strip():
        raise Refused("note_missing", "Say what it was.")
    with transaction.atomic():
        open_one = Finding.objects.filter(pk=finding_id, closed_at__isnull=True)
        if not open_one.update(closed_at=Now(), closed_by=by, note=note.strip()[:500]):
            raise Refused("already_closed", "It was closed before.")
        name = by.get_username()
        audit.record(actor=name, verb="finding.closed", object_type="finding", object_id=finding_id,
                     after={"note": note})  # fmt: skip


def _read(comparison: Comparison) -> Comparison:
    books = _Books(comparison, until=reservations.database_now() - RECENT)
    try:
        for page in batched(reconcile.refunds_since(comparison.since), PAGE):
            books.read_theirs(page)
        books.read_ours()
        books.close_unseen()
    except ProviderError as error:
        comparison.error = error.message[:500]
    comparison.finished_at = reservations.database_now()
    comparison.save()
    return comparison


@dataclass
class _Books:
    """Both sides, as far as they have been read."""

    comparison: Comparison
    until: datetime
    references: set[str] = field(default_factory=set)
    found: set[tuple[str, str]] = field(default_factory=set)

    def read_theirs(self, page: Sequence[Receipt]) -> None:
        references = [receipt.data["reference"] for receipt in page]
        self.references.update(references)
        self.comparison.theirs += len(page)
        ours = {action.idempotency_key: action for action in Action.objects.filter(idempotency_key__in=references)}
        for receipt in page:
            action = ours.get(receipt.data["reference"])
            if action and action.status == states.UNRESOLVED:
                action = reconcile.settle(action.pk)
            kind = difference(action, receipt)
            if kind:
                self._open(kind, action, receipt)
            if kind == Finding.Kind.FAILED_AFTERWARDS and action:
                settlement.failed_afterwards(action, Terminal("provider_failed", "The provider says that it failed."))

    def read_ours(self) -> None:
        """What their pages do not hold is asked for by its own reference: a page's edge proves nothing."""
        settled = Action.objects.filter(
            kind="refund", status=states.SUCCEEDED, settled_at__gte=self.comparison.since, settled_at__lt=self.until
        )
        for action in settled.order_by("pk").iterator(PAGE):
            self.comparison.ours += 1
            if action.idempotency_key not in self.references and reconcile.lookup(action) is None:
                self._open(Finding.Kind.OURS_ALONE, action, None)

    def close_unseen(self) -> None:
        """Closes what this reading covered and did not find again."""
        covered = Finding.objects.filter(
            closed_at__isnull=True, happened_at__gte=self.comparison.since, happened_at__lt=self.until
        ).exclude(kind=Finding.Kind.FAILED_AFTERWARDS)
        for finding in covered:
            if (finding.kind, finding.reference) not in self.found:
                note = "The next comparison no longer saw it."
                self.comparison.closed += Finding.objects.filter(pk=finding.pk, closed_at__isnull=True).update(
                    closed_at=Now(), note=note
                )

    def _open(self, kind: Finding.Kind, action: Action | None, receipt: Receipt | None) -> None:
        reference = action.idempotency_key if action else str(receipt.data["reference"] if receipt else "")
        self.found.add((kind, reference))
        if Finding.objects.filter(kind=kind, reference=reference, closed_by__isnull=False).exists():
            return  # a person has looked into it
        theirs = receipt.data if receipt else {}
        settled_at = action.settled_at if action and action.settled_at else self.until
        _, new = Finding.objects.get_or_create(
            kind=kind,
            reference=reference,
            closed_at=None,
            defaults={
                "action": action,
                "ours": _ours(action),
                "theirs": theirs,
                "happened_at": theirs.get("created_at", settled_at),
            },
        )
        self.comparison.opened += new


def difference(action: Action | None, receipt: Receipt) -> Finding.Kind | None:
    """How one refund of the provider's differs from the action of its reference."""
    moved = receipt.status != "failed"
    if action is None or action.kind != "refund":
        return Finding.Kind.THEIRS_ALONE if moved else None
    if action.status == states.SUCCEEDED and not moved:
        return Finding.Kind.FAILED_AFTERWARDS
    if not moved or action.status in states.OPEN:
        return None
    if action.status != states.SUCCEEDED:
        return Finding.Kind.THEIRS_ALONE
    same = (action.amount, action.currency) == (receipt.data.get("amount"), receipt.data.get("currency"))
    return None if same else Finding.Kind.AMOUNTS_DIFFER


def _ours(action: Action | None) -> dict[str, Any]:
    if action is None:
        return {}
    return {
        "key": action.idempotency_key,
        "status": action.status,
        "amount": action.amount,
        "currency": action.currency,
    }
