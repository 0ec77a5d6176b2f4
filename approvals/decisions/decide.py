"""Record a person's decision on a waiting action, once (docs/design.md, 5.8).

A decision names what the person saw: the digest of the effect and the ticket's newest message. The order is read again
before it counts. If two people decide at the same time, the second one learns who was first and what they decided.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib import tracing
from agentops.lib.errors import Refused
from approvals import kinds, locks, signals, states, transitions
from approvals.effects import attempt_plan, facts, last_word, payload, proposals, reservations, snapshots
from approvals.effects.kinds import KINDS, REPLY, verdict_on
from approvals.effects.kinds.base import Params, Resolved
from approvals.models import Action, ApprovalRequest, Decision
from approvals.policy import versions
from approvals.policy.verdicts import Facts, Outcome
from tickets.models import Ticket


@dataclass(frozen=True)
class Seen:
    """What a person had in front of them when they decided: the request's digest, and the id of the ticket's newest
    message (last_word.newest_message)."""

    digest: str
    through_message: int


def seen_now(request: ApprovalRequest) -> Seen:
    """Return what a person sees who opens the request as it was loaded, next to the ticket as it is now."""
    return Seen(request.digest, last_word.newest_message(request.action.ticket_id))


class AlreadyDecided(Exception):
    """The request is closed. `request.decision` is the first decision; an expired or withdrawn request has none."""

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__("this request is closed")
        self.request = request


class ChangedSinceShown(Exception):
    """The effect, the order or the customer has changed since the person looked. `request` holds the new snapshot and
    `changes`."""

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__("changed since it was shown")
        self.request = request


class WrittenSinceShown(ChangedSinceShown):
    """Messages have arrived on the ticket, or left it, since the person looked."""


def refresh_request(*, request_id: int) -> ApprovalRequest:
    """Read the order or customer again and store the result with the request. Raises ProviderError or Refused if that
    fails; the request is then unchanged."""
    request = load_request(request_id)
    kind = KINDS.of(request.action)
    if request.closed_at is None and kind.panel != "claims":
        snapshots.store_changes(request, kind.read_again(request.action).with_left(without=request.action_id))
    return request


def approve(*, request_id: int, by: User, seen: Seen) -> Decision:
    """Approve the action as shown. Raises AlreadyDecided, ChangedSinceShown, Refused or ProviderError; then nothing was
    decided."""
    return _decide(request_id, by, seen, Decision.Verdict.APPROVE, changes={})


def edit(*, request_id: int, by: User, seen: Seen, changes: dict[str, Any]) -> Decision:
    """Approve the action with changed parameters (only Kind.editable; amounts in minor units). Raises the same errors
    as `approve`."""
    return _decide(request_id, by, seen, Decision.Verdict.EDIT, changes=changes)


def reject(*, request_id: int, by: User, seen: Seen, reason: str) -> Decision:
    """Reject the action; the agent gets the reason. Raises AlreadyDecided, ChangedSinceShown or Refused."""
    if not reason.strip():
        raise Refused("reason_missing", "Enter a reason. The agent uses it to reply to the customer.")
    with transaction.atomic():
        request = _open(request_id, seen)
        decision = _record_decision(request, by, seen, Decision.Verdict.REJECT, reason=reason.strip()[:500])
        transitions.move(
            request.action,
            states.REJECTED,
            actor=by.get_username(),
            verb="action.rejected",
            details={"reason": decision.reason, "digest": seen.digest, "through_message": seen.through_message},
        )
    return decision


def reply_by_hand(*, ticket: Ticket, text: str, by: User) -> Action:
    """Send a person's own reply through the same path as the agent's, so it has one key and is delivered once.

    Claims that no action supports are noted on the action but don't stop it, because a person wrote them. Raises
    Refused.
    """
    if not text.strip():
        raise Refused("empty_reply", "Enter your reply.")
    given = REPLY.parse({"text": text, "reason": f"Written by {by.get_username()}."})
    action = proposals.record_proposal(
        proposals.resolve_arguments(REPLY, given, ticket), ticket_id=ticket.pk, run_id=None, actor=by.get_username()
    )
    waiting = ApprovalRequest.objects.filter(action=action, closed_at__isnull=True).first()
    if waiting is None:
        _announce(action.pk)
        return action
    _approve_own(waiting, by)
    action.refresh_from_db()
    return action


def _approve_own(waiting: ApprovalRequest, by: User) -> None:
    """Approve a person's own reply, whatever the customer writes in this moment: its author has read what it says."""
    try:
        approve(request_id=waiting.pk, by=by, seen=seen_now(waiting))
    except AlreadyDecided:  # a double click, or a colleague approved it first
        return
    except WrittenSinceShown:
        _approve_own(waiting, by)


def _decide(request_id: int, by: User, seen: Seen, verdict: Decision.Verdict, *, changes: dict[str, Any]) -> Decision:
    shown = load_request(request_id)
    if shown.closed_at is not None:
        raise AlreadyDecided(shown)
    # Read outside the transaction, so that a slow shop holds no locks (docs/design.md, 5.4).
    world = KINDS.of(shown.action).read_again(shown.action)
    with transaction.atomic():
        request = _open(request_id, seen)
        if request.action.order_id:
            reservations.lock_order(request.action.order_id)
        if request.action.amount is not None:  # a proposal judged meanwhile counts it in the customer's 30 days
            facts.lock_customer_sums(request.action.ticket.customer_id)
        world = world.with_left(without=request.action_id)
        changed = snapshots.store_changes(request, world)
        if not changed:
            return _approve(request, by, seen, verdict, world, changes)
    raise ChangedSinceShown(request)  # after the commit, which stores the new snapshot


def _approve(
    request: ApprovalRequest,
    by: User,
    seen: Seen,
    verdict: Decision.Verdict,
    world: Resolved[Any],
    changes: dict[str, Any],
) -> Decision:
    action = request.action
    _require_as_shown(action, request.digest)
    params = _edited(action, changes) if changes else None
    if params is not None:
        world = replace(world, params=params)
    _require_below_ceiling(world)
    world.require_left()
    fields: dict[str, Any] = {}
    if params is not None:
        fields = payload.freeze(world.kind, params, key=action.idempotency_key, ticket=action.ticket)
    decision = _record_decision(request, by, seen, verdict, edited=fields.get("params"))
    before = action.params
    for name, value in fields.items():
        setattr(action, name, value)
    transitions.move(
        action,
        states.APPROVED,
        actor=by.get_username(),
        verb="action.edited" if fields else "action.approved",
        details={"digest": action.digest, "through_message": seen.through_message}
        | ({"params": action.params, "proposed": before} if fields else {}),
        approved_at=Now(),
        not_before=None,
        through_message=seen.through_message,
        snapshot=world.kind.compare(action, world, request.snapshot)[0] if fields else request.snapshot,
        **fields,
    )
    transaction.on_commit(lambda: _announce(action.pk), robust=True)
    return decision


def _announce(action_id: int) -> None:
    signals.action_approved.send(sender=Action, action_id=action_id)


def _edited(action: Action, changes: dict[str, Any]) -> Params:
    """Return the parameters with the person's changes, validated like a proposal. Raises Refused."""
    kind = KINDS.of(action)
    unknown = sorted(set(changes) - set(kind.editable))
    if unknown:
        raise Refused("not_editable", f"These fields can't be edited: {', '.join(unknown)}.", valid=list(kind.editable))
    params: Params = kinds.parse_strictly(kind.params, {**action.params, **changes})
    if action.attempts.filter(outcome__in=attempt_plan.POSSIBLE_EFFECT).exists():
        raise Refused(
            "already_sent", "This action was sent before with this key, so it can only be approved unchanged."
        )
    return params


def _require_as_shown(action: Action, digest: str) -> None:
    """Raise Refused unless the frozen request still has the digest that the person saw."""
    if not digest == action.digest == payload.action_digest(action):
        raise Refused("digest_mismatch", "The request to be sent differs from the one shown. It can only be rejected.")


def _require_below_ceiling(world: Resolved[Any]) -> None:
    """Raise Refused if the policy in force blocks this amount, even with approval."""
    verdict = verdict_on(Facts(world.kind.name, money=world.money), versions.policy_rules(versions.current_policy()))
    blocks = [reason.message for reason in verdict.reasons if reason.outcome == Outcome.BLOCK]
    if blocks:
        raise Refused("above_ceiling", " ".join(blocks))


def load_request(request_id: int) -> ApprovalRequest:
    """Return the request with its action, ticket, customer and decision. Raises ApprovalRequest.DoesNotExist."""
    request = ApprovalRequest.objects.select_related("action__ticket__customer", "decision__by").get(pk=request_id)
    action = request.action
    tracing.touch(ticket_id=action.ticket_id, run_id=action.run_id, action=action.idempotency_key)
    return request


def _open(request_id: int, seen: Seen) -> ApprovalRequest:
    """Lock the ticket and the request, and check that it is open and still what the person saw. Raises AlreadyDecided
    or ChangedSinceShown."""
    locks.lock_ticket(ApprovalRequest.objects.values_list("action__ticket", flat=True).get(pk=request_id))
    request = (
        ApprovalRequest.objects.select_for_update(of=("self",))
        .select_related("action__ticket__customer")
        .get(pk=request_id)
    )
    if (
        request.closed_at is not None
        or not ApprovalRequest.objects.filter(Q(pk=request_id), expires_at__gt=Now()).exists()
    ):
        raise AlreadyDecided(load_request(request_id))
    if seen.digest != request.digest:
        raise ChangedSinceShown(request)
    if seen.through_message != last_word.newest_message(request.action.ticket_id):
        raise WrittenSinceShown(request)
    return request


def _record_decision(
    request: ApprovalRequest,
    by: User,
    seen: Seen,
    verdict: Decision.Verdict,
    *,
    edited: dict[str, Any] | None = None,
    reason: str = "",
) -> Decision:
    ApprovalRequest.objects.filter(pk=request.pk).update(closed_at=Now())
    return Decision.objects.create(
        request=request,
        verdict=verdict,
        by=by,
        digest=request.digest,
        through_message=seen.through_message,
        edited=edited,
        reason=reason,
    )
