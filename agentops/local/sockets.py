"""Unix sockets: the servers of one stack listen in a folder that is closed to everyone else."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATH_LIMIT = 107  # bytes; the kernel's
LONGEST_NAME = ".s.PGSQL.5432"


@contextmanager
def socket_folder(preferred: Path) -> Iterator[Path]:
    """`preferred`, or a short one for as long as it is needed, where a socket's path would be too long."""
    if len(bytes(preferred.resolve() / LONGEST_NAME)) <= PATH_LIMIT:
        yield preferred.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="agentops-", dir="/tmp", ignore_cleanup_errors=True) as short:
        yield Path(short)
