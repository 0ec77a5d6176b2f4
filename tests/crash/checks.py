"""What must hold for a case at the end. The oracle is the provider's ledger and the help desk's inbox; our own tables
are only compared with them.

A finding is (kind, text): `duplicate`, `lost`, `stuck`, `invented`, or `books` where our tables disagree.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from agentops.lab.chaos import figures
from agentops.lib import written_money
from agentops.models import Run
from approvals import states
from approvals.audit.events import SYSTEM
from approvals.models import Action, AuditEvent
from tests.crash import people, shop
from tests.crash.cases import ELSEWHERE, HANDED_OVER, TAKEN_BACK, Case
from tests.crash.harness import Played
from tests.crash.people import KEY_ELSEWHERE
from tests.live import Simulator
from tickets.models import Message, Ticket

Finding = tuple[str, str]
SORTS = ("duplicate", "lost", "stuck", "invented", "books")
# The simulated model's phrases for something that was done.
SAYS_DONE = re.compile(r"have refunded|refund of .* is on its way|is cancelled|have changed|on its way to you")
ENDED = (Ticket.Status.ANSWERED, Ticket.Status.AWAITING_APPROVAL, Ticket.Status.NEEDS_PERSON, Ticket.Status.CLOSED)
KIND_OF = {"refunds": "refund", "cancellations": "cancel_order", "account_changes": "account_change"}
TERMINAL = "terminal"


@dataclass
class Outside:
    """The ledger and the inbox by case number. `elsewhere`: what the shop itself refunded."""

    effects: dict[int, list[dict[str, Any]]]
    elsewhere: dict[int, list[dict[str, Any]]]
    replies: dict[int, list[dict[str, Any]]]

    @classmethod
    def read(cls, simulator: Simulator) -> "Outside":
        ledger = simulator.ledger()
        effects, elsewhere = defaultdict(list), defaultdict(list)
        for sort, kind in KIND_OF.items():
            for row in ledger[sort]:
                number = int(re.sub(r"\D", "", row.get("order_id") or row["customer_id"]))
                side = elsewhere if row["idempotency_key"].startswith(KEY_ELSEWHERE) else effects
                side[number].append({"kind": kind, **row, "key": row["idempotency_key"]})
        replies = defaultdict(list)
        for row in simulator.replies():
            replies[shop.number_of(row["to"])].append(row)
        return cls(effects, elsewhere, replies)


def check(batch: Sequence[Case], played: Played, simulator: Simulator) -> dict[Case, list[Finding]]:
    """Return the findings of each case that has any."""
    outside = Outside.read(simulator)
    rows = Rows(case.number for case in batch)
    found = {}
    for case in batch:
        inside, effects = Inside(case.number, rows), outside.effects[case.number]
        inside.captured -= sum(row["amount"] for row in outside.elsewhere[case.number])
        findings = [
            *_troubles(case, played),
            *_tickets(case, inside),
            *_effects(case, inside, effects),
            *_elsewhere(case, outside.elsewhere[case.number]),
            *_while_stopped(inside, rows.stops),
            *_by_hand(case, inside, outside.replies[case.number]),
            *_letters(case, outside.replies[case.number]),
            *_last_word(inside),
            *replies(inside, effects, outside.replies[case.number]),
            *history(inside, effects),
        ]
        if findings:
            found[case] = findings
    return found


class Inside:
    """The rows of our tables about one order's customer."""

    def __init__(self, number: int, rows: "Rows | None" = None) -> None:
        rows = rows or Rows([number])
        self.captured = shop.captured(number)
        self.tickets = rows.tickets[shop.EMAIL.format(number)]
        keys = {ticket.pk for ticket in self.tickets}
        self.runs = [run for key in keys for run in rows.runs[key]]
        self.actions = sorted((action for key in keys for action in rows.actions[key]), key=lambda action: action.pk)
        self.events = {action.pk: rows.events[str(action.pk)] for action in self.actions}
        self.messages = rows.messages


class Rows:
    """The rows of our tables about these orders' customers, read at once."""

    def __init__(self, numbers: Iterable[int]) -> None:
        emails = [shop.EMAIL.format(number) for number in numbers]
        tickets = list(Ticket.objects.filter(customer__email__in=emails).select_related("customer"))
        asked = Action.objects.filter(ticket__in=tickets).annotate(asked=Count("steps"))
        actions = list(asked.prefetch_related("attempts"))
        events = AuditEvent.objects.filter(object_type="action", object_id__in=[str(action.pk) for action in actions])
        self.stops = _stops()
        self.tickets = _grouped(tickets, lambda ticket: ticket.customer.email)
        self.runs = _grouped(Run.objects.filter(ticket__in=tickets), lambda run: run.ticket_id)
        self.actions = _grouped(actions, lambda action: action.ticket_id)
        self.events = _grouped(events.order_by("pk"), lambda event: event.object_id)
        self.messages = _grouped(Message.objects.filter(ticket__in=tickets), lambda message: message.ticket_id)


def _stops() -> list[tuple[int, int]]:
    """Yield the audit numbers of each stop of this kind and of its end."""
    events = AuditEvent.objects.filter(object_type="stop").order_by("pk")
    thrown = {event.object_id: event.pk for event in events if event.verb == "effects.stopped"}
    released = {event.object_id: event.pk for event in events if event.verb == "effects.released"}
    return [(first, released[stop]) for stop, first in thrown.items() if stop in released]


def _grouped[Row](rows: Iterable[Row], by: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    return groups


def _troubles(case: Case, played: Played) -> Iterator[Finding]:
    """Yield what the processes themselves ran into: a call inside a transaction, an unexpected error."""
    for words in played.troubles.get(case.name, []):
        yield "books", words
    if shop.EMAIL.format(case.number) in played.unfinished:
        yield "stuck", "not finished"


def _tickets(case: Case, inside: Inside) -> Iterator[Finding]:
    wanted = len(case.scenario.bodies)
    if len(inside.tickets) != wanted:
        sort = "lost" if len(inside.tickets) < wanted else "duplicate"
        yield sort, f"{wanted} tickets were delivered, {len(inside.tickets)} are there"
    for ticket in inside.tickets:
        runs = [run for run in inside.runs if run.ticket_id == ticket.pk]
        if not case.scenario.runs <= len(runs) <= case.scenario.most_runs:
            sort = "lost" if len(runs) < case.scenario.runs else "duplicate"
            yield sort, f"{len(runs)} runs where {case.scenario.runs} were asked for"
        if ticket.status not in ENDED or (case.scenario.also == HANDED_OVER and ticket.status != Ticket.Status.CLOSED):
            yield "stuck", f"ticket {ticket.pk} is {ticket.status}"
        if any(run.status == Run.Status.FAILED for run in runs):
            yield "lost", "the run failed"


def _effects(case: Case, inside: Inside, effects: list[dict[str, Any]]) -> Iterator[Finding]:
    rivals = len(case.scenario.bodies) > 1  # the second may legitimately get the remainder
    if len(effects) > 1 and not rivals:
        yield "duplicate", f"{len(effects)} effects: {[row['key'] for row in effects]}"
    if len({row["key"].partition(":")[0] for row in effects}) < len(effects):
        yield "duplicate", "two effects for one ticket"
    if sum(row.get("amount") or 0 for row in effects) > inside.captured:
        yield "duplicate", "more was refunded than was captured"
    wanted = KIND_OF.get(case.scenario.effect)
    if wanted and not effects and not case.fault.terminal:
        yield "lost", f"no {wanted} in the ledger"
    for row in effects:
        other_amount = row.get("amount") != case.scenario.amount and not rivals
        if row["kind"] != wanted or other_amount:
            yield "books", f"the ledger has another effect: {row}"
    yield from books(inside, effects)


def _while_stopped(inside: Inside, stops: list[tuple[int, int]]) -> Iterator[Finding]:
    """Nothing of the kind is claimed between a stop and its end, by audit numbers: claims and stops exclude each
    other."""
    for action in inside.actions:
        claims = [event.pk for event in inside.events[action.pk] if event.verb == "action.claimed"]
        if action.kind == people.STOPPED_KIND and any(first < pk < last for pk in claims for first, last in stops):
            yield "books", f"{action.idempotency_key} was claimed while its kind was stopped"


def _by_hand(case: Case, inside: Inside, inbox: list[dict[str, Any]]) -> Iterator[Finding]:
    """Check that a person's reply has arrived, unless the help desk refuses it permanently."""
    if case.scenario.also != HANDED_OVER or case.fault.terminal:
        return
    written = {action.idempotency_key for action in inside.actions if action.kind == "reply" and action.run_id is None}
    if not written.intersection(row["webhook_id"] for row in inbox):
        yield "lost", "the person's reply was never received"


def _letters(case: Case, inbox: list[dict[str, Any]]) -> Iterator[Finding]:
    """Two runs have waited for one outcome, and one of them has told the customer."""
    if case.scenario.also == TAKEN_BACK and len(inbox) > 1:
        yield "duplicate", f"{len(inbox)} letters about one outcome"


def _last_word(inside: Inside) -> Iterator[Finding]:
    """No person decided, and no worker started, without the ticket's newest message. The times are comparable, because
    intake, decisions and claims take turns at the ticket's lock."""
    for action in inside.actions:
        read: int | None = None
        for event in inside.events[action.pk]:
            messages = [row for row in inside.messages[action.ticket_id] if row.sent_at < event.at]
            if event.verb in ("action.approved", "action.edited", "action.rejected"):
                read = event.after["through_message"]
                if read != max(row.pk for row in messages):
                    yield "books", f"{action.idempotency_key} was decided without the newest message"
            elif event.verb == "action.claimed" and read is not None and action.run_id is not None:
                if any(row.pk > read and row.direction == Message.Direction.INBOUND for row in messages):
                    yield "books", f"{action.idempotency_key} was claimed although the customer had written since"
                read = None  # an effect may exist from now on, and what may have been sent doesn't go back


def _elsewhere(case: Case, refunds: list[dict[str, Any]]) -> Iterator[Finding]:
    """Check that a refund made by the shop itself is one finding, and that a person has closed it."""
    if case.scenario.also == ELSEWHERE and case.fault.name == "none" and len(refunds) != 1:
        yield "books", f"the shop refunded {len(refunds)} times of its own, and should have once"
    found = list(people.elsewhere(case.number)) if refunds else []
    if len(found) != len(refunds):
        yield (
            ("lost" if len(found) < len(refunds) else "duplicate"),
            f"{len(found)} findings for {len(refunds)} refunds",
        )
    for finding in found:
        events = AuditEvent.objects.filter(object_type="finding", object_id=str(finding.pk)).order_by("pk")
        verbs = [(event.verb, event.actor) for event in events]
        if verbs != [("finding.opened", SYSTEM), ("finding.closed", people.LEAD)]:
            yield "books", f"of finding {finding.pk} the audit has {verbs}"


def books(inside: Inside, effects: list[dict[str, Any]]) -> Iterator[Finding]:
    """The ledger and our succeeded actions agree."""
    theirs = {(row["kind"], row["key"], row.get("amount"), row.get("currency", "")) for row in effects}
    ours = {
        (action.kind, action.idempotency_key, action.amount, action.currency)
        for action in inside.actions
        if action.kind != "reply" and action.status == states.SUCCEEDED
    }
    for row in effects:
        if row.get("reference", row["key"]) != row["key"]:
            yield "books", f"reference {row['reference']} is not key {row['key']}"
    if theirs != ours:
        yield "books", f"ledger and succeeded actions differ: {theirs ^ ours}"


def replies(inside: Inside, effects: list[dict[str, Any]], inbox: list[dict[str, Any]]) -> Iterator[Finding]:
    """At most one reply per run or person, received once, as decided, and never before the effect that it mentions."""
    sent = {a.idempotency_key: a for a in inside.actions if a.kind == "reply"}
    by = {key: action.run_id for key, action in sent.items()}
    for (ticket, run), count in Counter((row["ticket_id"], by.get(row["webhook_id"])) for row in inbox).items():
        if count > 1:
            yield "duplicate", f"{count} replies to ticket {ticket} {f'in run {run}' if run else 'by people'}"
    received = {row["webhook_id"]: row for row in inbox}
    for key in received.keys() - {k for k, a in sent.items() if a.status in (states.SUCCEEDED, states.UNRESOLVED)}:
        yield "books", f"the customer has reply {key}, which we do not count as sent"
    for key, action in sent.items():
        if action.status == states.SUCCEEDED and key not in received:
            yield "lost", f"reply {key} was never received"
        elif key in received and received[key]["body"] != action.params["text"]:
            yield "books", f"another text was received as {key}"
    answered = {row["ticket_id"] for row in inbox}
    for ticket in inside.tickets:
        if ticket.status == Ticket.Status.ANSWERED and ticket.pk not in answered:
            yield "lost", f"ticket {ticket.pk} counts as answered and the customer has nothing"
    for row in inbox:
        before = [one for one in effects if _time(one["created_at"]) <= _time(row["received_at"])]
        if SAYS_DONE.search(row["body"]) and not before:
            yield "invented", f"said before anything happened: {row['body'][:120]!r}"
        elif not _true(row["body"], before):
            yield "invented", f"said of another order or amount than of what happened: {row['body'][:120]!r}"


def _true(text: str, before: list[dict[str, Any]]) -> bool:
    """Return whether each order and amount that the reply mentions had been refunded or cancelled by then."""
    paid = {(row["order_id"], row["amount"], row["currency"]) for row in before if "order_id" in row}
    cancelled = {row["order_id"] for row in before if row["kind"] == "cancel_order"}
    refunds = {
        (found["order"], written_money.minor(found["amount"], found["currency"]), found["currency"])
        for found in figures.REFUNDED.finditer(text)
    }
    return refunds <= paid and {found["order"] for found in figures.CANCELLED.finditer(text)} <= cancelled


def history(inside: Inside, effects: list[dict[str, Any]]) -> Iterator[Finding]:
    """The audit covers each action's full history, and every effect was allowed, attempted and fenced."""
    for moment, amount in _reserved(inside):
        if amount > inside.captured:
            yield "duplicate", f"more was approved than was captured at {moment}"
    for action in inside.actions:
        events = inside.events[action.pk]
        key = action.idempotency_key
        yield from ((sort, f"{key}: {words}") for sort, words in _chain(action, events))
        yield from ((sort, f"{key}: {words}") for sort, words in _attempts(action, events, effects))


def _reserved(inside: Inside) -> Iterator[tuple[datetime, int]]:
    """Yield how much of the order's money was reserved or gone at each change. The audit is used because an action
    that went back to the queue no longer shows that it was approved."""
    money = {action.pk: action.amount or 0 for action in inside.actions}
    moves = [(event.at, event.pk, pk, event.after.get("status")) for pk in money for event in inside.events[pk]]
    promised: dict[int, int] = {}
    for moment, _, pk, status in sorted(moves):
        if status == states.APPROVED:
            promised[pk] = money[pk]
        elif status in (states.FAILED, states.AWAITING_APPROVAL):
            promised.pop(pk, None)
        yield moment, sum(promised.values())


def _chain(action: Action, events: list[AuditEvent]) -> Iterator[Finding]:
    status = states.PROPOSED
    for event in events[1:]:
        if event.verb == "action.duplicate_absorbed":  # proposed again, in any state: nothing moves
            continue
        if event.before.get("status") != status:
            yield "books", f"the audit jumps from {status} to {event.before} by {event.verb}"
        status = event.after.get("status", status)
    if not events or events[0].verb != "action.proposed" or status != action.status:
        yield "books", f"the audit ends at {status}, the action at {action.status}"
    verbs = [event.verb for event in events]
    audited, counted = verbs.count("action.duplicate_absorbed"), action.duplicates_absorbed
    again = action.asked - 1 if action.run_id else counted  # actions by people have no step
    if not audited == counted == again:
        yield "books", f"asked for again {again} times, {counted} duplicates counted and {audited} in the audit"
    decided = {"action.auto_approved", "action.approved", "action.edited"}.intersection(verbs)
    if "action.claimed" in verbs and not decided:
        yield "books", "it ran without a decision"
    proposed = events[0].after.get("params", {}) if events else {}
    if "action.edited" not in verbs and proposed != action.params:
        yield "books", "the parameters are not those that were proposed and decided"


def _attempts(action: Action, events: Iterable[AuditEvent], effects: list[dict[str, Any]]) -> Iterator[Finding]:
    attempts = list(action.attempts.all())
    if [attempt.number for attempt in attempts] != list(range(1, action.fence + 1)):
        yield "books", f"{len(attempts)} attempts for fence {action.fence}"
    if action.status == states.SUCCEEDED and not attempts:
        yield "books", "it succeeded without an attempt"
    if any(attempt.outcome == TERMINAL for attempt in attempts[:-1]):
        yield "books", "it was tried again after a terminal failure"
    if action.status in states.SETTLED and any(attempt.outcome == "" for attempt in attempts):
        yield "books", "an attempt is still open"
    for event in events:
        newer = [attempt for attempt in attempts if attempt.number > event.after.get("attempt", action.fence)]
        if event.verb != "action.claimed" and any(attempt.started_at < event.at for attempt in newer):
            yield "books", f"{event.verb} was written by an overtaken attempt"
        mine = [row for row in effects if row["key"] == action.idempotency_key]
        if event.verb == "action.changed" and any(_time(row["created_at"]) < event.at for row in mine):
            yield "books", "it was asked for again although it had happened"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
