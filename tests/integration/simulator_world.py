"""A simulator in its own process, with any command line, and a client for it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import httpx2


class World:
    """A running simulator and a client for it."""

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
        """Return an order with nothing refunded, found through its customer as an agent would."""
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
        """Return the number of refunds made under a reference."""
        return len(self.get(f"/refunds?reference={quote(reference)}")["refunds"])

    def fault(self, endpoint: str, **rule: Any) -> None:
        table = {"endpoints": {endpoint: [{"rate": 1, **rule}]}}
        self.http.post("/faults", json=table).raise_for_status()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Return the exit status and the output, without the address line."""
        self.http.close()
        self.process.send_signal(number)
        said = "".join(self.process.communicate(timeout=10))
        return self.process.returncode, said


def path_of(order: dict[str, Any]) -> str:
    return f"/orders/{quote(order['order_id'], safe='')}"


def code(response: httpx2.Response) -> str:
    return str(response.json()["error"]["code"])
