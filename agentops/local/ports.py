"""TCP ports on this machine."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LocalError

LOOPBACK = "127.0.0.1"


@contextmanager
def reserved_port() -> Iterator[int]:
    """A free port that nobody else is given meanwhile; a server that sets SO_REUSEADDR may listen on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        port: int = holder.getsockname()[1]
        yield port


def require_free(port: int) -> None:
    """Raises LocalError when something listens on `port`, or we may not."""
    if not 0 < port < 65536:
        raise LocalError(f"{port} is no port: PORT is a number from 1 to 65535.")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LocalError(f"Port {port} is in use; choose another: make demo PORT={port + 1}") from None
            raise LocalError(f"Port {port} cannot be used: {error.strerror}.") from None
