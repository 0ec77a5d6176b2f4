"""A scripted HTTP server: the seam at which a test plays an outside system.

A request that the script does not expect, or an answer that is never requested, fails the test.
"""

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Say:
    """An answer. `body` is sent as JSON, or unchanged if it is bytes. `status` 0: the connection is cut. `once` is
    called first, while the request is open."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    once: Callable[[], object] | None = None

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


CUT = Say(status=0)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass
class Script:
    """The remaining answers, in order, and the requests so far."""

    url: str = ""
    answers: deque[Say] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def will_say(self, *answers: Say) -> None:
        self.answers.extend(answers)


@contextmanager
def scripted(*answers: Say) -> Iterator[Script]:
    """Start a server with this script. Raises AssertionError at the end if script and requests did not match."""
    script = Script(answers=deque(answers))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                script.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
                if not script.answers:
                    script.unexpected.append(f"{self.command} {self.path}")
                    say = Say({"error": {"code": "unscripted", "message": "nothing is left to say"}}, 400)
                else:
                    say = script.answers.popleft()
            if say.once:
                say.once()
            self.say(say)

        do_GET = do_POST = do_PATCH = answer

        def say(self, say: Say) -> None:
            if say.status == 0:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            body = say.encoded()
            self.send_response(say.status)
            headers = {"Content-Type": "application/json", "Content-Length": str(say.length or len(body))}
            for name, value in {**headers, **say.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if say.length:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # some scripts expect clients that disconnect

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not script.unexpected, f"requests without an answer in the script: {script.unexpected}"
    assert not script.answers, f"{len(script.answers)} answers of the script were not requested"
