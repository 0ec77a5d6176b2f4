"""Behind PgBouncer in transaction mode, everything works that works with PostgreSQL itself, at the same time."""

import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from agentops.lab.local.ports import reserved_port
from agentops.lab.local.privileges import servant
from agentops.lab.local.processes import Process, Program
from agentops.lab.local.programs import ROOT
from agentops.management.intake import Intake
from approvals.audit import seals
from tests.browser import apt_install
from tests.conftest import LIVE
from tests.live import Lead, Simulator, Web, Worker
from tests.services import INTAKE_SECRET, child_environment, services
from tests.waiting import until
from tests.world import put_rules, write_shop
from tickets.intake import NewTicket
from tickets.models import Ticket

SERVER_CONNECTIONS = 4  # fewer than the processes open, so that they share them
TICKETS = 24
CONFIG = """
[databases]
* = host={host} port={port} user={owner}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {most}
max_client_conn = 200
auth_type = any
ignore_startup_parameters = extra_float_digits
{user}
"""


@pytest.fixture(scope="module")
def simulator_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def shelf(simulator_data: Path) -> dict[str, deque[dict[str, Any]]]:
    return write_shop(simulator_data)


@pytest.fixture(scope="module")
def pooler(live_database: str) -> Iterator[str]:
    """The address of the module's database through a PgBouncer."""
    path = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if path is None:
        apt_install("pgbouncer")
        path = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if path is None:
        pytest.skip("no PgBouncer here, nor from apt")
    place, user = connection.settings_dict, servant()
    with reserved_port() as port:
        config = services().folder / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                host=place["HOST"],
                port=place["PORT"] or 5432,
                owner=place["USER"],
                listen=port,
                most=SERVER_CONNECTIONS,
                user=f"user = {user.name}" if user else "",
            )
        )
        process = Process(Program("pgbouncer", [path, str(config)], {}, Path("/")), logs=services().logs)
        address = f"postgres://{place['USER']}@127.0.0.1:{port}/{LIVE}"
        process.wait_until(lambda: answers(address))
        yield address
        process.stop()


def answers(address: str) -> bool | None:
    try:
        with psycopg.connect(address, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return None


@pytest.fixture(scope="module")
def environment(pooler: str, shelf: object, simulator_process: Simulator) -> dict[str, str]:
    put_rules()
    return child_environment(DATABASE_URL=pooler, DATABASE_TRANSACTION_POOLER="1", **simulator_process.settings())


def verify(environment: dict[str, str]) -> str:
    """Run `manage.py verify_audit` through the pooler, and return what it says."""
    command = [sys.executable, "manage.py", "verify_audit"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True
    ).stdout


def seal_everything() -> bool:
    """Seal what is there. Returns whether it is done; open transactions delay it."""
    seals.seal_events(pause=timedelta())
    newest = seals.newest_seal()
    return newest is not None and newest.events > 0


def post(web: Web, orders: list[dict[str, Any]]) -> None:
    api = Intake(web.url, INTAKE_SECRET)
    for order in orders:
        api.post(
            NewTicket(
                source="test",
                external_id=order["order_id"],
                customer_email=order["customer_email"],
                customer_name="Kim Doe",
                subject="My order",
                body=f"The mug in order {order['order_id']} arrived broken. Please refund the mug, $20.00.",
            )
        )
    api.close()


def test_web_worker_exports_and_verification_at_once(
    environment: dict[str, str],
    web: Web,
    worker: Worker,
    simulator: Simulator,
    shelf: dict[str, deque[dict[str, Any]]],
) -> None:
    orders = [shelf["plain"].popleft() for _ in range(TICKETS)]
    post(web, orders[: TICKETS // 2])
    until(seal_everything, seconds=60)
    with (
        Lead(web.url, "ines", role="auditor") as auditor,
        Lead(web.url, "omar", role="auditor") as other,
        ThreadPoolExecutor(7) as pool,
    ):
        verified = [pool.submit(verify, environment) for _ in range(3)]
        exported = [
            pool.submit(auditor.get, "/audit/export/"),
            pool.submit(other.get, "/audit/export/?format=json"),
            pool.submit(other.get, "/actions/export/"),
        ]
        post(web, orders[TICKETS // 2 :])
        assert all("Verified: " in each.result() for each in verified)
        lines, events, actions = (each.result() for each in exported)
    assert lines.count("ticket.") > 0 < len(json.loads(events))
    assert actions.startswith("id,")
    ended = Ticket.objects.filter(status__in=("answered", "needs_person"))
    until(lambda: ended.count() == TICKETS, seconds=90)
    refunds = [row["order_id"] for row in simulator.ledger()["refunds"]]
    assert len(refunds) == len(set(refunds)) > 0
