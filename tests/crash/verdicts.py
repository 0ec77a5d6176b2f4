"""What must hold for a random schedule at the end. As in `checks`, the provider's ledger and the help desk's inbox
say what happened; the schedule's plan says what may, must and must not have happened."""

from collections.abc import Iterator, Sequence
from typing import Any

from agentops.models import Run
from approvals import states
from approvals.models import Action
from tests.crash import checks, plans, story
from tests.crash.checks import Finding, Inside, Outside
from tests.crash.plans import Asks, Schedule
from tests.crash.schedules import Played
from tests.live import Simulator
from tickets.models import Ticket

MONEY = ("refund", "cancel_order")
GIVEN_UP = ("worker_lost", "never_happened", "attempts_used_up", "cannot_be_asked")


def judge(
    schedules: Sequence[Schedule], played: Sequence[Played], simulator: Simulator
) -> tuple[dict[Schedule, list[Finding]], list[Schedule]]:
    """Return the findings of each schedule that has any, and the schedules in which something was given up and
    handed to a person, as is allowed after many deaths at one place."""
    outside = Outside.read(simulator)
    unfinished = set(story.unfinished().values_list("pk", flat=True))
    found, given_up = {}, []
    for schedule, seen in zip(schedules, played, strict=True):
        inside = Inside(schedule.number)
        excused = {ticket.pk for ticket in inside.tickets if _given_up(ticket, inside)}
        if excused:
            given_up.append(schedule)
        effects, inbox = outside.effects[schedule.number], outside.replies[schedule.number]
        findings = [
            *(("books", words) for words in seen.troubles),
            *_tickets(schedule, inside, unfinished),
            *_effects(schedule, inside, effects, excused),
            *checks.books(inside, effects),
            *checks.replies(inside, effects, inbox),
            *checks.history(inside, effects),
        ]
        if findings:
            found[schedule] = findings
    return found, given_up


def _given_up(ticket: Ticket, inside: Inside) -> bool:
    """Return whether the system says that it gave up, and has notified a person."""
    runs = [run for run in inside.runs if run.ticket_id == ticket.pk]
    actions = [action for action in inside.actions if action.ticket_id == ticket.pk]
    gave_up = any(run.status == Run.Status.FAILED for run in runs) or any(
        action.status == states.UNRESOLVED or action.error_code in GIVEN_UP
        for action in actions
        if action.status != states.SUCCEEDED
    )
    return gave_up and ticket.status == Ticket.Status.NEEDS_PERSON


def _tickets(schedule: Schedule, inside: Inside, unfinished: set[str]) -> Iterator[Finding]:
    if len(inside.tickets) != len(schedule.tickets):
        sort = "lost" if len(inside.tickets) < len(schedule.tickets) else "duplicate"
        yield sort, f"{len(schedule.tickets)} tickets were delivered, {len(inside.tickets)} are there"
    for ticket in inside.tickets:
        runs = [run for run in inside.runs if run.ticket_id == ticket.pk]
        if len(runs) != 1:
            yield ("duplicate" if runs else "lost"), f"{len(runs)} runs for one message"
        if ticket.pk in unfinished or ticket.status not in checks.ENDED:
            yield "stuck", f"ticket {ticket.pk} is {ticket.status}"
        if any(run.status == Run.Status.FAILED for run in runs) and ticket.status != Ticket.Status.NEEDS_PERSON:
            yield "lost", f"the run of ticket {ticket.pk} failed, and no person was told"


def _effects(schedule: Schedule, inside: Inside, effects: list[dict[str, Any]], excused: set[str]) -> Iterator[Finding]:
    if sum(row.get("amount") or 0 for row in effects) > inside.captured:
        yield "duplicate", "more was returned than was captured"
    delivered = [ticket for ticket in inside.tickets if _place(ticket) < len(schedule.tickets)]  # and none besides
    by_ticket = {ticket.pk: schedule.tickets[_place(ticket)] for ticket in delivered}
    for pk, asks in by_ticket.items():
        own = [row for row in effects if row["key"].partition(":")[0] == pk]
        yield from _of_ticket(schedule, asks, own, _actions(inside, pk), must=_must(schedule, asks, pk, excused))
    strangers = [row["key"] for row in effects if row["key"].partition(":")[0] not in by_ticket]
    if strangers:
        yield "books", f"effects under keys of no ticket: {strangers}"


def _of_ticket(
    schedule: Schedule, asks: Asks, effects: list[dict[str, Any]], actions: list[Action], *, must: bool
) -> Iterator[Finding]:
    if len(effects) > 1:
        yield "duplicate", f"{len(effects)} effects: {[row['key'] for row in effects]}"
    asked = any(action.requests.exists() for action in actions)
    if effects and asked and asks.answer in plans.NEVER:
        yield "invented", f"it happened although people said {asks.answer}"
    if not effects and must and not (asked and asks.answer in (*plans.NEVER, *plans.PERHAPS)):
        yield "lost", f"no {asks.kind} in the ledger"
    shared = _shared(schedule, asks)
    for row in effects:
        if row["kind"] != asks.kind or not _as_asked(row.get("amount"), asks, edited=asked, shared=shared):
            yield "books", f"the ledger has another effect than was asked for: {row}"


def _as_asked(amount: int | None, asks: Asks, *, edited: bool, shared: bool) -> bool:
    """Return what was requested or what a person changed it to; of shared money perhaps only the remainder."""
    if edited and asks.answer == plans.EDIT:
        return amount == plans.EDITED
    if edited and asks.answer == plans.EDIT_RACE and amount == plans.EDITED:
        return True
    return amount == asks.amount or (shared and amount is not None and amount <= (asks.amount or 0))


def _shared(schedule: Schedule, asks: Asks) -> bool:
    """Return whether another ticket wants the same: the order's money, or the account change."""
    return sum((other.kind in MONEY) == (asks.kind in MONEY) for other in schedule.tickets) > 1


def _must(schedule: Schedule, asks: Asks, pk: str, excused: set[str]) -> bool:
    """Return whether only people can have prevented it: a later ticket may find nothing left."""
    refused = asks.kind == "refund" and schedule.refused
    return not _shared(schedule, asks) and not refused and pk not in excused


def _actions(inside: Inside, ticket: str) -> list[Action]:
    return [action for action in inside.actions if action.ticket_id == ticket and action.kind != "reply"]


def _place(ticket: Ticket) -> int:
    return int(ticket.external_id.rpartition("-")[2])
