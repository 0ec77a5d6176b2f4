"""Tickets posted as a help desk does: each until it is taken or refused, however long that needs."""

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
from tickets.intake import NewTicket

ENDS = {"answered": figures.ANSWERED, "closed": figures.ANSWERED, "needs_person": figures.WITH_PERSON}
# What is under way or done by our own books. What failed, or is not known, was told to a person as such.
PROMISED = (states.APPROVED, states.EXECUTING, states.SUCCEEDED)
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 60.0  # for all of them together: a web server that is away is waited for once


class Poster:
    """Posts in a thread of its own, one every so many seconds. Until `done`, `begun` grows (the external ids of what
    was sent at least once), and `posted`, what of it was taken."""

    def __init__(self, api: intake.Intake, tickets: Iterable[dict[str, Any]], *, seconds: float = 0.0) -> None:
        self.begun: list[str] = []
        self.posted: list[intake.Posted] = []
        self._api = api
        self._tickets = intake.read(json.dumps(list(tickets)), source="chaos")
        self._pause = seconds
        self._stopping = Event()
        self._thread = Thread(target=self._post, name="poster", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """No further tickets. Returns at once: the one that is on its way is still sent, until `done`."""
        self._stopping.set()

    def _post(self) -> None:
        for ticket in self._tickets:
            self.begun.append(ticket.external_id)
            with suppress(ProviderError):  # refused: asking again would change nothing
                self.posted.append(self._deliver(ticket))
            if self._stopping.wait(self._pause):
                return

    def _deliver(self, ticket: NewTicket) -> intake.Posted:
        """Raises ProviderError where it is refused."""
        while True:
            try:
                return self._api.post(ticket)
            except Transient as error:
                if 300 <= (error.http_status or 0) < 400:  # sent elsewhere, and will be again
                    raise Terminal("redirected", error.message) from error
                time.sleep(PAUSE_SECONDS)  # the same delivery again: it starts nothing twice


def ends(api: intake.Intake, posted: Iterable[intake.Posted]) -> dict[str, figures.End]:
    """How each ticket stands, by its external id, as the intake API says."""
    deadline = time.monotonic() + LOOK_SECONDS
    return {each.external_id: _end(api, each, deadline) for each in posted}


def _end(api: intake.Intake, posted: intake.Posted, deadline: float) -> figures.End:
    while True:
        try:
            standing = api.look(posted)
        except Terminal:
            return figures.NOWHERE
        except Transient:
            if time.monotonic() > deadline:
                return figures.NOWHERE
            time.sleep(PAUSE_SECONDS)
        else:
            promised = [row["idempotency_key"] for row in standing["actions"] if row["status"] in PROMISED]
            return figures.End(ENDS.get(standing["status"], figures.MOVING), frozenset(promised))
