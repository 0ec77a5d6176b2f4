"""What people do in a story: decide waiting requests, resolve unknown outcomes, resume what was held up, and
whatever else a scenario asks of them (`Scenario.also`). Each part can be started again at any point, like a person
who presses a button again after no answer."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError, Refused
from agentops.llm import pricelist
from agentops.models import Hold, Run
from agentops.runs import closing as desk
from approvals import states
from approvals.decisions import decide as deciding
from approvals.effects import pauses, stops
from approvals.models import Action, ApprovalRequest, Finding
from approvals.reconciliation import by_hand, findings
from tests.crash import shop
from tests.crash.cases import (
    ELSEWHERE,
    FURTHER,
    HANDED_OVER,
    LEASE_SECONDS,
    MAY_INTERRUPT,
    MAY_TAKE_BACK,
    STOPPED,
    UNPRICED,
)
from tickets import incoming, intake
from tickets.models import Message, Ticket

LEAD = "lead"
ON_ITS_WAY_SECONDS = LEASE_SECONDS * 1.5 + 2
STOPPED_KIND = "cancel_order"
LONGEST_STOP = timedelta(seconds=3)  # after that, held-up people have it resumed
PRICE = pricelist.Rates(input=Decimal("0.25"), output=Decimal(2))
# Refunds made by the shop itself, by their key there.
KEY_ELSEWHERE, AMOUNT_ELSEWHERE, TRIES_ELSEWHERE = "elsewhere-", 500, 3
WRITTEN_AGAIN = "Please refund 20.00 USD for order {order}, as I said."
TAKING_BACK = "I withdraw my request, please do not send money."
INTERRUPTION = "By the way, I am at home until six."  # no further complaint, which would be a further refund
ANSWER, MOST_ANSWERS = "A colleague will call you today.", 2


def lead() -> User:
    return User.objects.get(username=LEAD)


def decide(request: ApprovalRequest) -> None:
    """A lead approves what a customer asked for, and rejects held replies and what is no longer possible or
    wanted."""
    shown = {"request_id": request.pk, "by": lead(), "seen": deciding.seen_now(request)}
    try:
        if request.action.kind == "reply":
            deciding.reject(**shown, reason="That is not what happened.")
            return
        wanted = _first_words(request.action.ticket_id)
        if MAY_TAKE_BACK in wanted and not _write(request.action.ticket_id, "taken-back", TAKING_BACK):
            deciding.reject(**{**shown, "seen": deciding.seen_now(request)}, reason="The customer took it back.")
            return
        try:
            deciding.approve(**shown)
        except Refused as refused:
            deciding.reject(**shown, reason=f"No longer possible: {refused.message}")
        if MAY_INTERRUPT in wanted:
            _write(request.action.ticket_id, "interruption", INTERRUPTION)
    except (deciding.AlreadyDecided, deciding.ChangedSinceShown, ProviderError):
        connection.close()  # checked again in the next round


def _first_words(ticket_id: str) -> str:
    return Message.objects.filter(ticket=ticket_id).earliest("pk").body


def _write(ticket_id: str, external_id: str, body: str) -> bool:
    """The customer writes, once. Return whether it is new."""
    said = incoming.NewMessage(ticket_id=ticket_id, external_id=external_id, body=body)
    return intake.receive_message(ticket_id, said)[1]


def unknown_replies() -> QuerySet[Action]:
    return Action.objects.filter(kind="reply", status=states.UNRESOLVED)


def find_out(replies: Iterable[Action]) -> bool:
    """A person checks the help desk once nothing can still be on its way, and reports the result. Returns False
    if it is too early."""
    found = False
    recent = Now() - timedelta(seconds=ON_ITS_WAY_SECONDS)
    for action in replies:
        if action.attempts.filter(Q(started_at__gt=recent) | Q(finished_at__gt=recent)).exists():
            continue
        inbox = json.loads(urlopen(settings.REPLIES_URL).read())["replies"]  # noqa: S310 - the simulator's
        happened = action.idempotency_key in {row["webhook_id"] for row in inbox}
        with suppress(Refused):  # somebody else was faster
            by_hand.resolve_by_hand(action_id=action.pk, by=lead(), happened=happened, reason="Looked into the inbox.")
        found = True
    return found


def resume_held_work(mine: Sequence[str]) -> None:
    """Resume what was held up for a person: refused credentials, the stop switch, a model without a price."""
    for provider in pauses.paused_names():
        pauses.resume_provider(provider, by=LEAD)
    for stop in stops.active_stops().filter(Q(reason__in=_looked_into(mine)) | Q(stopped_at__lt=Now() - LONGEST_STOP)):
        stops.resume_stopped(stop_id=stop.pk, by=lead())
    for hold in Hold.objects.filter(run__ticket__in=mine, cause=Hold.Cause.PRICE):
        if pricelist.find_price(hold.model) is None:
            pricelist.enter_price(model=hold.model, rates=PRICE, by=lead(), note="As its server says.")


def before(also: str, number: int) -> None:
    """Events before a ticket exists."""
    if also == STOPPED:
        for stop in stops.active_stops():  # a stop of another story, whose people are gone
            stops.resume_stopped(stop_id=stop.pk, by=lead())
        with suppress(Refused):  # somebody has just stopped it
            stops.stop_kind(kind=STOPPED_KIND, reason=_looks_into(number), by=lead())
    elif also == ELSEWHERE:
        _refund_elsewhere(number)
    elif also == UNPRICED:
        settings.LLM_TRIAGE_MODEL = f"model-{number}"


def write_again(also: str, mine: Sequence[str]) -> None:
    """Send the customer's further message, again where it was not answered."""
    if also == FURTHER:
        for ticket in Ticket.objects.filter(pk__in=mine).select_related("customer"):
            order = shop.order_id(shop.number_of(ticket.customer.email))
            said = incoming.NewMessage(ticket_id=ticket.pk, external_id="again", body=WRITTEN_AGAIN.format(order=order))
            intake.receive_message(ticket.pk, said)


def round_off(also: str, mine: Sequence[str]) -> dict[str, str]:
    """Do what people do at the end, for tickets that still need something."""
    stands: dict[str, str] = {}
    for ticket in Ticket.objects.filter(pk__in=mine).select_related("customer"):
        if also == HANDED_OVER and ticket.status != Ticket.Status.CLOSED:
            stands[ticket.pk] = _see_to(ticket)
        elif also == ELSEWHERE:
            for finding in elsewhere(shop.number_of(ticket.customer.email)).filter(closed_at=None):
                stands[ticket.pk] = _look_into(finding)
    return stands


def elsewhere(number: int) -> QuerySet[Finding]:
    """Return the shop's own refunds of this order."""
    return Finding.objects.filter(theirs__reference=f"{KEY_ELSEWHERE}{number}")


def _looks_into(number: int) -> str:
    """Why somebody has stopped cancellations."""
    return f"Somebody looks into order {shop.order_id(number)}."


def _looked_into(mine: Sequence[str]) -> Iterator[str]:
    emails = Ticket.objects.filter(pk__in=mine).values_list("customer__email", flat=True)
    return (_looks_into(shop.number_of(email)) for email in emails)


def _see_to(ticket: Ticket) -> str:
    runs = Run.objects.filter(ticket=ticket).count()
    answers = list(Action.objects.filter(ticket=ticket, kind="reply", run_id=None).values_list("status", flat=True))
    with suppress(Refused):  # something is in progress, or somebody was faster
        if runs < 2:
            desk.run_again(ticket.pk, by=lead())
        elif all(status in states.WITHOUT_EFFECT for status in answers) and len(answers) < MOST_ANSWERS:
            deciding.reply_by_hand(ticket=ticket, text=ANSWER, by=lead())
        else:
            desk.close_ticket(ticket.pk, by=lead())
    return f"{runs} runs, {answers}"


def _look_into(finding: Finding) -> str:
    with suppress(Refused):  # somebody was faster
        findings.close_finding(finding_id=finding.pk, by=lead(), note="The shop's own refund.")
    return f"{finding} is open"


def _refund_elsewhere(number: int) -> None:
    """At the provider, not through us; the provider's faults affect it too."""
    body = {
        "payment_id": f"pay_{number}",
        "order_id": shop.order_id(number),
        "amount": AMOUNT_ELSEWHERE,
        "currency": "USD",
        "reference": f"{KEY_ELSEWHERE}{number}",
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": body["reference"]}
    asked = Request(f"{settings.PAYMENTS_URL}/refunds", json.dumps(body).encode(), headers)  # noqa: S310 - the simulator's
    for _ in range(TRIES_ELSEWHERE):
        with suppress(URLError, HTTPException, OSError):
            urlopen(asked, timeout=LEASE_SECONDS * 2).read()  # noqa: S310 - the simulator's
            return
        time.sleep(0.05)
