"""The system's processes under a test's control: real ones, started and stopped by the test."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from django.contrib.auth.models import Group, User

from agentops.lab.local import programs
from agentops.lab.local.processes import Process
from approvals.models import ApprovalRequest
from tests.screen import card_fields
from tests.services import child_environment


class Simulator:
    """The fake world in a process of its own, without faults until a test sets some."""

    def __init__(
        self, *, logs: Path, data: Path | None = None, seed: int = 1, forgetful: bool = False, latency: float = 0.0
    ) -> None:
        options = ["--seed", str(seed), "--faults", "none", "--model-latency", str(latency)]
        if forgetful:
            options.append("--forgetful")
        if data is not None:
            options += ["--data", str(data)]
        self.process = Process(programs.simulator(child_environment(), *options), logs=logs)
        self.url = programs.simulator_url(self.process)
        self.http = httpx2.Client(base_url=self.url, timeout=10)

    def settings(self) -> dict[str, str]:
        """Return the settings (and a child's environment) that point at it."""
        return {
            "ORDERS_URL": self.url,
            "PAYMENTS_URL": self.url,
            "REPLIES_URL": f"{self.url}/replies",
            "OPENAI_BASE_URL": f"{self.url}/v1",
        }

    def faults(
        self,
        *,
        endpoints: Mapping[str, list[Mapping[str, Any]]] | None = None,
        model: Mapping[str, float] | None = None,
    ) -> None:
        """Replace the whole table of faults. Without arguments there are none."""
        table = {"endpoints": endpoints or {}, "model": model or {}}
        self.http.post("/faults", json=table).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        return self.get("/ledger")

    def replies(self) -> list[dict[str, Any]]:
        replies: list[dict[str, Any]] = self.get("/replies")["replies"]
        return replies

    def demo_tickets(self) -> list[dict[str, Any]]:
        return self.get("/demo/tickets")

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def stop(self) -> None:
        self.http.close()
        self.process.stop()


@dataclass
class Worker:
    """A Celery worker including the sweep. It may be killed and started again."""

    environment: Mapping[str, str]
    logs: Path
    process: Process | None = None
    threads: int = 8

    def start(self) -> None:
        assert self.process is None, "it is already running"
        self.process = Process(programs.worker(self.environment, threads=self.threads), logs=self.logs)
        programs.wait_for_worker(self.process)

    def stop(self) -> None:
        """Stop it as a deployment does: with SIGTERM, so that it may finish its current work."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process = None


class Web:
    """The web server."""

    def __init__(self, environment: Mapping[str, str], *, port: int, logs: Path) -> None:
        self.url = f"http://localhost:{port}"
        self.process = Process(programs.web({**environment, "PUBLIC_URL": self.url}, port=port, workers=1), logs=logs)
        programs.wait_for_web(self.process, port=port)

    def stop(self) -> None:
        self.process.stop()


class Lead:
    """A lead, signed in to the web server as by a browser without JavaScript."""

    def __init__(self, url: str, name: str = "maya", *, role: str = "lead") -> None:
        password = "a-password-of-a-test"
        if not User.objects.filter(username=name).exists():
            user = User.objects.create_user(name, password=password)
            user.groups.add(Group.objects.get(name=role))
        self._http = httpx2.Client(base_url=url, timeout=10, headers={"Referer": url})
        self._http.get("/login/").raise_for_status()
        self._send("/login/", username=name, password=password)

    def __enter__(self) -> "Lead":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> str:
        """Return the page, or the whole download."""
        return self._http.get(path).raise_for_status().text

    def approve(self, request: ApprovalRequest) -> None:
        self._send(f"/queue/{request.pk}/approve/", **card_fields(request))

    def _send(self, url: str, **form: str) -> None:
        answer = self._http.post(url, data={**form, "csrfmiddlewaretoken": self._http.cookies["csrftoken"]})
        assert answer.status_code == 302, answer.text[:500]
