"""The simulated outside world and its records: what really happened, whatever either side believes."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from agentops.lab.chaos import faults
from agentops.lab.local import programs
from agentops.lab.local.processes import Supervisor

MODEL_LATENCY_SECONDS = "0.2"


class Outside:
    """Orders, payments, inbox and model in a process of its own, with faults.

    Its payments support idempotency keys and check nothing else, as many gateways do: only the caller stands between
    the model and the money.
    """

    def __init__(self, folder: Path, supervisor: Supervisor, *, tickets: int, seed: int) -> None:
        table = folder / "faults.json"
        table.write_text(json.dumps(faults.table()))
        options = ["--seed", str(seed), "--customers", str(3 * tickets + 100), "--trusting", "--faults", str(table)]
        options += ["--model-latency", MODEL_LATENCY_SECONDS]
        self.url = programs.simulator_url(supervisor.start(programs.simulator(dict(os.environ), *options)))
        self._http = httpx2.Client(base_url=self.url, timeout=30)
        self.tickets: list[dict[str, Any]] = self._get(f"/demo/tickets?count={tickets}&seed={seed}")

    def calm_down(self) -> None:
        """Remove all faults, to read the records."""
        self._http.post("/faults", json={"endpoints": {}, "model": {}}).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        return self._get("/ledger")  # type: ignore[no-any-return]  # JSON of the simulator

    def replies(self) -> list[dict[str, Any]]:
        """Return the replies that customers received, oldest first."""
        return self._get("/replies")["replies"]  # type: ignore[no-any-return]  # JSON of the simulator

    def order(self, order_id: str) -> dict[str, Any] | None:
        answer = self._http.get(f"/orders/{quote(order_id, safe='')}")
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    def customers_of(self, email: str) -> set[str]:
        """Return the ids of the customers who ordered under this address."""
        return {order["customer_id"] for order in self._get(f"/orders?customer_email={quote(email)}")["orders"]}

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def close(self) -> None:
        self._http.close()
