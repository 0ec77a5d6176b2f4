"""A simulator in a process of its own, with any command line, and a client of it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import httpx2


class World:
    """A running simulator and a client of it."""

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "agentops.lab.simulator", "--port", "0", "--model-latency", "0", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | (environment or {})
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.url = json.loads(line)["listening"]
        self.http = httpx2.Client(base_url=self.url, timeout=10)

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def order(self, **wanted: Any) -> dict[str, Any]:
        """An order with nothing refunded, found as an agent would find it: through its customer."""
        for ticket in self.get("/demo/tickets"):
            for order in self.get(f"/orders?customer_email={quote(ticket['customer_email'])}")["orders"]:
                untouched = not any(payment["refunded"] for payment in order["payments"])
                if untouched and all(order[name] == value for name, value in wanted.items()):
                    found: dict[str, Any] = order
                    return found
        raise AssertionError(wanted)

    def refund(self, order: dict[str, Any], key: str = "t1:refund:1", **changed: Any) -> httpx2.Response:
        body = {
            "payment_id": order["payments"][0]["payment_id"],
            "order_id": order["order_id"],
            "amount": 100,
            "currency": order["currency"],
            "reference": key,
        }
        return self.http.post("/refunds", json=body | changed, headers={"Idempotency-Key": key})

    def effects(self, reference: str) -> int:
        """How many refunds were made under a reference."""
        return len(self.get(f"/refunds?reference={quote(reference)}")["refunds"])

    def fault(self, endpoint: str, **rule: Any) -> None:
        table = {"endpoints": {endpoint: [{"rate": 1, **rule}]}}
        self.http.post("/faults", json=table).raise_for_status()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit status, and what it said besides its address."""
        self.http.close()
        self.process.send_signal(number)
        said = "".join(self.process.communicate(timeout=10))
        return self.process.returncode, said


def path_of(order: dict[str, Any]) -> str:
    return f"/orders/{quote(order['order_id'], safe='')}"


def code(response: httpx2.Response) -> str:
    return str(response.json()["error"]["code"])
