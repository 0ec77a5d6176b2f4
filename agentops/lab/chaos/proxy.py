"""A lossy network between us and the providers: connections that swallow data, and resets.

It knows nothing of HTTP: it spoils pieces of a stream. A seed makes its choices; which connection they hit depends
on timing.
"""

import random
import socket
import struct
from contextlib import suppress
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

PIECE = 65_536
# Shares of the pieces sent by clients: swallowed, cut before they arrive, cut after they have arrived.
SWALLOWED, CUT_BEFORE, CUT_AFTER = 0.01, 0.015, 0.025
SWALLOW_SECONDS = 6.0  # longer than any client waits
EFFECT_SECONDS = 0.3  # time for an arrived request to take effect


class Proxy:
    """Listens on a port of its own until `close`."""

    def __init__(self, target: str, *, seed: int) -> None:
        place = urlsplit(target)
        self._target = (str(place.hostname), int(place.port or 80))
        self._random = random.Random(f"proxy {seed}")  # noqa: S311 - a schedule, not a secret
        self._lock = Lock()
        self._closing = Event()
        self.calm = False
        self.spoilt = 0
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        Thread(target=self._accept, name="proxy", daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            provider = socket.create_connection(self._target, timeout=30)
        except OSError:
            _reset(client)
            return
        mute = Event()
        Thread(target=_answer, args=(provider, client, mute), daemon=True).start()
        with suppress(OSError):
            while piece := client.recv(PIECE):
                match self._choice():
                    case "swallowed":
                        self._closing.wait(SWALLOW_SECONDS)
                        break
                    case "cut before":
                        break
                    case "cut after":
                        mute.set()
                        provider.sendall(piece)
                        self._closing.wait(EFFECT_SECONDS)
                        break
                    case _:
                        provider.sendall(piece)
        _reset(client)
        _end(provider)

    def _choice(self) -> str:
        with self._lock:
            number = self._random.random()
        if self.calm:
            return ""
        for name, share in (("swallowed", SWALLOWED), ("cut before", CUT_BEFORE), ("cut after", CUT_AFTER)):
            if number < share:
                self.spoilt += 1
                return name
            number -= share
        return ""


def _answer(provider: socket.socket, client: socket.socket, mute: Event) -> None:
    with suppress(OSError):
        while (piece := provider.recv(PIECE)) and not mute.is_set():
            client.sendall(piece)
    if not mute.is_set():
        _end(client)


def _reset(connection: socket.socket) -> None:
    """Close so that the peer sees RST."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _end(connection)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
