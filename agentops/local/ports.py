"""TCP ports on this machine."""

import errno
import socket

from .errors import LocalError

LOOPBACK = "127.0.0.1"


def reserve() -> socket.socket:
    """A socket bound to a free port and not listening: nobody else is given the port until it is closed.

    A server that sets SO_REUSEADDR may listen on the port meanwhile.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((LOOPBACK, 0))
    return holder


def port_of(holder: socket.socket) -> int:
    port: int = holder.getsockname()[1]
    return port


def require_free(port: int) -> None:
    """Raises LocalError when something listens on `port`, or we may not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LocalError(f"Port {port} is in use. Choose another: make demo PORT={port + 1}") from None
            raise LocalError(f"Port {port} cannot be used: {error.strerror}.") from None
