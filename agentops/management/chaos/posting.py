"""Tickets posted as a help desk does: each until it is taken, however long that needs."""

import json
import time
from collections.abc import Iterable
from threading import Event, Thread
from typing import Any

from agentops.lib.errors import ProviderError
from agentops.management import intake
from agentops.management.chaos import figures

ENDS = {"answered": figures.ANSWERED, "closed": figures.ANSWERED, "needs_person": figures.WITH_PERSON}
PAUSE_SECONDS = 1.0
LOOK_TRIES = 30


class Poster:
    """Posts in a thread of its own, one every so many seconds. `posted` grows until `done`."""

    def __init__(self, api: intake.Intake, tickets: Iterable[dict[str, Any]], *, seconds: float = 0.0) -> None:
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
        """No further tickets; the one that is on its way is still delivered."""
        self._stopping.set()
        self._thread.join()

    def _post(self) -> None:
        for ticket in self._tickets:
            while True:
                try:
                    self.posted.append(self._api.post(ticket))
                    break
                except ProviderError:
                    time.sleep(PAUSE_SECONDS)  # the same delivery again: it starts nothing twice
            if self._stopping.wait(self._pause):
                return


def ends(api: intake.Intake, posted: Iterable[intake.Posted]) -> dict[str, str]:
    """How each ticket stands, by its external id, as the intake API says."""
    return dict(_end(api, each) for each in posted)


def _end(api: intake.Intake, posted: intake.Posted) -> tuple[str, str]:
    for _ in range(LOOK_TRIES):
        try:
            return posted.external_id, ENDS.get(api.look(posted)["status"], figures.MOVING)
        except ProviderError as error:
            if error.http_status == 404:
                break
            time.sleep(PAUSE_SECONDS)
    return posted.external_id, figures.UNKNOWN
