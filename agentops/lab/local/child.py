"""Become another program: as an unprivileged user where asked, and never outliving the parent.

A script of the standard library alone, run between the supervisor's fork and the program:

    python -I -S child.py --parent PID --signal N [--user NAME] -- PROGRAM ARGUMENT...

`subprocess`'s `preexec_fn` would do the same, but can deadlock in a process that has threads. The order
matters: the kernel forgets the parent-death signal whenever a process changes its user.
"""

import argparse
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if options.user:
        become(options.user)
    if sys.platform == "linux":
        ask_for_signal(options.signal)
    if os.getppid() != options.parent:  # it died before the line above asked
        sys.exit(1)
    os.execv(options.program[0], options.program)  # noqa: S606 - there is no shell to want here


def become(name: str) -> None:
    """Drop to the user `name`."""
    user = pwd.getpwnam(name)
    try:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as error:  # a container without that privilege
        sys.exit(f"cannot run as the user {name}: {error.strerror}")


def ask_for_signal(number: int) -> None:
    """Have the kernel send us signal `number` when our parent dies."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
