"""Become a command in circumstances that hold for it alone: mounts, a network and a user of its own.

    python inside.py [OPTION...] -- COMMAND...

For root on Linux; nothing changes for other processes. --packages shows our .venv at DIR too. --user runs the command
as an ordinary user that only the command knows, and that can use our interpreter, whatever folder that is in.
"""

import argparse
import ctypes
import fcntl
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

RDONLY, NOEXEC, REMOUNT, BIND, MOVE, RECURSIVE, PRIVATE = 1, 8, 32, 4096, 8192, 16384, 1 << 18
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1
UID = 61234
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--read-only", type=Path)
    parser.add_argument("--noexec", type=Path)
    parser.add_argument("--no-ipv6", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("--umask", type=lambda text: int(text, 8), default=0o022)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    os.unshare(os.CLONE_NEWNS | (os.CLONE_NEWNET if options.no_ipv6 else 0))
    mount("none", Path("/"), flags=RECURSIVE | PRIVATE)
    if options.no_ipv6:
        loopback_without_ipv6()
    if options.packages:
        show(Path(sys.prefix), options.packages)
    if options.read_only:
        show(options.read_only, options.read_only)
    if options.noexec:
        mount("tmpfs", options.noexec, kind="tmpfs", flags=NOEXEC, data="mode=1777")
    if options.user:
        become(options.user)
    os.chdir(Path.cwd())  # what is mounted there now
    os.umask(options.umask)
    os.execvp(options.command[0], options.command)  # noqa: S606 - there is no shell to want here


def mount(source: Path | str, target: Path, *, kind: str = "", flags: int = 0, data: str = "") -> None:
    given = (str(source), str(target), kind, flags, data)
    encoded = [os.fsencode(value) if isinstance(value, str) else ctypes.c_ulong(value) for value in given]
    if LIBC.mount(*encoded) != 0:
        raise OSError(ctypes.get_errno(), f"mount {given}: {os.strerror(ctypes.get_errno())}")


def show(folder: Path, place: Path) -> None:
    """Show `folder` at `place`, read-only."""
    mount(folder, place, flags=BIND | RECURSIVE)
    mount(folder, place, flags=BIND | REMOUNT | RDONLY)


def loopback_without_ipv6() -> None:
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, GET_FLAGS, request))
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", flags | UP))


def become(name: str) -> None:
    """An ordinary user at home in HOME, known by name as initdb wants it, that can run this interpreter."""
    uncover(Path(sys.base_prefix))
    with tempfile.NamedTemporaryFile("w", prefix="passwd-", delete=False) as passwd:
        passwd.write(Path("/etc/passwd").read_text() + f"{name}:x:{UID}:{UID}::{os.environ['HOME']}:/bin/sh\n")
    Path(passwd.name).chmod(0o644)
    mount(passwd.name, Path("/etc/passwd"), flags=BIND)
    Path(passwd.name).unlink()
    os.setgroups([])
    os.setgid(UID)
    os.setuid(UID)


def uncover(folder: Path) -> None:
    """Lay an empty open folder over the first one on the way to `folder` that is closed, with `folder` in it."""
    closed = [parent for parent in reversed(folder.parents) if not parent.stat().st_mode & 0o001]
    if closed:
        kept = Path(tempfile.mkdtemp())
        mount(folder, kept, flags=BIND)
        mount("tmpfs", closed[0], kind="tmpfs", data="mode=755")
        folder.mkdir(parents=True)
        mount(kept, folder, flags=MOVE)
        kept.rmdir()


if __name__ == "__main__":
    main()
