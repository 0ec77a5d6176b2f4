"""A language model that bills: an HTTP server that answers any number of calls at once and records what it billed.
Budgets are compared with that record."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.completions import hands_over, triage, uses

# This provider's prices, in US dollars per token.
CHARGES = {"dear": (Decimal("10e-6"), Decimal("40e-6")), "cheap": (Decimal("1e-6"), Decimal("4e-6"))}


@dataclass
class Biller:
    """`greedy`: its answers are as long as allowed, and every byte counts as a token. `over`: it bills this many
    times the maximum."""

    url: str = ""
    turns: int = 3
    greedy: float = 1.0
    over: int = 1
    answers: bool = True
    billed: dict[str, Decimal] = field(default_factory=dict)
    metered: bool = True
    tokens: int = 0
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> Decimal:
        return sum(self.billed.values(), Decimal(0))

    def bill(self, asked: dict[str, Any], size: int) -> dict[str, int]:
        share = random.uniform(self.greedy, 1.0)
        read, said = int(size * share), int(asked["max_completion_tokens"] * share) * self.over
        per_input, per_output = CHARGES[asked["model"]]
        with self.lock:
            self.calls.append(asked["model"])
            self.tokens += read + said
            self.billed[asked["model"]] = (
                self.billed.get(asked["model"], Decimal(0)) + read * per_input + said * per_output
            )
        return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}

    def say(self, asked: dict[str, Any]) -> dict[str, Any]:
        done = sum(message["role"] == "assistant" for message in asked["messages"])
        if "response_format" in asked:
            return triage().body
        return (uses("get_customer") if done < self.turns - 1 else hands_over("Enough.")).body


@contextmanager
def billing(**options: Any) -> Iterator[Biller]:
    biller = Biller(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(sent)
            usage = biller.bill(asked, len(sent))
            body = json.dumps({**biller.say(asked), "usage": usage if biller.metered else None}).encode()
            if not biller.answers:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    biller.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield biller
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
