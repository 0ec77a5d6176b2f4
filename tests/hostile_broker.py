"""A broker between the processes and Valkey that loses or repeats messages. It speaks the Redis protocol: a message
pushed onto a queue is dropped, although the sender gets a confirmation, or pushed several times."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import redis

from agentops.lab.local.runtime import scratch_folder

TAKEN = b":1\r\n"


class HostileBroker:
    """Delivers each message `times` times: 0, 1 or more. `pushed` is how many were sent. It listens on a socket of
    its own, in front of the server at `behind` (an address for redis.Redis.from_url)."""

    def __init__(self, behind: str, place: Path, *, times: int) -> None:
        self.url = f"unix://{place}"
        self.times = times
        self.pushed = 0
        self._behind = behind
        self._valkey = redis.Redis.from_url(behind)
        self._lock = Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(place))
        self._server.listen(256)
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()
        self._valkey.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, self._connect() as server, suppress(OSError, ValueError):
            Thread(target=_pass_on, args=(server, client), daemon=True).start()
            in_transaction = False
            for raw, words in _commands(client.makefile("rb")):
                name = words[0].upper()
                in_transaction = name == b"MULTI" or (in_transaction and name not in (b"EXEC", b"DISCARD"))
                if name != b"LPUSH" or in_transaction:  # in a transaction: a worker that returns what it holds
                    server.sendall(raw)
                else:
                    self._push(raw, words, client, server)

    def _push(self, raw: bytes, words: list[bytes], client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self.pushed += 1
        if not self.times:
            client.sendall(TAKEN)  # the sender waits for nothing else on this connection
            return
        for _ in range(self.times - 1):
            self._valkey.execute_command(*words)
        server.sendall(raw)

    def _connect(self) -> socket.socket:
        place = urlsplit(self._behind)
        if place.scheme != "unix":
            return socket.create_connection((str(place.hostname), place.port or 6379))
        server = socket.socket(socket.AF_UNIX)
        server.connect(unquote(place.path))
        return server


def _commands(stream: BinaryIO) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield a client's commands: the raw bytes, and the words."""
    while head := stream.readline():
        raw, words = head, []
        for _ in range(int(head[1:])):
            length = stream.readline()
            word = stream.read(int(length[1:]) + 2)
            raw += length + word
            words.append(word[:-2])
        yield raw, words


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while piece := server.recv(65_536):
            client.sendall(piece)


@contextmanager
def hostile_broker(behind: str, *, times: int) -> Iterator[HostileBroker]:
    with scratch_folder("broker") as folder:
        broker = HostileBroker(behind, folder / "valkey.sock", times=times)
        try:
            yield broker
        finally:
            broker.close()
