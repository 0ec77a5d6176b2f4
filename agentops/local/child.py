"""Become another program: as an unprivileged user where asked, and never outliving the parent.

A script of the standard library alone, run between the supervisor's fork and the program:

    python -I -S child.py --parent PID --signal N [--user NAME [--search]] -- PROGRAM ARGUMENT...

`subprocess`'s `preexec_fn` would do the same, but can deadlock in a process that has threads. The order
matters: the kernel forgets the parent-death signal whenever a process changes its user.
"""

import argparse
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if options.user:
        become(options.user, search=options.search)
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, options.signal)
    if os.getppid() != options.parent:  # it died before the line above could ask to be told
        sys.exit(1)
    os.execv(options.program[0], options.program)  # noqa: S606 - there is no shell to want here


def become(name: str, *, search: bool) -> None:
    """Drop to `name`; with `search`, keep the one right to pass through folders that are closed to it."""
    user = pwd.getpwnam(name)
    if search:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if search:
        keep_only(search_capability())


def search_capability() -> int:
    """The weakest right we have that passes closed folders; some containers grant only the stronger."""
    with open("/proc/self/status") as status:
        permitted = next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))
    return CAP_DAC_READ_SEARCH if permitted >> CAP_DAC_READ_SEARCH & 1 else CAP_DAC_OVERRIDE


def keep_only(capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; then their high words
    if ctypes.CDLL(None, use_errno=True).capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


if __name__ == "__main__":
    main()
