"""Read the provider's refunds and ours, judge each pair, and open or close findings."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError, Terminal, Unauthorized
from approvals import states, transitions
from approvals.effects import late_answers, lookup
from approvals.models import Action, Comparison, Finding
from approvals.providers import patience
from approvals.providers.receipt import PENDING, SUCCEEDED, UNREADABLE, Receipt
from approvals.providers.unreadable import unreadable
from approvals.reconciliation import findings, late_failures

log = logging.getLogger(__name__)
PAGE = 100
# If more records than this are unreadable, the provider is at fault and the comparison fails.
MAX_UNREADABLE = 20
# How many older pending refunds one comparison looks up, one request each. The next comparison continues with the rest.
MAX_PENDING = 200


@dataclass
class BothSides:
    """Both sides, as far as they have been read.

    `matched` maps our keys to the provider's id of our refund; a second refund under the same key is money that moved
    twice. `found` are the differences seen, by kind and reference. `legible` and `unreadable` are the references,
    theirs or ours, of records that could and could not be read. `looked_up` are our keys that we asked the provider
    about, `recent` those that matched but settled too recently to ask.
    """

    comparison: Comparison
    began: datetime
    until: datetime
    matched: dict[str, str] = field(default_factory=dict)
    found: set[tuple[str, str]] = field(default_factory=set)
    legible: set[str] = field(default_factory=set)
    looked_up: set[str] = field(default_factory=set)
    recent: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def read_theirs(self, page: Sequence[Receipt]) -> None:
        self.comparison.theirs += len(page)
        references = {receipt.data["reference"] for receipt in page}
        rows = Action.objects.filter(kind="refund", idempotency_key__in=references)
        ours = {action.idempotency_key: action for action in rows}
        for receipt in page:
            if receipt.status == UNREADABLE:
                self._cannot_read(receipt.reference, self.until, theirs=receipt)
                continue
            self.legible |= {receipt.reference, receipt.data["reference"]}
            action = ours.get(receipt.data["reference"])
            # The provider has a refund whose outcome we don't know: settle it now instead of at its next look-up.
            if action and action.status == states.UNRESOLVED:
                action = ours[action.idempotency_key] = lookup.settle_by_lookup(action.pk)
            made_at = receipt.data.get("created_at")
            self._judge(action, receipt, datetime.fromisoformat(made_at) if made_at else self.until)

    def read_ours(self) -> None:
        """Look up each of our refunds that their pages did not contain: pages shift while they are read, so a missing
        record proves nothing."""
        for action in chain(self._settled(), self._pending()):
            self.comparison.ours += 1
            if action.idempotency_key in self.matched:
                continue
            assert action.settled_at is not None
            try:
                receipt = patience.read_with_retries(partial(lookup.find_effect, action))
            except ProviderError as error:
                if not _concerns_one_refund(error):
                    raise
                self._read_another(action, error, action.settled_at)
                continue
            self.legible.add(action.idempotency_key)
            self.looked_up.add(action.idempotency_key)
            # If a person reported that it happened (no provider reference), a failed refund does not confirm it.
            if receipt is None or (receipt.status == "failed" and not action.provider_reference):
                self._open(Finding.Kind.OURS_ALONE, action.idempotency_key, action.settled_at, ours=action)
            else:
                self._judge(action, receipt, action.settled_at)
        self.comparison.ours += len(self.recent)

    def close_unseen(self) -> None:
        """Close the findings that this comparison covered and did not see again.

        While an open finding is still unreadable, close only findings about refunds that were looked up, or that can be
        read now: the unreadable record may be the missing one. A late failure is never closed here. It isn't seen again
        because we have recorded it, so a person closes it.
        """
        opened = Finding.objects.filter(closed_at__isnull=True, found_at__lt=self.comparison.started_at)
        asked_for = Q(kind__in=(Finding.Kind.OURS_ALONE, Finding.Kind.AMOUNTS_DIFFER), reference__in=self.looked_up)
        seen_now = Q(kind=Finding.Kind.UNREADABLE, reference__in=self.legible) | asked_for
        covered = Q(happened_at__gt=self.comparison.since, happened_at__lt=self.until) & ~Q(
            kind__in=(Finding.Kind.FAILED_AFTERWARDS, Finding.Kind.UNREADABLE)
        )
        unread = Finding.objects.filter(
            closed_at__isnull=True, kind=Finding.Kind.UNREADABLE, reference__in=self.unreadable
        )
        for finding in opened.filter(seen_now if unread.exists() else seen_now | covered):
            if (finding.kind, finding.reference) not in self.found:
                self.comparison.closed += findings.close_unseen(finding.pk)

    def _settled(self) -> Iterator[Action]:
        settled = Action.objects.filter(
            kind="refund", status=states.SUCCEEDED, settled_at__gte=self.comparison.since, settled_at__lt=self.until
        ).order_by("pk")
        last = 0
        while batch := list(settled.filter(pk__gt=last)[:PAGE]):
            yield from batch
            last = batch[-1].pk

    def _pending(self) -> Iterator[Action]:
        """Yield older refunds that the provider accepted but reported as pending. A bank may return the money days
        later, and the pages no longer contain them. The ones we asked about longest ago come first."""
        waiting = Action.objects.filter(
            kind="refund", status=states.SUCCEEDED, result__status=PENDING, settled_at__lt=self.comparison.since
        ).order_by(F("not_before").asc(nulls_first=True), "pk")
        for action in list(waiting[:MAX_PENDING]):
            # Mark it before the request: a refund that fails to be read must not stay first for every comparison.
            Action.objects.filter(pk=action.pk, status=states.SUCCEEDED).update(not_before=Now())
            yield action

    def _judge(self, action: Action | None, receipt: Receipt, happened_at: datetime) -> None:
        own = action if action and self._is_own(action, receipt) else None
        if own and own.status == states.SUCCEEDED and own.settled_at and own.settled_at >= self.until:
            self.recent.add(own.idempotency_key)
        if own and own.status == states.FAILED and own.settled_at and own.settled_at >= self.began:
            return  # it failed while the pages were being read; the next comparison judges it
        match findings.classify(own, receipt):
            case None:
                if own and receipt.status == SUCCEEDED:
                    late_answers.record_arrival(own, receipt.stored()["result"])
            case Finding.Kind.FAILED_AFTERWARDS if own:
                self._write_failure(own, receipt, happened_at)
            case Finding.Kind.AMOUNTS_DIFFER as kind if own:
                self._open(kind, own.idempotency_key, happened_at, ours=own, theirs=receipt)
            case kind:
                self._open(kind, receipt.reference, happened_at, ours=own, theirs=receipt, action=action)

    def _is_own(self, action: Action, receipt: Receipt) -> bool:
        """Return whether the action made this refund. If no answer has named the refund, it is the first one under our
        key that did not fail."""
        own = action.provider_reference or self.matched.get(action.idempotency_key)
        if own is None and receipt.status == "failed" and action.status in (states.SUCCEEDED, *states.OPEN):
            return False
        if own in (None, receipt.reference):
            self.matched[action.idempotency_key] = receipt.reference
            return True
        return False

    def _read_another(self, action: Action, error: ProviderError, happened_at: datetime) -> None:
        """Record the finding for a look-up that returned a different refund, an unreadable answer or a refusal."""
        if found := error.details.get("found"):
            theirs = Receipt(reference=found["refund_id"], status=found["status"], data=found)
            if findings.classify(action, theirs) == Finding.Kind.AMOUNTS_DIFFER:
                self.legible.add(action.idempotency_key)
                self._open(Finding.Kind.AMOUNTS_DIFFER, action.idempotency_key, happened_at, ours=action, theirs=theirs)
                return
        theirs = unreadable(error.body, name="refund_id", why=error.message)
        self._cannot_read(action.idempotency_key, happened_at, ours=action, theirs=theirs)

    def _cannot_read(self, reference: str, happened_at: datetime, **about: Any) -> None:
        """Record the finding and continue with the other records. Raises Terminal if there are too many."""
        self.unreadable.add(reference)
        if len(self.unreadable) > MAX_UNREADABLE:
            raise Terminal("unreadable_answer", f"More than {MAX_UNREADABLE} refunds are unreadable.")
        self._open(Finding.Kind.UNREADABLE, reference, happened_at, **about)

    def _write_failure(self, action: Action, receipt: Receipt, happened_at: datetime) -> None:
        why = "The provider reports that this failed."
        try:
            new = late_failures.record_late_failure(action, receipt, why=why, happened_at=happened_at)
            self.comparison.opened += new
        except transitions.Lost:
            log.info("%s changed status during the comparison", action.idempotency_key)

    def _open(self, kind: Finding.Kind, reference: str, happened_at: datetime, **about: Any) -> None:
        self.found.add((kind, reference))
        self.comparison.opened += findings.open_finding(kind, reference, happened_at, **about)


def _concerns_one_refund(error: ProviderError) -> bool:
    """Return whether the error is about the refund we asked for, not about the provider as a whole."""
    refused = isinstance(error, Terminal) and not isinstance(error, Unauthorized)
    return refused or error.code in ("another_refund", "unreadable_answer")
