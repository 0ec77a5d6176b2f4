"""TCP ports on this machine."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LocalError

LOOPBACK = "127.0.0.1"


@contextmanager
def reserved_port() -> Iterator[int]:
    """A free port, reserved meanwhile. A server that sets SO_REUSEADDR may listen on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        port: int = holder.getsockname()[1]
        yield port


def require_free(port: int) -> None:
    """Raise LocalError if another program listens on `port` of this machine, or if we may not listen on it.

    IPv6 is checked too, if available: a browser tries localhost there first, and would find the other program.
    """
    if not 0 < port < 65536:
        raise LocalError(f"{port} is not a port: PORT is a number from 1 to 65535.")
    for family, address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = port + 1 if port < 65535 else 8000
                raise LocalError(f"Port {port} is in use; choose another: make demo PORT={other}") from None
            if family == socket.AF_INET:
                raise LocalError(f"Port {port} cannot be used: {error.strerror}.") from None
