"""Posts tickets as a help desk does: each one until it is accepted or refused, however long that takes."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from agentops.lab.chaos import figures
from agentops.lib.errors import ProviderError, Terminal, Transient
from agentops.management import intake
from approvals import states
from tickets.incoming import NewTicket

ENDS = {"answered": figures.ANSWERED, "closed": figures.ANSWERED, "needs_person": figures.WITH_PERSON}
# In progress or done according to our records. Failed or unknown effects were reported to a person as such.
PROMISED = (states.APPROVED, states.EXECUTING, states.SUCCEEDED)
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 60.0  # for all of them together: an unavailable web server is waited for only once


class Poster:
    """Posts in a thread of its own, at intervals in seconds. Until `done`, `started` grows (the external ids sent at
    least once), and `posted`, those accepted."""

    def __init__(self, api: intake.Intake, tickets: Iterable[dict[str, Any]], *, seconds: float = 0.0) -> None:
        self.started: list[str] = []
        self.posted: list[intake.Posted] = []
        self._api = api
        self._tickets = intake.read_tickets(json.dumps(list(tickets)), source="chaos")
        self._pause = seconds
        self._stopping = Event()
        self._thread = Thread(target=self._post, name="poster", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop posting further tickets. Returns immediately: a pending one is still sent, until `done`."""
        self._stopping.set()

    def _post(self) -> None:
        for ticket in self._tickets:
            self.started.append(ticket.external_id)
            with suppress(ProviderError):  # refused: retrying would change nothing
                self.posted.append(self._deliver(ticket))
            if self._stopping.wait(self._pause):
                return

    def _deliver(self, ticket: NewTicket) -> intake.Posted:
        """Deliver the ticket, retrying as long as necessary. Raises ProviderError if it is refused."""
        while True:
            try:
                return self._api.post(ticket)
            except Transient as error:
                if 300 <= (error.http_status or 0) < 400:  # redirected, and a retry would be too
                    raise Terminal("redirected", error.message) from error
                time.sleep(PAUSE_SECONDS)  # the same delivery again: it starts nothing twice


def ends(api: intake.Intake, posted: Iterable[intake.Posted]) -> dict[str, figures.End]:
    """Return how each ticket ended by external id, as the intake API reports it."""
    deadline = time.monotonic() + LOOK_SECONDS
    return {each.external_id: _end(api, each, deadline) for each in posted}


def _end(api: intake.Intake, posted: intake.Posted, deadline: float) -> figures.End:
    while True:
        try:
            latest = api.look(posted)
        except Terminal:
            return figures.NOWHERE
        except Transient:
            if time.monotonic() > deadline:
                return figures.NOWHERE
            time.sleep(PAUSE_SECONDS)
        else:
            promised = [row["idempotency_key"] for row in latest["actions"] if row["status"] in PROMISED]
            return figures.End(ENDS.get(latest["status"], figures.MOVING), frozenset(promised))
