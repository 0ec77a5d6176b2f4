"""A lossy relay between a client and a third-party server, which loses what a test tells it to lose."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

NOT_PASSED_ON = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "keep-alive", "date"}


@dataclass
class Lossy:
    """`posts` counts the POSTs that clients sent. Of the next ones, `swallow` never reach the server, the answers of
    `cut` are lost after the effect, and `hold` reach it only once `release` is set, when nobody is waiting for the
    answer."""

    url: str = ""
    posts: int = 0
    swallow: int = 0
    cut: int = 0
    hold: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def fate(self) -> str:
        """Return what happens to the POST that has just arrived."""
        self.posts += 1
        for name in ("swallow", "cut", "hold"):
            if left := getattr(self, name):
                setattr(self, name, left - 1)
                return name
        return "pass"


@contextmanager
def lossy(upstream: str) -> Iterator[Lossy]:
    relay, lock = Lossy(), threading.Lock()
    server_side = httpx2.Client(base_url=upstream, timeout=30, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                fate = relay.fate() if self.command == "POST" else "pass"
            if fate == "swallow":
                return self.hang_up()
            if fate == "hold":
                relay.release.wait(20)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
            answer = server_side.request(self.command, self.path, content=body, headers=headers)
            if fate == "hold":
                relay.arrived.set()
            if fate != "pass":
                return self.hang_up()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {*NOT_PASSED_ON, "content-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)
            return None

        do_GET = do_POST = pass_on

        def hang_up(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # disconnecting clients are expected here

    server = Server(("127.0.0.1", 0), Handler)
    relay.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
        server_side.close()
