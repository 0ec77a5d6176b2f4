"""A run's recorded data as a replay needs it.

Model answers in order, tool results by arguments, the orders and customers that were read, and the actions with the
decisions on them.
"""

import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.db.models import Q

from agentops.models import Run, Step, StoredText
from agentops.runs import turn
from approvals import kinds, states
from approvals.effects import conversation, reservations
from approvals.effects.kinds import KINDS
from approvals.effects.reservations import FundsLeft, Reading
from approvals.effects.resolution import NOW, Sources
from approvals.grounding import check, claims
from approvals.models import Action, AuditEvent, Decision
from approvals.providers.orders import Order, ShopCustomer


class NotRecorded(Exception):
    """The recorded run never requested `what`."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Not recorded: the original run never requested {what}.")


def call_key(name: str, arguments: str) -> str:
    """Return one key for equal tool calls, whatever the spacing, the order of arguments and an order id's #."""
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):  # the model writes arguments: they may be no JSON, or nested without end
        return f"{name} {arguments}"
    if isinstance(parsed, dict) and isinstance(parsed.get("order_id"), str):
        parsed = {**parsed, "order_id": parsed["order_id"].strip().lstrip("#")}
    return f"{name} {kinds.canonical(parsed)}"


class Recording:
    """The recorded data of a run, loaded with its steps and their actions."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = list(run.steps.select_related("action__policy_version").order_by("index"))

    @cached_property
    def texts(self) -> dict[str, str]:
        """Prompts and tool lists by digest."""
        wanted = {step.input.get(name, "") for step in self.steps for name in ("prompt", "tools")} - {""}
        return dict(StoredText.objects.filter(digest__in=wanted).values_list("digest", "body"))

    @property
    def triage(self) -> Step | None:
        return next((step for step in self.steps if step.kind == turn.TRIAGE), None)

    def turn(self, number: int) -> Step | None:
        """Return the model's answer with this number, counted from 0."""
        turns = [step for step in self.steps if step.kind == turn.LLM]
        return turns[number] if number < len(turns) else None

    def call(self, name: str, arguments: str, before: int) -> Step | None:
        """Return the recorded call of a tool with these arguments.

        `before` equal calls have been answered already. Calls beyond the recorded ones get the last recorded one.
        """
        key = call_key(name, arguments)
        same = [
            step
            for step in self.steps
            if step.kind == turn.TOOL and call_key(step.name, str(step.input.get("arguments", ""))) == key
        ]
        return same[min(before, len(same) - 1)] if same else None

    def actions(self, kind: str) -> list[Action]:
        """Return the run's own actions of a kind, in order. A step may also refer to an earlier run's action."""
        found = {step.action.pk: step.action for step in self.steps if step.action and step.action.kind == kind}
        return [action for action in found.values() if action.run_id == self.run.pk]

    @property
    def policy_versions(self) -> list[int]:
        """The policy versions that judged the run's actions."""
        return sorted({action.policy_version_id for kind in KINDS for action in self.actions(kind)})

    @cached_property
    def decisions(self) -> dict[int, Decision]:
        """The last decision on each action, by the action's id."""
        actions = [step.action_id for step in self.steps if step.action_id]
        rows = Decision.objects.filter(request__action__in=actions).select_related("request", "by")
        return {row.request.action_id: row for row in rows.order_by("pk")}

    def as_proposed(self, action: Action) -> Action:
        """Return the action as the agent proposed it, before any edit by a person. A copy, never saved."""
        decision = self.decisions.get(action.pk)
        if decision is None or decision.edited is None:
            return action
        events = AuditEvent.objects.filter(object_type="action", object_id=str(action.pk), verb="action.edited")
        event = events.order_by("pk").first()
        proposed = copy(action)
        proposed.params = event.after.get("proposed", action.params) if event else action.params
        proposed.amount = proposed.params.get("amount", action.amount)
        return proposed

    @cached_property
    def earlier(self) -> list[Action]:
        """Actions of the ticket's other runs that existed when this run started."""
        started = self.run.started_at or self.run.created_at
        # SQL's NULL is neither equal nor unequal: without the second part, actions without a run would be left out.
        others = ~Q(run_id=self.run.pk) | Q(run_id__isnull=True)
        return list(Action.objects.filter(others, ticket=self.run.ticket_id, created_at__lt=started).order_by("pk"))

    # --- the world as it was read ---

    @cached_property
    def orders(self) -> dict[str, tuple[Order, int]]:
        """Each order as first read, with the refundable amount in minor units, by id without its #."""
        found: dict[str, tuple[Order, int]] = {}
        for reading in self._order_readings():
            order = Order.model_validate(reading)
            rest = int(reading.get("refundable", order.captured - order.refunded))
            first = found.get(order.order_id.lstrip("#"))
            # A search result has no refundable amount, so take it from the first reading of the same order that does.
            if first is None or (first[1] > rest and "refundable" in reading and first[0] == order):
                found[order.order_id.lstrip("#")] = (order, rest)
        return found

    @cached_property
    def customers(self) -> dict[str, ShopCustomer]:
        read = [step.output for step in self._finished_steps("get_customer")]
        read += [row.snapshot for row in self.actions("account_change") if "customer_id" in row.snapshot]
        return {customer.customer_id: customer for customer in map(ShopCustomer.model_validate, read)}

    def sources(self, done: Callable[[], Sequence[Action]]) -> Sources:
        """Return the recorded world, reduced by the effects that the replay has `done`."""

        def get_order(order_id: str) -> Order | None:
            if found := self.orders.get(order_id.lstrip("#")):
                return found[0]
            if order_id.lstrip("#") in self._missing_orders:
                return None
            raise NotRecorded(f"order {order_id}")

        def left(reading: Reading) -> FundsLeft:
            whole = self.orders[reading.order.order_id.lstrip("#")][1]
            rest = FundsLeft(
                min(whole, reading.order.captured - reading.order.refunded),
                {row.payment_id: min(whole, row.captured - row.refunded) for row in reading.order.payments},
            )
            return _reduced_by(rest, done(), reading)

        def get_customer(customer_id: str) -> ShopCustomer | None:
            if customer_id not in self.customers:
                raise NotRecorded(f"customer {customer_id}")
            return self.customers[customer_id]

        return Sources(
            get_order=get_order,
            find_orders=lambda **_: [order for order, _left in self.orders.values()],
            get_customer=get_customer,
            left=left,
            effects=lambda _ticket_id: effects_of([*self.earlier, *done()]),
            automatic_replies=self._automatic_replies,
        )

    def live(self, done: Callable[[], Sequence[Action]]) -> Sources:
        """Return today's shop, reduced by the effects that the replay has `done` and the run had not.

        The shop already shows what the run did. The ticket's effects are the replay's own.
        """

        def left(reading: Reading) -> FundsLeft:
            new = [action for action in done() if not self._has_effect(action)]
            return _reduced_by(reservations.funds_left(reading), new, reading)

        return replace(
            NOW,
            left=left,
            effects=lambda _ticket_id: effects_of([*self.earlier, *done()]),
            automatic_replies=self._automatic_replies,
        )

    def _automatic_replies(self, ticket_id: str) -> int:
        return conversation.automatic_replies(ticket_id, before=self.run.started_at or self.run.created_at)

    def _has_effect(self, action: Action) -> bool:
        """Whether an action of the run succeeded with the same effect."""
        return any(
            row.status == states.SUCCEEDED and kinds.same_effect(row.params, action.params)
            for row in self.actions(action.kind)
        )

    @cached_property
    def _missing_orders(self) -> set[str]:
        """Order ids that the shop did not know."""
        failed = [step for step in self.steps if step.error_code == "order_not_found"]
        arguments = [json.loads(step.input["arguments"]) for step in failed]
        return {str(given.get("order_id", "")).lstrip("#") for given in arguments}

    def _order_readings(self) -> list[dict[str, Any]]:
        """Return orders in the shape of the tools' results, in the order in which they were read."""
        readings: list[dict[str, Any]] = []
        for step in self.steps:
            if step.kind != turn.TOOL or step.status != turn.DONE or step.output is None:
                continue
            if step.name == "find_orders":
                readings += step.output["orders"]
            elif step.name == "get_order":
                readings.append(step.output)
        # Snapshots come last: they are for orders that only a proposal has read.
        for step in self.steps:
            if step.action and step.action.order_id and "order_id" in step.action.snapshot:
                readings.append(step.action.snapshot)
        return readings

    def _finished_steps(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name == name and step.status == turn.DONE]


def _reduced_by(rest: FundsLeft, actions: Sequence[Action], reading: Reading) -> FundsLeft:
    """Return what remains of the order and of its payments after these actions' refunds."""

    def moved(payment_id: str | None) -> int:
        return sum(
            action.amount or 0
            for action in actions
            if action.status == states.SUCCEEDED
            and action.order_id == reading.order.order_id
            and payment_id in (None, action.params.get("payment_id", payment_id))
        )

    return FundsLeft(
        max(rest.whole - moved(None), 0),
        {name: max(amount - moved(name), 0) for name, amount in rest.payments.items()},
    )


def effects_of(actions: Sequence[Action]) -> list[check.SucceededEffect]:
    """Return the effects that a reply may mention: claims.succeeded_effects for actions that are already loaded."""
    return [claims.effect_from(row) for row in actions if row.status == states.SUCCEEDED]
