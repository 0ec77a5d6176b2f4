"""Post tickets as a help desk does and follow them, through the signed API only (docs/contracts/intake.yaml)."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from pydantic import ValidationError
from standardwebhooks import Webhook

from agentops.lib import http
from agentops.lib.errors import Transient
from agentops.lib.ids import new_id
from tickets import incoming
from tickets.incoming import NewTicket

# A ticket at rest waits for a person or a customer, so polling it often shows nothing new.
RESTING = frozenset({"answered", "awaiting_approval", "needs_person", "closed"})
POST_TRIES = 5
QUICK, SLOW = 0.5, 5.0  # seconds between two looks at an active ticket, and the maximum for one at rest


class BadTickets(Exception):
    """The file has mistakes; the text has one line for each."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a posted ticket. `new`: it had not been delivered before."""

    external_id: str
    ticket_id: str
    url: str
    new: bool


def read_tickets(text: str, *, source: str) -> list[NewTicket]:
    """Read and check the tickets of a JSON list. `source` applies to tickets that name none. Raises BadTickets."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise BadTickets(f"not JSON: {error}") from None
    if not isinstance(rows, list):
        raise BadTickets("not a JSON list of tickets")
    tickets, wrong = [], []
    for index, row in enumerate(rows):
        try:
            given = {"source": source, **row} if isinstance(row, dict) else row
            tickets.append(incoming.parse(NewTicket, json.dumps(given)))
        except ValidationError as error:
            wrong += [f"ticket {index}: {_place(each['loc'])}{each['msg']}" for each in error.errors()]
    wrong += _duplicates(tickets)
    if wrong:
        raise BadTickets("\n".join(wrong))
    return tickets


def _place(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def _duplicates(tickets: Iterable[NewTicket]) -> Iterator[str]:
    seen = set()
    for ticket in tickets:
        delivery = (ticket.source, ticket.external_id)
        if delivery in seen:
            yield f"external_id {ticket.external_id} occurs twice"
        seen.add(delivery)


class Intake:
    """The intake API at `url`, with requests signed by `secret`."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self._http = http.client(url, timeout=10)
        self._webhook = Webhook(secret)

    def post(self, ticket: NewTicket) -> Posted:
        """Deliver the ticket. Raises ProviderError.

        Repeat if no answer arrived: the API takes a second delivery for the same ticket.
        """
        body = ticket.model_dump_json(exclude_unset=True).encode()
        for left in reversed(range(POST_TRIES)):
            try:
                answer = http.call(self._http, "POST", "/api/tickets", content=body, headers=self._signed(body))
                break
            except Transient:
                if not left:
                    raise
                time.sleep(QUICK)
        receipt = answer.data
        return Posted(ticket.external_id, receipt["ticket_id"], receipt["url"], new=answer.status == 201)

    def look(self, posted: Posted) -> dict[str, Any]:
        """Return the ticket's status in the contract's format. Raises ProviderError."""
        answer = http.call(
            self._http, "GET", f"/api/tickets/{posted.ticket_id}", headers=self._signed(b"", posted.ticket_id)
        )
        latest: dict[str, Any] = answer.data
        return latest

    def close(self) -> None:
        self._http.close()

    def _signed(self, body: bytes, ticket_id: str = "msg") -> dict[str, str]:
        """Return the headers of a request. One that reads a ticket names it in its id."""
        message, now = f"{ticket_id}.{new_id()}", timezone.now()
        return {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message, now, body.decode()),
        }


@dataclass
class Followed:
    """A ticket being followed: its last known status, and when to look again."""

    posted: Posted
    latest: dict[str, Any] = field(default_factory=dict)
    pause: float = QUICK
    due: float = 0.0

    @property
    def rests(self) -> bool:
        return self.latest.get("status") in RESTING


class Following:
    """Looks at tickets repeatedly, less and less often at those at rest."""

    def __init__(self, intake: Intake, posted: Iterable[Posted]) -> None:
        self.tickets = [Followed(each) for each in posted]
        self._intake = intake

    def news(self) -> Iterator[Followed]:
        """Make one round over due tickets, and yield those that came to rest or changed since the last look."""
        return (ticket for ticket in self.looks() if ticket is not None)

    def looks(self) -> Iterator[Followed | None]:
        """Do the same, with None for each look without news, so that the caller can do other work in between.

        A round ends if the system doesn't answer; the next one starts with another ticket.
        """
        for ticket in self.tickets:
            if time.monotonic() < ticket.due:
                continue
            before = ticket.latest.get("status")
            try:
                ticket.latest = self._intake.look(ticket.posted)
            except Transient:  # the web server may be restarting; asking about more tickets now would fail as well
                ticket.due = time.monotonic() + QUICK
                return
            moved = ticket.latest["status"] != before
            # Back off at rest: a decision may take hours, and each look is a request.
            ticket.pause = QUICK if moved or not ticket.rests else min(ticket.pause * 2, SLOW)
            ticket.due = time.monotonic() + ticket.pause
            yield ticket if moved and ticket.rests else None

    def until_rest(self, *, seconds: float) -> Iterator[Followed]:
        """Yield news until every ticket is at rest, or the time is up."""
        deadline = time.monotonic() + seconds
        while not all(ticket.rests for ticket in self.tickets) and time.monotonic() < deadline:
            yield from self.news()
            time.sleep(QUICK / 5)


def summary(ticket: Followed) -> dict[str, Any]:
    """Return a ticket's status for a program, in the format of `post_tickets --json`."""
    wanted = ("kind", "status", "amount", "currency", "target", "idempotency_key", "attempts", "verdict")
    latest = ticket.latest
    runs = latest.get("runs", [])
    sent = [message["body"] for message in latest.get("messages", []) if message["direction"] == "outbound"]
    return {
        "external_id": ticket.posted.external_id,
        "ticket_id": ticket.posted.ticket_id,
        "status": latest.get("status"),
        "run_status": runs[-1]["status"] if runs else None,
        "turns": sum(run["turns"] for run in runs),
        "actions": [{name: action[name] for name in wanted} for action in latest.get("actions", [])],
        "reply": sent[-1] if sent else None,
    }
