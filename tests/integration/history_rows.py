"""Rows of finished history, for pages that only read them."""

import itertools
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from agentops.models import Run, Step
from approvals import kinds, states
from approvals.models import Action, ApprovalRequest, Attempt, AuditEvent, Decision
from approvals.policy import versions
from tickets.models import Customer, Message, Ticket

_numbers = itertools.count(1)
BODY = "My lamp is broken. <script>alert(1)</script>"


def signed_in(name: str = "maya", group: str = "lead") -> Client:
    user, _ = User.objects.get_or_create(username=name)
    user.groups.set([Group.objects.get(name=group)] if group else [])
    client = Client()
    client.force_login(user)
    return client


def link(page: str, holding: str) -> str:
    """Return the first link on the page whose address contains this text."""
    return next(unescape(found) for found in re.findall(r'href="([^"]+)"', page) if holding in unescape(found))


def a_ticket(
    subject: str = "My lamp", *, status: str = "answered", ago: timedelta = timedelta(), **more: Any
) -> Ticket:
    number = next(_numbers)
    customer = Customer.objects.create(email=more.pop("email", f"kim.{number}@example.com"), name="Kim Doe")
    at = timezone.now() - ago
    ticket = Ticket.objects.create(
        source="test",
        external_id=f"row-{number}",
        customer=customer,
        subject=subject,
        status=status,
        created_at=at,
        **more,
    )
    Message.objects.create(ticket=ticket, direction="inbound", external_id="1", body=BODY, sent_at=at)
    return ticket


def an_action(
    ticket: Ticket | None = None, *, kind: str = "refund", status: str = states.SUCCEEDED, **more: Any
) -> Action:
    ticket = ticket or a_ticket()
    sequence = Action.objects.filter(ticket=ticket, kind=kind).count() + 1
    money = {"amount": 4_200, "currency": "USD"} if kind == "refund" else {}
    about: dict[str, Any] = {"order_id": "#W1", **money}
    if kind == "reply":
        about = {"to": ticket.customer.email, "subject": "Re: Lamp", "text": "Thank you.", "claims": []}
    params = more.pop("params", {**about, "reason": "It is broken."})
    at = more.pop("created_at", timezone.now())
    key = f"{ticket.pk}:{kind}:{sequence}"
    given: dict[str, Any] = {
        "ticket": ticket, "kind": kind, "sequence": sequence, "status": status, "params": params, **money,
        "idempotency_key": key, "request": json.dumps({**params, "reference": key}),
        "digest": kinds.json_digest(params), "reason": "It is broken.",
        "target": "#W1", "order_id": "#W1" if money else "", "policy_version": versions.current_policy(),
        "verdict": "auto_approve", "created_at": at, "lease_expires_at": at if status == states.EXECUTING else None,
        "approved_at": at if status in (*states.OPEN, states.SUCCEEDED, states.FAILED) else None,
        "settled_at": at if status in states.SETTLED else None,
    }  # fmt: skip  # a table
    return Action.objects.create(**{**given, **more})


def an_attempt(
    action: Action, outcome: str = "succeeded", *, at: datetime | None = None, seconds: float = 0.4
) -> Attempt:
    at = at or action.created_at
    Action.objects.filter(pk=action.pk).update(fence=action.fence + 1)
    action.fence += 1
    return Attempt.objects.create(
        action=action, number=action.fence, worker="w:1", outcome=outcome, started_at=at,
        finished_at=at + timedelta(seconds=seconds), error_code="" if outcome == "succeeded" else "timeout",
        answer='{"refund_id": "re_1"}' if outcome == "succeeded" else "",
    )  # fmt: skip  # a table


def asked(
    action: Action, verdict: str = "", *, by: str = "maya", after: timedelta = timedelta(hours=1), **said: Any
) -> ApprovalRequest:
    """Create the action's approval request: open, or decided by `by`."""
    closed = action.created_at + after if verdict else None
    request = ApprovalRequest.objects.create(
        action=action, digest=action.digest, created_at=action.created_at,
        expires_at=action.created_at + timedelta(days=3), closed_at=closed,
    )  # fmt: skip  # a table
    if verdict:
        user, _ = User.objects.get_or_create(username=by)
        Decision.objects.create(
            request=request, verdict=verdict, by=user, digest=action.digest, decided_at=closed or timezone.now(), **said
        )
    return request


def an_event(
    verb: str, action: Action, *, actor: str = "system", at: datetime | None = None, **after: Any
) -> AuditEvent:
    return AuditEvent.objects.create(
        at=at or timezone.now(), actor=actor, verb=verb, object_type="action", object_id=str(action.pk), after=after
    )


@dataclass
class FinishedRun:
    """A finished run: a refund approved after three days whose first answer was lost, and a reply."""

    ticket: Ticket
    run: Run
    refund: Action
    reply: Action


def a_run(status: str = "succeeded", *, waited: timedelta = timedelta(days=3)) -> FinishedRun:
    """A run of which the refund was approved after `waited`, a minute ago."""
    ticket = a_ticket(ago=waited + timedelta(minutes=1))
    start = ticket.created_at
    run = Run.objects.create(
        ticket=ticket, number=1, status=status, outcome="answered", through_message=ticket.messages.get().pk,
        turns=2, tokens=3_300, cost_usd="0.0042",
        created_at=start, started_at=start, triage={"intent": "refund", "summary": "wants money"},
        finished_at=None if status in ("queued", "running", "waiting") else start + waited + timedelta(seconds=20),
    )  # fmt: skip  # a table
    after = waited.total_seconds()
    refund = an_action(
        ticket,
        run_id=run.pk,
        verdict="require_approval",
        created_at=start + timedelta(seconds=4),
        reasons=[{"code": "above", "message": "Above.", "outcome": "require_approval"}],
    )
    asked(refund, "approve", after=waited)
    paid = refund.created_at + waited
    an_attempt(refund, "effect_unknown", at=paid, seconds=10)
    an_attempt(refund, at=paid + timedelta(seconds=11))
    reply = an_action(
        ticket,
        kind="reply",
        run_id=run.pk,
        created_at=paid + timedelta(seconds=13),
        params={"text": "Refunded.", "reason": "Done."},
    )
    an_attempt(reply)
    steps: list[dict[str, Any]] = [
        {"kind": "triage", "name": "small", "at": 0, "to": 1, "input": {"brief": "", "answered_through": 0}},
        {"kind": "llm", "name": "small", "at": 1, "to": 3, "reasoning": "I read the order first. <b>Now</b>",
         "output": {"tool_calls": [{"id": "c1", "name": "get_order", "arguments": '{"order_id": "490313116609"}'}]},
         "failures": [{"attempt": 1, "code": "rate_limited", "class": "transient", "message": "slow down"}],
         "input_tokens": 1_000, "cached_tokens": 400, "output_tokens": 100, "cost_usd": "0.0021"},
        {"kind": "tool", "name": "get_order", "at": 3, "to": 3.1, "status": "failed", "error_code": "order_not_found",
         "error_class": "refused", "error_message": "It is a tracking number.",
         "input": {"call_id": "c1", "tool": "get_order", "arguments": '{"order_id": "490313116609"}'},
         "output": {"error": {"code": "order_not_found"}}},
        {"kind": "tool", "name": "refund", "at": 4, "to": after + 16, "action": refund, "waited_for_person": True,
         "input": {"call_id": "c2", "tool": "refund", "arguments": "{}"}, "output": {"message": "Done."}},
        {"kind": "llm", "name": "small", "at": after + 16, "to": after + 17, "output": {"tool_calls": []}},
        {"kind": "tool", "name": "reply", "at": after + 17, "to": after + 18, "action": reply,
         "input": {"call_id": "c3", "tool": "reply", "arguments": "{}"}, "output": {}},
    ]  # fmt: skip  # a table
    for index, given in enumerate(steps):
        at, to = (start + timedelta(seconds=given.pop(name)) for name in ("at", "to"))
        given.setdefault("raw_response", json.dumps({"id": f"answer-{index}"}))
        Step.objects.create(run=run, index=index, **{"status": "done", **given}, started_at=at, finished_at=to)
    return FinishedRun(ticket, run, refund, reply)
