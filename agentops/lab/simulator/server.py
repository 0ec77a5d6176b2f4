"""HTTP/1.1 over sockets, and the faults that happen on the network."""

import os
import socket
import struct
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any

from .faults import FaultName, Rule
from .wire import JSON, Answer, BadRequest, Request, error
from .world import Route, World

MAX_BODY = 4 * 1024 * 1024

# Faults that are answers, given without any effect or record.
REFUSALS = {
    FaultName.RATE_LIMITED: Answer(
        429,
        {"error": {"code": "rate_limited", "message": "Too many requests.", "type": "rate_limited"}},
        {"Retry-After": "1"},
    ),
    FaultName.ERROR_500_BEFORE: error(500, "internal", "Internal server error."),
    FaultName.UNAVAILABLE: error(503, "unavailable", "The service is temporarily unavailable."),
    FaultName.UNAUTHORIZED: error(401, "unauthorized", "Invalid credentials."),
    FaultName.TOO_EARLY: error(425, "too_early", "Too early. Try again in a moment."),
    FaultName.IN_PROGRESS: error(409, "idempotency_in_progress", "The first request with this key is still running."),
    FaultName.KEY_MISMATCH: error(422, "idempotency_mismatch", "This key was already used for a different request."),
}
ALREADY_REFUNDED = error(422, "already_refunded", "This payment has already been refunded.")
REFUSED_BY_BANK = error(402, "refused_by_bank", "The bank declined the refund.")
INTERNAL = error(500, "internal", "Internal server error.")
GARBAGE = b"\x00\xffnot an answer {\x1b["


class Handler(BaseHTTPRequestHandler):
    """One connection. Every answer is sent in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def _serve(self) -> None:
        try:
            body = self._read_body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            request, route = self.server.world.route(self.command, self.path, headers, body)
        except BadRequest as refused:
            self._send(refused.answer)
            return
        rule = self.server.world.faults.pick(request.endpoint, request.identity, request.text())
        if rule is None:
            self._send(self.server.world.answer(request, route))
        else:
            self._serve_badly(request, route, rule)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _serve_badly(self, request: Request, route: Route, rule: Rule) -> None:
        world = self.server.world
        match rule.fault:
            case FaultName.TIMEOUT_BEFORE:
                self._hang(rule.seconds)
            case FaultName.RESET:
                self._drop(reset=True)
            case FaultName.SLOW:
                request.delay = rule.seconds
                self._send(world.answer(request, route))
            case FaultName.ERROR_500_AFTER:
                request.after = INTERNAL
                self._send(world.answer(request, route))
            case FaultName.TIMEOUT_AFTER:
                world.answer(request, route)
                self._hang(rule.seconds)
            case FaultName.LOST_ANSWER:
                world.answer(request, route)
                self._drop()
            case FaultName.GARBAGE:
                world.answer(request, route)
                self._write(200, {}, GARBAGE, len(GARBAGE))
            case FaultName.ALREADY_REFUNDED:
                world.answer(request, route)
                self._send(ALREADY_REFUNDED)
            case FaultName.TRUNCATED:
                answer = world.answer(request, route)
                whole = answer.encoded()
                self._write(answer.status, answer.headers, whole[: len(whole) // 2], len(whole))
                self._drop()
            case FaultName.REFUSED_BY_BANK:
                # The bank's answer is like any other: it is remembered under the key.
                request.instead = REFUSED_BY_BANK
                self._send(world.answer(request, route))
            case refusal:
                self._send(REFUSALS[refusal])

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise BadRequest(error(411, "length_required", "Send a Content-Length."))
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            raise BadRequest(error(413, "too_large", f"A body has at most {MAX_BODY} bytes."))
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        body = answer.encoded()
        self._write(answer.status, answer.headers, body, len(body))

    def _write(self, status: int, headers: Any, body: bytes, length: int) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {JSON}", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def _hang(self, seconds: float) -> None:
        self.server.stopping.wait(seconds)
        self._drop()

    def _drop(self, *, reset: bool = False) -> None:
        """Close the connection immediately. With `reset` the peer sees RST instead of an orderly end."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: standard output has only one line, the address."""


class Server(ThreadingHTTPServer):
    """Serves one world until it is stopped. Open connections do not delay a stop."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], world: World) -> None:
        super().__init__(address, Handler)
        self.world = world
        self.stopping = Event()

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; print anything else as a bug."""
        if not self.stopping.is_set() and not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
