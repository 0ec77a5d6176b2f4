"""How the race and the soak post tickets: which were started, which were accepted, an end that doesn't wait, and
what is read of each ticket at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agentops.lab.chaos import figures
from agentops.lab.chaos.posting import Poster, ends
from agentops.management.intake import Intake, Posted
from tests.scripted import Say, scripted
from tests.services import INTAKE_SECRET
from tests.waiting import until

TICKETS = [
    {"external_id": name, "customer_email": "mia@example.com", "subject": "Hello", "body": "Where is it?"}
    for name in ("a-1", "a-2")
]
TAKEN = Say({"ticket_id": "t", "url": "http://localhost/tickets/t/", "status": "open"}, 201)
AWAY = Say({"error": {"code": "away", "message": "The database is away."}}, 503)
REFUSED = Say({"error": {"code": "bad_signature", "message": "The signature is invalid."}}, 401)


@contextmanager
def posting(*answers: Say) -> Iterator[Poster]:
    with scripted(*answers) as desk:
        api = Intake(desk.url, INTAKE_SECRET)
        poster = Poster(api, TICKETS)
        yield poster
        until(lambda: poster.done)
        api.close()


def taken(poster: Poster) -> list[str]:
    return [posted.external_id for posted in poster.posted]


def test_a_refused_ticket_counts_as_started_and_posting_continues() -> None:
    with posting(REFUSED, TAKEN) as poster:
        until(lambda: poster.done)
        assert (poster.started, taken(poster)) == (["a-1", "a-2"], ["a-2"])


def test_stopping_does_not_wait_and_pending_posts_are_delivered() -> None:
    with posting(AWAY, AWAY, AWAY, AWAY, TAKEN) as poster:
        until(lambda: poster.started)
        poster.stop()
        assert not poster.done
        until(lambda: poster.done)
        assert (poster.started, taken(poster)) == (["a-1"], ["a-1"])


@pytest.mark.parametrize("status", ["approved", "executing", "succeeded"])
def test_approved_or_succeeded_actions_count_as_promised(status: str) -> None:
    rows = [("t:refund:1", status), ("t:refund:2", "failed"), ("t:reply:1", "unresolved"), ("t:reply:2", "rejected")]
    actions = [{"idempotency_key": key, "status": said} for key, said in rows]
    with scripted(Say({"status": "needs_person", "actions": actions}), Say(REFUSED.body, 404)) as desk:
        api = Intake(desk.url, INTAKE_SECRET)
        posted = [Posted(name, "t", "http://localhost/tickets/t/", new=True) for name in ("a-1", "a-2")]
        found = ends(api, posted)
        api.close()
    promised = figures.End(figures.WITH_PERSON, frozenset({"t:refund:1"}))
    assert found == {"a-1": promised, "a-2": figures.NOWHERE}
