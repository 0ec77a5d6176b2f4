"""What a run has on record, as a replay asks for it: the model's answers in order, tool answers by their arguments,
the orders and customers that were read, the actions with what people said of them."""

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
from approvals.effects import reservations
from approvals.effects.kinds import KINDS
from approvals.effects.reservations import FundsLeft, Reading
from approvals.effects.resolution import NOW, Sources
from approvals.grounding import check, claims
from approvals.models import Action, AuditEvent, Decision
from approvals.providers.orders import Order, ShopCustomer


class NotRecorded(Exception):
    """`what` was never asked for in the recorded run."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Not recorded: the original run never requested {what}.")


def call_key(name: str, arguments: str) -> str:
    """One text for a tool call, however its arguments are spaced and ordered; an order's # makes no difference."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        return f"{name} {arguments}"
    if isinstance(given, dict) and isinstance(given.get("order_id"), str):
        given = {**given, "order_id": given["order_id"].strip().lstrip("#")}
    return f"{name} {kinds.canonical(given)}"


class Recording:
    """Of a run, loaded with its steps and their actions."""

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
        """The model's answer of that number, from 0."""
        turns = [step for step in self.steps if step.kind == turn.LLM]
        return turns[number] if number < len(turns) else None

    def call(self, name: str, arguments: str, before: int) -> Step | None:
        """The recorded call of a tool with these arguments, where `before` such calls were answered already; the last
        one where there were not so many."""
        key = call_key(name, arguments)
        same = [
            step
            for step in self.steps
            if step.kind == turn.TOOL and call_key(step.name, str(step.input.get("arguments", ""))) == key
        ]
        return same[min(before, len(same) - 1)] if same else None

    def actions(self, kind: str) -> list[Action]:
        """The run's own actions of a kind, in order."""
        found = {step.action.pk: step.action for step in self.steps if step.action and step.action.kind == kind}
        return [action for action in found.values() if action.run_id == self.run.pk]

    @property
    def policy_versions(self) -> list[int]:
        """Those that its actions were judged by."""
        return sorted({action.policy_version_id for kind in KINDS for action in self.actions(kind)})

    @cached_property
    def decisions(self) -> dict[int, Decision]:
        """What a person said last, by action."""
        said = Decision.objects.filter(request__action__in=[step.action_id for step in self.steps if step.action_id])
        return {row.request.action_id: row for row in said.select_related("request", "by").order_by("pk")}

    def as_proposed(self, action: Action) -> Action:
        """The action as the agent had asked for it, before a person made something else of it. A copy, never saved."""
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
        """What the ticket's other runs had proposed when this one began."""
        begun = self.run.started_at or self.run.created_at
        others = ~Q(run_id=self.run.pk) | Q(run_id__isnull=True)
        return list(Action.objects.filter(others, ticket=self.run.ticket_id, created_at__lt=begun).order_by("pk"))

    # --- the world as it was read ---

    @cached_property
    def orders(self) -> dict[str, tuple[Order, int]]:
        """Every order that was read, as it was first read, with what could be refunded of it; by id without its #."""
        found: dict[str, tuple[Order, int]] = {}
        for told in self._told():
            order = Order.model_validate(told)
            rest = int(told.get("refundable", order.captured - order.refunded))
            kept = found.get(order.order_id.lstrip("#"))
            # A search tells no remainder of its own: the first reading that does stands for it.
            if kept is None or (kept[1] > rest and "refundable" in told and kept[0] == order):
                found[order.order_id.lstrip("#")] = (order, rest)
        return found

    @cached_property
    def customers(self) -> dict[str, ShopCustomer]:
        read = [step.output for step in self._answered("get_customer")]
        read += [row.snapshot for row in self.actions("account_change") if "customer_id" in row.snapshot]
        return {customer.customer_id: customer for customer in map(ShopCustomer.model_validate, read)}

    def sources(self, done: Callable[[], Sequence[Action]]) -> Sources:
        """The recorded world, less what the replay has `done` to it."""

        def get_order(order_id: str) -> Order | None:
            if found := self.orders.get(order_id.lstrip("#")):
                return found[0]
            if order_id.lstrip("#") in self._unknown:
                return None
            raise NotRecorded(f"order {order_id}")

        def left(reading: Reading) -> FundsLeft:
            whole = self.orders[reading.order.order_id.lstrip("#")][1]
            rest = FundsLeft(
                min(whole, reading.order.captured - reading.order.refunded),
                {row.payment_id: min(whole, row.captured - row.refunded) for row in reading.order.payments},
            )
            return _less(rest, done(), reading)

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
        )

    def live(self, done: Callable[[], Sequence[Action]]) -> Sources:
        """The shop as it is now, which has what the run did; less what the replay has `done` besides. What has happened
        to the ticket is the replay's alone."""

        def left(reading: Reading) -> FundsLeft:
            besides = [action for action in done() if not self._did(action)]
            return _less(reservations.funds_left(reading), besides, reading)

        return replace(NOW, left=left, effects=lambda _ticket_id: effects_of([*self.earlier, *done()]))

    def _did(self, action: Action) -> bool:
        """Whether the run had the same effect."""
        return any(
            row.status == states.SUCCEEDED and kinds.same_effect(row.params, action.params)
            for row in self.actions(action.kind)
        )

    @cached_property
    def _unknown(self) -> set[str]:
        """Order ids that the shop did not know."""
        failed = [step for step in self.steps if step.error_code == "order_not_found"]
        asked = [json.loads(step.input["arguments"]) for step in failed]
        return {str(given.get("order_id", "")).lstrip("#") for given in asked}

    def _told(self) -> list[dict[str, Any]]:
        """Orders in the shape that the tools tell them, in the order in which they were read."""
        told: list[dict[str, Any]] = []
        for step in self.steps:
            if step.kind != turn.TOOL or step.status != turn.DONE or step.output is None:
                continue
            if step.name == "find_orders":
                told += step.output["orders"]
            elif step.name == "get_order":
                told.append(step.output)
        for step in self.steps:
            if step.action and step.action.order_id and "order_id" in step.action.snapshot:
                told.append(step.action.snapshot)
        return told

    def _answered(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name == name and step.status == turn.DONE]


def _less(rest: FundsLeft, actions: Sequence[Action], reading: Reading) -> FundsLeft:
    """What is left of the order and of its payments once these actions have returned theirs."""

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
    """What a reply may tell of; claims.succeeded_effects for actions that are at hand."""
    return [claims.effect_from(row) for row in actions if row.status == states.SUCCEEDED and row.kind in KINDS.effects]
