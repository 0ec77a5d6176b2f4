"""Proposals, decisions, execution and reconciliation compared with a reference model of a hundred lines, in random
order: real PostgreSQL, the simulator's provider over HTTP, and workers that die before or after sending."""

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from agentops.lib.errors import EffectUnknown, Refused
from approvals import states
from approvals.decisions import decide as deciding
from approvals.decisions import expiry
from approvals.effects import attempt_plan, duplicates, execution, lookup, settlement
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest, Attempt, Decision
from approvals.providers import payments
from approvals.providers.receipt import Receipt
from tests.integration.money_model import (
    AWAY,
    BANK,
    BROKEN,
    CAPTURED,
    EXPIRED,
    LOST_ANSWER,
    OK,
    REJECTED,
    Model,
    ModelRefused,
    Row,
)
from tests.interruptions import Killed, before_statement, die
from tests.world import World, propose, refund_arguments, ticket_of
from tickets.models import Ticket

TICKETS = 2
EXAMPLES, STEPS = 60, 20  # the same for the seeded bugs, so that this many examples would find them
AMOUNTS = st.sampled_from((1_000, 3_000, 4_000, 6_000, 9_000))
SPOILT = st.sampled_from((LOST_ANSWER, BROKEN, AWAY, BANK))


class Money(RuleBasedStateMachine):
    """Each rule asks the system and the model the same question and compares the answers."""

    rows = Bundle("rows")
    world: World
    lead: User

    @initialize(target=rows, amount=AMOUNTS)
    def begin(self, amount: int) -> Any:
        self.order = self.world.order()
        self.tickets: list[Ticket] = [ticket_of(self.order) for _ in range(TICKETS)]
        self.model = Model()
        self.actions: dict[Row, int] = {}
        return self.propose_one(0, amount, further=False)

    # --- events -----------------------------------------------------------------------------------------

    @rule(target=rows, ticket=st.integers(0, TICKETS - 1), amount=AMOUNTS, further=st.booleans())
    def propose(self, ticket: int, amount: int, further: bool) -> Any:
        return self.propose_one(ticket, amount, further=further)

    def propose_one(self, ticket: int, amount: int, *, further: bool) -> Any:
        """Return the new row, if there is one."""
        given = refund_arguments(self.order, amount, further=further)
        kind, pk = KINDS["refund"], self.tickets[ticket].pk

        def ask() -> Action:
            return duplicates.find_earlier(kind, kind.parse(given), ticket_id=pk) or propose(
                self.tickets[ticket], "refund", given
            )

        known = set(self.actions)
        action, row = self.both(ask, lambda: self.model.propose(ticket, amount, further=further))
        if row is None:
            return multiple()
        self.actions.setdefault(row, action.pk)
        assert self.actions[row] == action.pk
        return multiple() if row in known else row

    @rule(row=rows)
    def approve(self, row: Row) -> None:
        self.decide(row, deciding.approve, lambda: self.model.approve(row, row.amount))

    @rule(row=rows, amount=AMOUNTS)
    def edit(self, row: Row, amount: int) -> None:
        self.decide(row, deciding.edit, lambda: self.model.approve(row, amount), changes={"amount": amount})

    @rule(row=rows)
    def reject(self, row: Row) -> None:
        self.decide(row, deciding.reject, lambda: self.model.close(row, REJECTED), reason="Refused.")

    @rule(row=rows)
    def expire(self, row: Row) -> None:
        late = ApprovalRequest.objects.filter(action=self.actions[row], closed_at=None)
        if late.update(expires_at=Now() - timedelta(seconds=1)):
            expiry.expire(late.get().pk)
            self.model.close(row, EXPIRED)

    @rule(row=rows)
    def execute_well(self, row: Row) -> None:
        self.execute(row, OK)

    @rule(row=rows, answer=SPOILT, times=st.integers(1, 4))
    def execute_badly(self, row: Row, answer: str, times: int) -> None:
        for _ in range(times):
            self.execute(row, answer)

    def execute(self, row: Row, answer: str) -> None:
        self.provider(answer)
        execution.execute(self.actions[row])
        self.model.attempt(row, answer)

    @rule(row=rows, answer=st.sampled_from((OK, AWAY)))
    def a_worker_dies(self, row: Row, answer: str) -> None:
        """Kill the worker before or after the provider has the request. Its lease expires at once."""
        self.provider(answer)
        action = execution._claim(self.actions[row])
        if action is not None:
            dies = before_statement('UPDATE "approvals_action" SET "status" =', act=die)  # as it is about to settle
            with pytest.raises(Killed), dies:
                execution._attempt(action)
            Action.objects.filter(pk=action.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
        self.model.attempt(row, answer, dies=True)

    @rule(row=rows)
    def reconcile(self, row: Row) -> None:
        self.provider(OK)
        lookup.settle_by_lookup(self.actions[row])
        self.model.reconcile(row)

    @rule()
    def time_passes(self) -> None:
        ours = Attempt.objects.filter(action__in=self.actions.values())
        ago = timedelta(minutes=10)
        ours.update(started_at=F("started_at") - ago, finished_at=F("finished_at") - ago)
        for row in self.model.rows:
            row.quiet = True

    @rule(amount=st.sampled_from((500, 2_000)))
    def somebody_refunds_elsewhere(self, amount: int) -> None:
        if amount > CAPTURED - self.model.refunded or self.model.elsewhere:
            return
        self.provider(OK)
        self.world.refund_elsewhere(self.order, amount)
        self.model.elsewhere += amount

    # --- invariants -------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_is_the_models(self) -> None:
        moved = {row["reference"]: row["amount"] for row in self.world.refunds(self.order)}
        moved = {key: amount for key, amount in moved.items() if not key.startswith("elsewhere")}
        keys = dict(Action.objects.filter(pk__in=self.actions.values()).values_list("pk", "idempotency_key"))
        assert moved == {keys[self.actions[row]]: row.amount for row in self.model.rows if row.effect}
        assert sum(moved.values()) + self.model.elsewhere <= CAPTURED

    @invariant()
    def every_action_stands_where_the_model_has_it(self) -> None:
        ours = {
            (ticket, sequence, amount, status)
            for ticket, sequence, amount, status in Action.objects.filter(
                ticket__in=self.tickets, kind="refund"
            ).values_list("ticket_id", "sequence", "amount", "status")
        }
        assert ours == {(self.tickets[row.ticket].pk, row.sequence, row.amount, row.status) for row in self.model.rows}

    def teardown(self) -> None:
        """Finally, all automatic work finishes, and no unrecorded money has moved."""
        self.provider(OK)
        for _ in range(3):
            self.time_passes()
            for row in self.model.rows:
                self.execute(row, OK)
                self.reconcile(row)
        self.the_ledger_is_the_models()
        self.every_action_stands_where_the_model_has_it()
        for row in self.model.rows:
            assert row.effect == (row.status == "succeeded")
            assert row.status in ("succeeded", "failed", "rejected", "expired", "awaiting_approval")

    # --- asking both ------------------------------------------------------------------------------------

    def provider(self, answer: str) -> None:
        if answer == OK:
            self.world.simulator.faults()
        else:
            self.world.faults("POST /refunds", answer, times=0)

    def decide(self, row: Row, do: Callable[..., Decision], by_model: Callable[[], None], **given: Any) -> None:
        self.provider(OK)
        request = ApprovalRequest.objects.filter(action=self.actions[row]).order_by("-pk").first()
        if request is not None:
            seen = deciding.seen_now(request)
            self.both(lambda: do(request_id=request.pk, by=self.lead, seen=seen, **given), by_model)
            assert Decision.objects.filter(request__action=request.action_id).count() <= request.action.requests.count()

    def both(self, ask: Callable[[], Any], by_model: Callable[[], Any]) -> tuple[Any, Any]:
        """Return both results, or None, None where both refuse with the same code."""
        try:
            wanted, no = by_model(), ""
        except ModelRefused as refused:
            wanted, no = None, str(refused)
        try:
            answer, code = ask(), ""
        except Refused as refusal:
            answer, code = None, refusal.code
        except (deciding.AlreadyDecided, deciding.ChangedSinceShown) as late:
            answer, code = None, type(late).__name__
        assert code == no
        return answer, wanted


def play(machine: type[Money], *phases: Phase) -> None:
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            phases=phases,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def machine(world: World, lead: User, settings: Settings) -> type[Money]:
    settings.RETRY_BASE_SECONDS = 0
    return type("Bound", (Money,), {"world": world, "lead": lead})


def test_the_system_moves_money_exactly_like_the_model(machine: type[Money]) -> None:
    play(machine, Phase.generate, Phase.shrink)


# --- seeded bugs ----------------------------------------------------------------------------------------


def a_key_per_attempt(patch: pytest.MonkeyPatch) -> None:
    send, numbers = payments.send_refund, itertools.count()

    def fresh(*, body: str, key: str) -> Receipt:
        other = f"{key}-{next(numbers)}"
        return send(body=json.dumps(json.loads(body) | {"reference": other}), key=other)

    patch.setattr(payments, "send_refund", fresh)


def success_assumed(patch: pytest.MonkeyPatch) -> None:
    send = execution._send

    def hopeful(action: Action) -> Receipt:
        try:
            return send(action)
        except EffectUnknown:
            return Receipt(reference="assumed")

    patch.setattr(execution, "_send", hopeful)


def unknown_called_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "_unresolved", settlement._fail)


def lost_attempts_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(attempt_plan, "POSSIBLE_EFFECT", ())


def nothing_reserved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(states, "OPEN", ())


BUGS = (a_key_per_attempt, success_assumed, unknown_called_failed, lost_attempts_forgotten, nothing_reserved)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_seeded_bug_is_detected(
    machine: type[Money], monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None]
) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        play(machine, Phase.generate)
