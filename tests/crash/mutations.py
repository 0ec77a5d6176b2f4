"""Seeded bugs, each applied only in child processes, with the few cases in which the harness must catch it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pgtrigger
from django.db import connection, transaction
from django.db.models import DateTimeField, Value

from agentops.lib import retry
from agentops.lib.errors import EffectUnknown, ProviderError, Terminal
from agentops.runs import commit, engine, leasing, succession
from agentops.worker import sweep
from approvals import states, transitions
from approvals.decisions import decide
from approvals.effects import (
    attempt_plan,
    back_in_queue,
    execution,
    facts,
    payload,
    proposals,
    reservations,
    settlement,
)
from approvals.effects.kinds import reply
from approvals.effects.kinds.base import Resolved
from approvals.models import Action, ApprovalRequest
from approvals.providers import payments, replies
from approvals.providers.receipt import Receipt
from tickets import intake

SEND_REFUND = "approvals.effects.execution._send POST /refunds"
DECIDE = "approvals.decisions.decide._decide commit before"


@dataclass(frozen=True)
class Mutation:
    """`caught` is the finding's kind and part of its text. The case: scenario, fault, where the victim dies (or is
    suspended, when it is overtaken) and its rival. `sweeps`: the surviving sweeps have the bug too. `missing`: the
    unique constraint that the tickets' table lacks. Such cases are played on their own."""

    name: str
    apply: Callable[[], None]
    caught: tuple[str, str]
    scenario: str = "refund"
    fault: str = "none"
    boundary: str = ""
    race: str = "alone"
    attempt: int = 1
    sweeps: bool = False
    missing: str = ""
    # Another finding that may appear first, where the outcome depends on timing.
    otherwise: tuple[str, str] | None = None


def no_fence() -> None:
    move = transitions.move

    def unfenced(action: Action, to: str, *, holding: int | None = None, **given: Any) -> None:
        move(action, to, **given)

    transitions.move = unfenced


def a_key_per_attempt() -> None:
    payments.send_refund = under_a_fresh_key(payments.send_refund)


def a_new_key_on_takeover() -> None:
    send, fresh = execution._send, under_a_fresh_key(payments.send_refund)

    def again(action: Action) -> Receipt:
        again = action.attempts.exclude(number=action.fence).exists()
        return fresh(body=action.request, key=action.idempotency_key) if again else send(action)

    execution._send = again


def under_a_fresh_key(send: Callable[..., Receipt]) -> Callable[..., Receipt]:
    def fresh(*, body: str, key: str) -> Receipt:
        other = f"{key}-{time.monotonic_ns()}"
        return send(body=json.dumps(json.loads(body) | {"reference": other}), key=other)

    return fresh


def a_call_inside_a_transaction() -> None:
    execution._attempt = transaction.atomic(execution._attempt)


def success_assumed_on_time_out() -> None:
    send = execution._send

    def hopeful(action: Action) -> Receipt:
        try:
            return send(action)
        except EffectUnknown:
            return Receipt(reference="assumed")

    execution._send = hopeful


def retry_on_402() -> None:
    delay = retry.RetryPolicy.delay

    def stubborn(self: retry.RetryPolicy, attempt: int, error: ProviderError, *more: Any) -> float | None:
        if isinstance(error, Terminal) and attempt < self.attempts:
            return 0.0
        return delay(self, attempt, error, *more)

    retry.RetryPolicy.delay = stubborn


def unresolved_treated_as_failed() -> None:
    settlement._unresolved = settlement._fail


def no_reservation_lock() -> None:
    reservations.lock_order = lambda order_id: None
    facts.lock_customer_sums = lambda customer_id: None  # an order has one customer, so this lock would do too


def ahead() -> Any:
    return Value(datetime.now(UTC) + timedelta(hours=1), output_field=DateTimeField())


def action_lease_by_the_workers_clock() -> None:
    execution.Now = ahead


def run_lease_by_the_workers_clock() -> None:
    leasing.lease_expiry = commit.lease_expiry = ahead


def digest_not_checked() -> None:
    """Somebody changes the parameters after the approval, and no check notices."""
    _changed_unseen(
        lambda action: {"params": action.params | {"amount": 3_000}, "amount": 3_000} | _other_bytes(action)
    )


def request_not_bound() -> None:
    """Somebody changes only the bytes, which the digest does not cover."""
    _changed_unseen(_other_bytes)


def _other_bytes(action: Action) -> dict[str, Any]:
    return {"request": json.dumps(json.loads(action.request) | {"amount": 3_000})}


def _changed_unseen(change: Callable[[Action], dict[str, Any]]) -> None:
    payload.action_digest = lambda action: action.digest
    require = execution._require_as_approved

    def changed(action: Action) -> None:
        if action.kind == "refund":
            fields = change(action)
            for name, value in fields.items():
                setattr(action, name, value)
            with pgtrigger.ignore("approvals.Action:effect_frozen"):
                Action.objects.filter(pk=action.pk).update(**fields)
        require(action)

    execution._require_as_approved = changed


def settled_without_an_attempt() -> None:
    execution.Attempt = SimpleNamespace(objects=SimpleNamespace(create=lambda **_: None))


def sweep_ignores_expired_leases() -> None:
    def due(limit: int) -> list[int]:
        ready = Action.objects.filter(status=states.APPROVED).order_by("pk")
        return list(ready.values_list("pk", flat=True)[:limit])

    execution.due = due
    sweep.LINES = tuple(replace(line, due=due) if line.name == execution.LINE else line for line in sweep.LINES)


def decision_without_lock() -> None:
    def unlocked(request_id: int, digest: str) -> ApprovalRequest:
        return ApprovalRequest.objects.select_related("action__ticket__customer").get(pk=request_id)

    decide._open = unlocked


def claims_not_checked() -> None:
    reply.ungrounded_statements = lambda *_, **__: []


def another_amount_said() -> None:
    claims_not_checked()
    record = proposals.record_proposal

    def exaggerated(resolved: Resolved[Any], **given: Any) -> Action:
        if resolved.kind.name == "reply":
            text = resolved.params.text.replace("20.00", "21.00")
            resolved = replace(resolved, params=resolved.params.model_copy(update={"text": text}))
        return record(resolved, **given)

    proposals.record_proposal = exaggerated


def intake_without_dedupe() -> None:
    receive = intake.receive_ticket

    def without_dedupe(incoming: intake.NewTicket) -> Any:
        return receive(incoming.model_copy(update={"external_id": f"{incoming.external_id}-{time.monotonic_ns()}"}))

    intake.receive_ticket = without_dedupe


def nothing_else() -> None:
    """The bug is in the database."""


@contextmanager
def without(constraint: str) -> Iterator[None]:
    """Drop this unique constraint of the tickets' table. Later deliveries are subject to it again."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE tickets_ticket DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(created_at) FROM tickets_ticket")
            [[last]] = cursor.fetchall()
            cursor.execute(
                f"CREATE UNIQUE INDEX {constraint} ON tickets_ticket (source, external_id) WHERE created_at > '{last}'"
            )


def run_not_fenced() -> None:
    def record(run: Any, finished: Any, started: Any, *, call: Any = None, **fields: Any) -> None:
        counted = {name: getattr(run, name) for name in commit._COUNTERS}
        written = [step for step in (finished, started) if step is not None]
        with transaction.atomic(savepoint=False):
            engine.Run.objects.filter(pk=run.pk).update(
                **{"lease_expires_at": commit.lease_expiry(), **counted, **fields}
            )
            commit._account(run, written, started, call)
            for step in written:
                step.save()

    commit.commit_step = engine.commit_step = record


def moves_without_audit() -> None:
    transitions.events = SimpleNamespace(record_action_event=lambda *_, **__: None)


def possible_effect_forgotten() -> None:
    attempt_plan.POSSIBLE_EFFECT = ()


def reply_counted_as_sent_on_time_out() -> None:
    send = replies.send_reply

    def hopeful(*, body: str, key: str) -> Receipt:
        try:
            return send(body=body, key=key)
        except EffectUnknown:
            return Receipt(reference=key)

    replies.send_reply = hopeful


def decision_ignores_new_words() -> None:
    decide.last_word = SimpleNamespace(newest_message=lambda ticket_id: 0)


def claim_ignores_new_words() -> None:
    back_in_queue.last_word = SimpleNamespace(overtaken=lambda action: False)


def every_run_answers() -> None:
    succession.successor = lambda run, done: None


MUTATIONS = (
    Mutation("no_fence", no_fence, ("books", "overtaken"), boundary=f"{SEND_REFUND} before", race="overtaken"),
    Mutation("a_key_per_attempt", a_key_per_attempt, ("duplicate", "effects: "), fault="lost_answer"),
    Mutation("a_new_key_on_takeover", a_new_key_on_takeover, ("duplicate", "effects: "),
             boundary=f"{SEND_REFUND} after", attempt=2),
    Mutation("a_call_inside_a_transaction", a_call_inside_a_transaction, ("books", "inside a transaction")),
    Mutation("success_assumed_on_time_out", success_assumed_on_time_out, ("lost", "no refund"), fault="reset"),
    Mutation("retry_on_402", retry_on_402, ("books", "after a terminal failure"), fault="refused_by_bank"),
    Mutation("unresolved_treated_as_failed", unresolved_treated_as_failed, ("books", "differ"),
             fault="error_500_after"),
    Mutation("no_reservation_lock", no_reservation_lock, ("duplicate", "more was approved"), "rivals",
             boundary=DECIDE, race="overtaken"),
    Mutation("action_lease_by_the_workers_clock", action_lease_by_the_workers_clock, ("stuck", "not finished"),
             boundary=f"{SEND_REFUND} before"),
    Mutation("run_lease_by_the_workers_clock", run_lease_by_the_workers_clock, ("stuck", "not finished"),
             boundary="agentops.runs.steps._ask POST /v1/chat/completions before"),
    Mutation("digest_not_checked", digest_not_checked, ("books", "another effect")),
    Mutation("request_not_bound", request_not_bound, ("books", "another effect")),
    Mutation("settled_without_an_attempt", settled_without_an_attempt, ("books", "attempts for fence")),
    Mutation("sweep_ignores_expired_leases", sweep_ignores_expired_leases, ("stuck", "not finished"),
             "approved_refund", boundary=f"{SEND_REFUND} before", sweeps=True),
    Mutation("decision_without_lock", decision_without_lock, ("books", "unexpected error"), "approved_refund",
             boundary=DECIDE, race="overtaken"),
    Mutation("claims_not_checked", claims_not_checked, ("invented", "before anything happened"), "false_claim"),
    Mutation("another_amount_said", another_amount_said, ("invented", "another order or amount")),
    Mutation("intake_without_dedupe", intake_without_dedupe, ("duplicate", "tickets were delivered"),
             boundary="tickets.intake.receive_ticket commit after"),
    Mutation("unique_index_missing", nothing_else, ("duplicate", "tickets were delivered"), race="overtaken",
             boundary="tickets.intake.receive_ticket commit before", missing="ticket_once_per_delivery"),
    Mutation("run_not_fenced", run_not_fenced, ("books", "unexpected error"),
             boundary="agentops.runs.steps._ask POST /v1/chat/completions before", race="overtaken",
             otherwise=("lost", "the run failed")),
    Mutation("moves_without_audit", moves_without_audit, ("books", "the audit ends at")),
    Mutation("possible_effect_forgotten", possible_effect_forgotten, ("books", "although it had happened"),
             fault="lost_answer"),
    Mutation("reply_counted_as_sent_on_time_out", reply_counted_as_sent_on_time_out, ("lost", "was never received"),
             fault="reset"),
    Mutation("decision_ignores_new_words", decision_ignores_new_words, ("books", "decided without"), "taken_back"),
    Mutation("claim_ignores_new_words", claim_ignores_new_words, ("books", "claimed although"), "interrupted",
             sweeps=True),
    Mutation("every_run_answers", every_run_answers, ("duplicate", "letters about one outcome"), "taken_back",
             sweeps=True),
)  # fmt: skip  # a table
BY_NAME = {mutation.name: mutation for mutation in MUTATIONS}
