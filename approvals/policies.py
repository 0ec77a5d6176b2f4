"""The rules in force, their versions, and what a change would have done (DESIGN §5.13)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import DateTimeField, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now, TruncDay
from pydantic import ValidationError

from agentops.lib.errors import Refused
from approvals import audit, dial, grounding, policy, states
from approvals.models import Action, PolicyVersion
from approvals.policy import Facts, Rules
from approvals.reservations import Reading
from approvals.resolution import NOW, Resolved, Sources
from tickets.models import Ticket

MONEY_KINDS = ("refund", "cancel_order")
OUTDATED = ("policy_changed", "based_on_unknown")  # the codes of a change that is not made to the newest version
COUNTED = (*states.OPEN, states.SUCCEEDED)
SAMPLE = 5_000  # actions at most that a preview looks at, the newest


def current() -> PolicyVersion:
    return PolicyVersion.objects.latest("pk")


def rules_of(version: PolicyVersion) -> Rules:
    """Raises Refused where the stored rules cannot be read: then nothing is judged (fail closed)."""
    try:
        return Rules.model_validate(version.rules)
    except ValidationError as error:
        raise Refused("policy_unreadable", f"Policy version {version.pk} cannot be read: {error}") from error


def save(*, rules: Rules, by: User | None, note: str, based_on: int | None = None) -> PolicyVersion:
    """Puts new rules in force, with who and why. Raises Refused without a note, with an acknowledgement that claims
    something, and where `based_on` is given and not the newest version: what came in the meantime would be lost."""
    if not note.strip():
        raise Refused("note_missing", "Say why the policy changes.")
    with transaction.atomic():
        one_at_a_time()
        before = PolicyVersion.objects.order_by("-pk").first()
        if before and based_on is not None:
            refuse_outdated(newest=before, based_on=based_on)
        if before is None or before.rules.get("acknowledgement") != rules.acknowledgement:
            _require_no_claims(rules.acknowledgement)
        version = PolicyVersion.objects.create(
            rules=rules.model_dump(mode="json"), created_by=by, note=note.strip()[:500]
        )
        audit.record(
            actor=by.get_username() if by else audit.SYSTEM,
            verb="policy.saved",
            object_type="policy",
            object_id=version.pk,
            before=before.rules if before else {},
            after={**version.rules, "note": version.note},
        )
    return version


def _require_no_claims(acknowledgement: str) -> None:
    """Asked of new words alone: what the grounding learns later must not keep the dial from lowering itself."""
    claimed = grounding.ungrounded(acknowledgement, [], [])
    if claimed:
        told = " ".join(claimed)
        raise Refused("acknowledgement_claims", f"The acknowledgement may claim and promise nothing. {told}")


def refuse_outdated(*, newest: PolicyVersion, based_on: int) -> None:
    """Raises Refused, with a code of OUTDATED, where the change was not made to the newest version."""
    if based_on == newest.pk:
        return
    if not PolicyVersion.objects.filter(pk=based_on).exists():
        message = f"The form does not name the version that it changes. Nothing was saved: this is version {newest.pk}."
        raise Refused("based_on_unknown", message, newest=newest.pk)
    who = newest.created_by.get_username() if newest.created_by else audit.SYSTEM
    message = (
        f"Version {newest.pk} has come into force in the meantime, by {who}: “{newest.note}” Its dial stands at "
        f"{rules_of(newest).autonomy.percent} %. Nothing was saved: this is that version, to change it anew."
    )
    raise Refused("policy_changed", message, newest=newest.pk)


def one_at_a_time() -> None:
    """Lets one transaction at a time make a version, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('policy:versions', 0))")


def facts_of(
    resolved: Resolved,
    ticket: Ticket,
    *,
    left: int | None,
    further: bool,
    by_agent: bool = True,
    sources: Sources = NOW,
    at: datetime | None = None,
) -> Facts:
    """What is known of a proposal as it is judged. Inside the transaction that holds `serialise`'s lock; or, to say how
    it would have been judged, from other sources, with the sums as they were `at` a time."""
    if resolved.kind.name not in MONEY_KINDS:
        beyond = tuple(ungrounded(resolved, ticket, by_agent, sources))
        return Facts(
            resolved.kind.name,
            further=further,
            fixed=resolved.fixed,
            ungrounded=beyond,
            position=dial.position(ticket.pk),
            tags=resolved.tags,
        )
    then: Combinable = Now() if at is None else Value(at, DateTimeField())
    until = Q(approved_at__isnull=False) if at is None else Q(approved_at__lt=at)
    approved = Action.objects.filter(until, kind__in=MONEY_KINDS, status__in=COUNTED, currency=resolved.currency)
    by_customer = list(
        Action.objects.filter(
            until,
            kind__in=MONEY_KINDS,
            status__in=COUNTED,
            ticket__customer_id=ticket.customer_id,
            approved_at__gte=then - timedelta(days=30),
        ).values_list("currency", "amount")
    )
    alone = approved.filter(verdict=policy.Outcome.AUTO_APPROVE, approved_at__gte=TruncDay(then))
    alone_today = alone.aggregate(total=Sum("amount"))["total"]
    reading = resolved.reading
    captured = reading.order.captured if reading else None
    return Facts(
        kind=resolved.kind.name,
        amount=resolved.amount,
        currency=resolved.currency,
        captured=captured,
        order_refunded=None if captured is None or left is None else captured - left,
        customer_30_days=sum(amount or 0 for currency, amount in by_customer if currency == resolved.currency),
        customer_30_days_count=len(by_customer),
        agent_today=alone_today or 0,
        days_since_delivery=_days_since_delivery(reading) if reading else None,
        further=further,
        position=dial.position(ticket.pk),
        tags=resolved.tags,
    )


def _days_since_delivery(reading: Reading) -> int | None:
    """Whole days when the shop was asked; 0 for what is still to be delivered, None where the shop does not say."""
    delivered = reading.order.delivered_at
    if delivered is None:
        return None if reading.order.status in ("delivered", "returned") else 0
    return max((reading.asked_at - delivered).days, 0)


def serialise(currency: str, customer_id: int) -> None:
    """Lets one proposal at a time add to the sums of a currency and of a customer, until the transaction ends."""
    with connection.cursor() as cursor:
        for what in (f"policy:{currency}", f"policy:customer:{customer_id}"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


def ungrounded(resolved: Resolved, ticket: Ticket, by_agent: bool, sources: Sources = NOW) -> list[str]:
    """What a reply says beyond the ticket's succeeded actions, a sentence each. What people write declares no claims:
    it is held against all that happened."""
    if resolved.kind.name != "reply":
        return []
    done = sources.effects(ticket.pk)
    claimed = resolved.params["claims"] if by_agent else [grounding.claim_of(effect) for effect in done]
    return grounding.ungrounded(resolved.params["text"], claimed, done, resolved.cancelled)


@dataclass
class Preview:
    """How the last actions would have been judged: counts by outcome now and then, and examples that change."""

    total: int = 0
    auto_now: int = 0
    auto_then: int = 0
    approval_now: int = 0
    approval_then: int = 0
    block_now: int = 0
    block_then: int = 0
    examples: list[tuple[Action, str, str]] = field(default_factory=list)


_NAMES = {
    policy.Outcome.AUTO_APPROVE: "auto",
    policy.Outcome.REQUIRE_APPROVAL: "approval",
    policy.Outcome.BLOCK: "block",
}


def preview(*, rules: Rules, days: int) -> Preview:
    """The rules on the real actions of the last `days`, newest first, at most `SAMPLE`."""
    result = Preview()
    for action, facts in _judged(days):
        then = policy.evaluate(rules, facts).outcome
        result.total += 1
        for outcome, suffix in ((policy.Outcome(action.verdict), "now"), (then, "then")):
            name = f"{_NAMES[outcome]}_{suffix}"
            setattr(result, name, getattr(result, name) + 1)
        if then != action.verdict and len(result.examples) < 20:
            result.examples.append((action, action.verdict, then))
    return result


def _judged(days: int) -> Iterator[tuple[Action, Facts]]:
    actions: QuerySet[Action] = Action.objects.filter(created_at__gte=Now() - timedelta(days=days))
    for action in actions.order_by("-created_at", "-pk")[:SAMPLE]:  # the order of an index: bounded however many
        yield action, recorded_facts(action)


def recorded_facts(action: Action) -> Facts:
    """What the action was judged by; its ticket's place on the dial is the same at any time."""
    kept = action.facts
    return Facts(**{
        "kind": action.kind,
        **kept,
        "ungrounded": tuple(kept.get("ungrounded", ())),
        "position": dial.position(action.ticket_id),
        "tags": None if kept.get("tags") is None else tuple(kept["tags"]),
    })  # fmt: skip
