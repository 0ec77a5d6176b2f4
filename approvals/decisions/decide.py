"""Record a person's decision on a waiting action, once (docs/design.md, 5.8). It names the digest they saw, and
the order is read again. The second person to decide learns who decided first, and how."""

from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agentops.lib import tracing
from agentops.lib.errors import Refused
from agentops.lib.money import display
from approvals import kinds, locks, signals, states, transitions
from approvals.audit import events
from approvals.effects import attempt_plan, payload, proposals, reservations, resolution, snapshots
from approvals.effects.resolution import Resolved
from approvals.models import Action, ApprovalRequest, Decision
from approvals.policy import versions
from approvals.policy.rules import Facts, Outcome, evaluate
from tickets import standing
from tickets.models import Ticket


class AlreadyDecided(Exception):
    """`request.decision` says who and what; it has none where the request expired."""

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__("this request is closed")
        self.request = request


class ChangedSinceShown(Exception):
    """What was seen is no longer so: `request` holds the new snapshot and `changes`; look again, then decide."""

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__("changed since it was shown")
        self.request = request


def refresh_request(*, request_id: int) -> ApprovalRequest:
    """Reads the order or customer again and keeps what was read with the request. Raises ProviderError or Refused
    where that cannot be done; the request then stands as it was."""
    request = _request(request_id)
    if request.closed_at is None and request.action.kind != "reply":
        snapshots.note_changes(request, resolution.read_again(request.action))
    return request


def approve(*, request_id: int, by: User, digest: str) -> Decision:
    """Raises AlreadyDecided, Changed, Refused or ProviderError; then nothing was decided."""
    return _decide(request_id, by, digest, Decision.Verdict.APPROVE, changes={})


def edit(*, request_id: int, by: User, digest: str, changes: dict[str, Any]) -> Decision:
    """Approves with other parameters (kinds.Kind.editable; an amount in minor units). Raises as approve does."""
    return _decide(request_id, by, digest, Decision.Verdict.EDIT, changes=changes)


def reject(*, request_id: int, by: User, digest: str, reason: str) -> Decision:
    """The reason goes back to the agent. Raises AlreadyDecided, Changed or Refused."""
    if not reason.strip():
        raise Refused("reason_missing", "Say why: the agent answers the customer by it.")
    with transaction.atomic():
        request = _open(request_id, digest)
        decision = _record(request, by, Decision.Verdict.REJECT, reason=reason.strip()[:500])
        transitions.move(
            request.action,
            states.REJECTED,
            actor=by.get_username(),
            verb="action.rejected",
            told={"reason": decision.reason, "digest": digest},
        )
    return decision


def reply_by_hand(*, ticket: Ticket, text: str, by: User) -> Action:
    """A person's own answer to the customer, through the same path as the agent's: one key, one delivery.

    Raises Refused. What it claims without ground is noted with the action; it is the person's word."""
    kind = kinds.KINDS["reply"]
    given = {"text": text, "reason": f"Written by {by.get_username()}."}
    action = proposals.record(
        proposals.resolve(kind, given, ticket), ticket_id=ticket.pk, run_id=None, actor=by.get_username()
    )
    waiting = ApprovalRequest.objects.filter(action=action, closed_at__isnull=True).first()
    if waiting is None:
        _announce(action.pk)
        return action
    with suppress(AlreadyDecided):  # a second click, and the first was quicker; or a colleague was
        approve(request_id=waiting.pk, by=by, digest=waiting.digest)
    action.refresh_from_db()
    return action


def assign(*, request_id: int, by: User) -> None:
    """Tells colleagues who is looking; claiming what another holds takes it over."""
    _set_claim(request_id, by, by)


def unassign(*, request_id: int, by: User) -> None:
    _set_claim(request_id, by, None)


def due(limit: int) -> list[int]:
    """Open requests whose hours are over, the oldest first."""
    over = ApprovalRequest.objects.filter(closed_at__isnull=True, expires_at__lte=Now()).order_by("expires_at")
    return list(over.values_list("pk", flat=True)[:limit])


def expire(request_id: int) -> bool:
    """Closes a late request; its action expires. False where somebody else is closing it, or has."""
    with transaction.atomic():
        locks.ticket(ApprovalRequest.objects.values_list("action__ticket", flat=True).get(pk=request_id))
        open_one = ApprovalRequest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("action")
        request = open_one.filter(pk=request_id, closed_at__isnull=True, expires_at__lte=Now()).first()
        if request is None:
            return False
        ApprovalRequest.objects.filter(pk=request.pk).update(closed_at=Now())
        transitions.move(request.action, states.EXPIRED, actor=events.SYSTEM, verb="action.expired")
        if request.action.run_id is None:  # a person wrote it, and no run is told
            why = f"{request.action.idempotency_key}, which a person wrote, expired before it was approved."
            standing.needs_person(request.action.ticket_id, why, held=True)
    return True


def _decide(request_id: int, by: User, digest: str, verdict: Decision.Verdict, *, changes: dict[str, Any]) -> Decision:
    seen = _request(request_id)
    if seen.closed_at is not None:
        raise AlreadyDecided(seen)
    world = resolution.read_again(seen.action)  # outside the transaction: the shop may be slow
    with transaction.atomic():
        request = _open(request_id, digest)
        if request.action.order_id:
            reservations.lock(request.action.order_id)
        changed = snapshots.note_changes(request, world)
        if not changed:
            return _approve(request, by, verdict, world, changes)
    raise ChangedSinceShown(request)


def _approve(
    request: ApprovalRequest, by: User, verdict: Decision.Verdict, world: Resolved, changes: dict[str, Any]
) -> Decision:
    action = request.action
    _as_shown(action, request.digest)
    fields = _edited(action, changes) if changes else {}
    amount = fields.get("amount", action.amount)
    _below_ceiling(action, amount)
    if world.reading and (amount or 0) > (left := snapshots.left(world, action)):
        raise Refused(
            "amount_exceeds_refundable",
            f"Only {display(left, action.currency)} may still be refunded of order {action.order_id}.",
            refundable=left,
        )
    decision = _record(request, by, verdict, edited=fields.get("params"))
    before = action.params
    for name, value in fields.items():
        setattr(action, name, value)
    transitions.move(
        action,
        states.APPROVED,
        actor=by.get_username(),
        verb="action.edited" if fields else "action.approved",
        told={"digest": action.digest} | ({"params": action.params, "proposed": before} if fields else {}),
        approved_at=Now(),
        not_before=None,
        snapshot=snapshots.as_approved(request, world, fields.get("params")),
        **fields,
    )
    transaction.on_commit(lambda: _announce(action.pk), robust=True)
    return decision


def _announce(action_id: int) -> None:
    signals.action_approved.send(sender=Action, action_id=action_id)


def _edited(action: Action, changes: dict[str, Any]) -> dict[str, Any]:
    """The action's fields with a person's changes: validated as the proposal was, and never above the ceiling."""
    kind = kinds.KINDS[action.kind]
    unknown = sorted(set(changes) - set(kind.editable))
    if unknown:
        raise Refused("not_editable", f"Cannot edit {', '.join(unknown)}.", valid=list(kind.editable))
    params = kinds.parse(kind.params, {**action.params, **changes}).model_dump(mode="json", exclude_none=True)
    if action.attempts.filter(outcome__in=attempt_plan.POSSIBLE_EFFECT).exists():
        raise Refused("already_sent", "It has been sent before under this key; it can only be approved as it is.")
    amount = params.get("amount", action.amount)
    return {**payload.freeze(kind, params, key=action.idempotency_key, ticket=action.ticket), "amount": amount}


def _as_shown(action: Action, digest: str) -> None:
    """What was frozen is what the digest that the person names was made of. Raises Refused."""
    if not digest == action.digest == payload.digest_of(action):
        raise Refused("digest_mismatch", "What would be sent is not what was shown. It can only be rejected.")


def _below_ceiling(action: Action, amount: int | None) -> None:
    rules = versions.rules_of(versions.current())
    verdict = evaluate(rules, Facts(action.kind, amount=amount, currency=action.currency or None))
    blocks = [reason.message for reason in verdict.reasons if reason.outcome == Outcome.BLOCK]
    if blocks:
        raise Refused("above_ceiling", " ".join(blocks))


def _request(request_id: int) -> ApprovalRequest:
    """Raises ApprovalRequest.DoesNotExist."""
    request = ApprovalRequest.objects.select_related("action__ticket__customer", "decision__by").get(pk=request_id)
    action = request.action
    tracing.touch(ticket_id=action.ticket_id, run_id=action.run_id, action=action.idempotency_key)
    return request


def _open(request_id: int, digest: str) -> ApprovalRequest:
    """The request, locked and still open, with the parameters that the person saw."""
    request = (
        ApprovalRequest.objects.select_for_update(of=("self",))
        .select_related("action__ticket__customer")
        .get(pk=request_id)
    )
    if (
        request.closed_at is not None
        or not ApprovalRequest.objects.filter(Q(pk=request_id), expires_at__gt=Now()).exists()
    ):
        raise AlreadyDecided(_request(request_id))
    if digest != request.digest:
        raise ChangedSinceShown(request)
    return request


def _record(
    request: ApprovalRequest,
    by: User,
    verdict: Decision.Verdict,
    *,
    edited: dict[str, Any] | None = None,
    reason: str = "",
) -> Decision:
    ApprovalRequest.objects.filter(pk=request.pk).update(closed_at=Now())
    return Decision.objects.create(
        request=request, verdict=verdict, by=by, digest=request.digest, edited=edited, reason=reason
    )


def _set_claim(request_id: int, by: User, holder: User | None) -> None:
    open_one = ApprovalRequest.objects.filter(pk=request_id, closed_at__isnull=True)
    with transaction.atomic():
        if not open_one.update(claimed_by=holder, claimed_at=Now() if holder else None):
            raise AlreadyDecided(_request(request_id))
        verb = "request.claimed" if holder else "request.released"
        events.record(actor=by.get_username(), verb=verb, object_type="request", object_id=request_id)
