"""manage.py post_tickets, through the signed intake API of a running system."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from agentops.lab.local.programs import ROOT
from agentops.lab.simulator.faults import default_table
from tests.live import Simulator, Web, Worker
from tests.services import INTAKE_SECRET

RETAIL = ROOT.parent / "shared" / "data" / "retail"
ENDED = {"answered", "awaiting_approval", "needs_person"}


@pytest.fixture(scope="module")
def simulator_data() -> Path | None:
    return RETAIL if RETAIL.exists() else None


def post(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "post_tickets", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.skipif(not RETAIL.exists(), reason="the retail benchmark's tickets are not here")
def test_all_tickets_of_the_retail_benchmark_end_well(
    environment: dict[str, str], web: Web, worker: Worker, simulator: Simulator
) -> None:
    usual = default_table().model_dump(mode="json")
    simulator.http.post("/faults", json=usual).raise_for_status()
    file = str(RETAIL / "tickets.json")
    answer = post(environment, file, "--url", web.url, "--wait", "--json")
    assert answer.returncode == 0, answer.stderr
    tickets: list[dict[str, Any]] = json.loads(answer.stdout)
    assert len(tickets) == 44
    assert {ticket["status"] for ticket in tickets} <= ENDED
    assert {ticket["run_status"] for ticket in tickets} <= {"succeeded", "waiting"}

    done = [action for ticket in tickets for action in ticket["actions"] if action["status"] == "succeeded"]
    assert done
    ledger = simulator.ledger()
    assert ledger["duplicates"] == []
    for kind, moved in (("refund", ledger["refunds"]), ("cancel_order", ledger["cancellations"])):
        ours = [action for action in done if action["kind"] == kind]
        assert Counter(map(ours_as_moved, ours)) == Counter(
            (row["reference"], row["amount"], row["currency"]) for row in moved
        )
    answered = [ticket for ticket in tickets if ticket["status"] == "answered"]
    received = [(reply["ticket_id"], reply["body"]) for reply in simulator.replies()]
    assert sorted(received) == sorted((ticket["ticket_id"], ticket["reply"]) for ticket in answered)


def ours_as_moved(action: dict[str, Any]) -> tuple[str, int, str]:
    return action["idempotency_key"], action["amount"], action["currency"]


def test_posting_again_starts_nothing_new(
    environment: dict[str, str], web: Web, worker: Worker, tmp_path: Path
) -> None:
    file = tmp_path / "tickets.json"
    ticket = {"external_id": "again-1", "customer_email": "mia@example.com", "subject": "Hi", "body": "Where is it?"}
    file.write_text(json.dumps([ticket]))
    first, second = (post(environment, str(file), "--url", web.url, "--wait") for _ in range(2))
    assert "1 ticket posted, 0 already posted before" in first.stderr
    assert "0 tickets posted, 1 already posted before" in second.stderr
    assert first.stdout == second.stdout
    assert first.stdout.startswith("again-1    answered")


def test_one_malformed_ticket_prevents_all_posts(environment: dict[str, str], web: Web, tmp_path: Path) -> None:
    file = tmp_path / "tickets.json"
    right = {"external_id": "half-1", "customer_email": "mia@example.com", "subject": "Hi", "body": "Where is it?"}
    file.write_text(json.dumps([right, right | {"external_id": "half-2", "customer_email": "nobody"}]))
    answer = post(environment, str(file), "--url", web.url)
    assert answer.returncode == 1
    assert "no tickets were posted" in answer.stderr
    assert "ticket 1: customer_email: " in answer.stderr
    file.write_text(json.dumps([right]))
    assert "1 ticket posted, 0 already posted before" in post(environment, str(file), "--url", web.url).stderr


def test_a_wrong_secret_is_reported_in_one_line(environment: dict[str, str], web: Web, tmp_path: Path) -> None:
    file = tmp_path / "tickets.json"
    file.write_text('[{"external_id": "s", "customer_email": "mia@example.com", "subject": "Hi", "body": "Hi"}]')
    wrong = environment | {"INTAKE_SIGNING_SECRET": "whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc="}
    answer = post(wrong, str(file), "--url", web.url)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"CommandError: {web.url} didn't accept a ticket (bad_signature). ")
    assert len(answer.stderr.splitlines()) == 1


def test_a_chunked_body_reaches_the_web_server_whole(web: Web) -> None:
    body = (
        b'{"source": "desk", "external_id": "chunks", "customer_email": "mia@example.com", "subject": "", "body": "Hi"}'
    )
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "m",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(INTAKE_SECRET).sign("m", now, body.decode()),
    }
    pieces = (body[at : at + 20] for at in range(0, len(body), 20))
    answer = httpx2.post(f"{web.url}/api/tickets", content=pieces, headers=signed)
    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
