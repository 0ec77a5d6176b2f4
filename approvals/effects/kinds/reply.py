"""Answer the customer. A reply may only say what has happened (docs/design.md, 5.10)."""

import contextlib
from dataclasses import replace
from typing import Annotated, Any

from django.db.models import Exists, OuterRef
from pydantic import AfterValidator, ConfigDict, Field

from agentops.lib import redact
from agentops.lib.errors import ProviderError, Refused
from approvals import kinds, states, ticket_status
from approvals.audit import events
from approvals.effects import conversation
from approvals.effects.kinds.base import Arguments, Kind, Params, Resolved
from approvals.effects.kinds.registry import KINDS
from approvals.effects.resolution import NOW, Sources, read_order
from approvals.grounding import check, claims
from approvals.grounding.orders import said_cancelled
from approvals.models import Action
from approvals.policy import verdicts
from approvals.policy.rules import Rules
from approvals.policy.verdicts import Facts, Reason
from approvals.providers import replies, reply_email
from approvals.providers.receipt import Receipt
from tickets.models import Message, Ticket


def _effect(name: str) -> str:
    if name not in KINDS.effects:
        raise ValueError(f"must be one of {', '.join(KINDS.effects)}")
    return name


def _list_effects(schema: dict[str, Any]) -> None:
    schema["enum"] = KINDS.effects


class Claim(kinds.Strict):
    """An effect that a reply says has happened, and the action that did it.

    An order or amount that is left out isn't claimed. The model should give `action`; if it doesn't, and only one
    action fits, that one is filled in.
    """

    model_config = ConfigDict(json_schema_extra={"required": ["kind", "action"]})

    kind: Annotated[str, AfterValidator(_effect), Field(json_schema_extra=_list_effects)]
    action: str = Field(
        default="", max_length=45, description="The idempotency_key that the tool's result gives of the action."
    )
    order_id: str | None = None
    amount: int | None = Field(default=None, description="minor units")
    currency: str | None = None


class ReplyArguments(Arguments):
    text: kinds.Text
    claims: list[Claim] = Field(
        default_factory=list,
        max_length=20,
        description="Every effect that the text says has happened, each with the action that did it.",
    )


class ReplyParams(Params):
    to: str
    subject: str
    text: kinds.Text
    claims: list[Claim]
    reason: kinds.Reason

    def claimed(self) -> list[dict[str, Any]]:
        return [claim.model_dump(exclude_none=True) for claim in self.claims]


class ReplyKind(Kind[ReplyArguments, ReplyParams]):
    name = tool = icon = "reply"
    label = "Reply"
    description = (
        "Answer the customer; ends your work. List in `claims` every effect that the text says has happened, with "
        "the idempotency_key of the succeeded action; an effect that has not happened may not be claimed or promised."
    )
    arguments, params = ReplyArguments, ReplyParams
    providers = (replies.NAME,)
    once_a_run = True
    editable = ("text",)
    panel = "claims"
    while_unknown = "A reply can't be looked up, so people must confirm the outcome."

    def resolve(
        self, given: ReplyArguments, ticket: Ticket, *, sources: Sources = NOW, mendable: bool = False
    ) -> Resolved[ReplyParams]:
        done = _claimable(ticket.pk, sources)
        claimed = check.fill_in_actions([claim.model_dump(exclude_none=True) for claim in given.claims], done)
        cancelled = _cancelled(given.text, ticket, sources)
        if mendable:
            claims.require_complete(given.text, claimed, done, cancelled)
        named = [Claim(**claim) for claim in claimed]
        return replace(self.in_words(given.text, given.reason, ticket, claimed=named), cancelled=cancelled)

    def fixed(self, text: str, reason: str, ticket: Ticket) -> Resolved[ReplyParams]:
        """Return a reply with the policy's fixed text, which claims nothing. Does not read the shop."""
        return replace(self.in_words(text, reason, ticket), fixed=True)

    def in_words(
        self, text: str, reason: str, ticket: Ticket, *, claimed: list[Claim] | None = None
    ) -> Resolved[ReplyParams]:
        subject = ticket.subject if ticket.subject.lower().startswith("re:") else f"Re: {ticket.subject}"
        to = ticket.customer.email
        return Resolved(self, ReplyParams(to=to, subject=subject, text=text, claims=claimed or [], reason=reason), to)

    def body(self, params: ReplyParams, *, key: str, ticket: Ticket) -> dict[str, Any]:
        return {
            "source": ticket.source,
            "external_id": ticket.external_id,
            "ticket_id": ticket.pk,
            "message_id": key,
            "to": params.to,
            "subject": params.subject,
            "body": params.text,
            **conversation.thread(ticket),
        }

    def judge(self, rules: Rules, facts: Facts) -> list[Reason]:
        """What a reply says without ground, whether people read every reply, and how many went out alone."""
        reasons = [verdicts.person("claim_without_ground", sentence) for sentence in facts.ungrounded]
        if rules.replies_need_approval and not facts.fixed:
            reasons.append(verdicts.person("replies_need_approval", "Every reply needs approval"))
        if rules.replies_per_day and facts.replies_today >= rules.replies_per_day:
            message = f"{facts.replies_today} automatic replies within a day (limit {rules.replies_per_day})"
            reasons.append(verdicts.person("replies_per_day", message))
        return reasons

    def facts(
        self, resolved: Resolved[ReplyParams], ticket: Ticket, *, by_agent: bool, sources: Sources
    ) -> dict[str, Any]:
        beyond = ungrounded_statements(resolved, ticket.pk, by_agent=by_agent, sources=sources)
        sent = sources.automatic_replies(ticket.pk) if by_agent else 0
        return {"fixed": resolved.fixed, "ungrounded": tuple(beyond), "replies_today": sent}

    def to_ask(self, action: Action, facts: Facts) -> dict[str, Any]:
        return {"ungrounded": list(facts.ungrounded)}

    def read_again(self, action: Action) -> Resolved[ReplyParams]:
        """Check again which orders are cancelled. Raises nothing: orders that the shop doesn't confirm are left out."""
        now = self.of(action)
        return replace(now, cancelled=_cancelled(now.params.text, action.ticket, NOW)) if action.run_id else now

    def compare(
        self, action: Action, now: Resolved[ReplyParams], known: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Check the reply's claims again, because an effect that it mentions may have been undone. Only a reply
        that the agent wrote declares claims."""
        if action.run_id is None or action.facts.get("fixed"):
            return known, []
        found = ungrounded_statements(now, action.ticket_id)
        new = [sentence for sentence in found if sentence not in known.get("ungrounded", [])]
        changed = {"field": "verified claims", "before": "had happened", "after": " ".join(new)}
        return {"ungrounded": found}, [changed] if new else []

    def may_differ(self, action: Action, snapshot: dict[str, Any]) -> tuple[str, ...]:
        return ()

    def send(self, params: ReplyParams, *, body: str, key: str) -> Receipt:
        return replies.send_reply(body=body, key=key)

    @property
    def keeps_keys(self) -> bool:
        return replies.keeps_keys()

    def succeeded(self, action: Action) -> None:
        """Add the reply to the conversation."""
        Message.objects.create(
            ticket=action.ticket,
            direction=Message.Direction.OUTBOUND,
            external_id=action.idempotency_key,
            body=self.params_of(action).text,
            message_id=reply_email.message_id(action.idempotency_key),
        )
        if action.run_id is None:  # written by a person; after a run's reply the engine sets the status
            waits = Action.objects.filter(ticket=action.ticket_id, status=states.AWAITING_APPROVAL).exists()
            status = Ticket.Status.AWAITING_APPROVAL if waits else Ticket.Status.ANSWERED
            ticket_status.move_ticket(action.ticket_id, status.value, actor=events.SYSTEM)

    def failed(self, action: Action, why: str) -> None:
        """Hand the ticket to a person if a person wrote the reply, because no run would notice."""
        if action.run_id is None:
            reason = f"A person's reply ({action.idempotency_key}) was not delivered: {redact.text(why)}"
            ticket_status.hand_to_person(action.ticket_id, reason, keep=True)


REPLY = ReplyKind()


def ungrounded_statements(
    resolved: Resolved[ReplyParams], ticket_id: str, *, by_agent: bool = True, sources: Sources = NOW
) -> list[str]:
    """Return the problems in a reply, one sentence each. People don't declare claims, so their replies are checked
    against all of the ticket's succeeded actions."""
    done = _claimable(ticket_id, sources)
    declared = resolved.params.claimed() if by_agent else [check.claim_for(effect) for effect in done]
    return check.find_ungrounded(resolved.params.text, check.fill_in_actions(declared, done), done, resolved.cancelled)


def _claimable(ticket_id: str, sources: Sources) -> list[check.SucceededEffect]:
    """Return the succeeded effects that a reply may claim: those of kinds that are no replies themselves."""
    return [effect for effect in sources.effects(ticket_id) if effect.kind not in KINDS.replies]


def _cancelled(text: str, ticket: Ticket, sources: Sources) -> tuple[str, ...]:
    """Return the orders that the reply may call cancelled and that the shop confirms as cancelled. Unconfirmed orders
    are left out, and the reply then needs review."""
    found = []
    for order_id in said_cancelled(text):
        # If the shop can't be read, the statement isn't confirmed, and a person reads the reply (fail closed).
        with contextlib.suppress(Refused, ProviderError):
            order = read_order(ticket, order_id, sources).order
            if order.status == "cancelled":
                found.append(order.order_id)
    return tuple(found)


def written_since(reply: Action) -> bool:
    """Return whether the customer has written since this reply was delivered."""
    said = Message.objects.filter(ticket=reply.ticket_id)
    arrived = said.filter(direction=Message.Direction.OUTBOUND, external_id=reply.idempotency_key)
    since = said.filter(direction=Message.Direction.INBOUND, pk__gt=OuterRef("pk"))
    return arrived.filter(Exists(since)).exists()
