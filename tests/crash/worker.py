"""Real worker processes, quickly: a warm parent without a connection or a thread, of which each job is a fork.

    python -m tests.crash.worker tests.crash.story

plays jobs by that module's `prepare()` and `play(job)`. It reads a job (see Job) a line from standard input and
writes {"job": ..., "status": ...} when its process has ended: 0, 1 after an unexpected error (which is in the job's
error file), or minus the signal. {"kill": job} ends one.
"""

import ctypes
import importlib
import json
import os
import select
import signal
import sys
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """`role` is `story` (everything that happens to `tickets`, until nothing is left to do or `seconds` are over) or
    `sweep` (a worker's sweep, until it is killed). `deaths` and `stall` are those of Boundaries, `mutation` a seeded
    bug's name. `backwards`: the newest request is decided first. `compares`: a comparison runs first. `fault`: one
    on our own side (cases.FAULTS). `also`: other activity (cases.Scenario) on the order `number`. `seed`: of the
    schedule whose process number `life` this is. Trace and error file are in `folder`, named like the job."""

    name: str
    role: str
    folder: str
    tickets: list[dict[str, str]] = field(default_factory=list)
    deaths: tuple[str, ...] = ()
    stall: float = 0.0
    mutation: str = ""
    seconds: float = 60.0
    backwards: bool = False
    compares: bool = True
    fault: str = ""
    also: str = ""
    number: int = 0
    seed: int = 0
    life: int = 0

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    import django

    django.setup()
    player = importlib.import_module(sys.argv[1])
    player.prepare()
    children: dict[int, str] = {}
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.01 if children else None)
        if ready:
            read = os.read(0, 1 << 16)
            if not read:
                break
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                obey(json.loads(line), player, children)
        reap(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def obey(order: dict[str, Any], player: ModuleType, children: dict[int, str]) -> None:
    if "kill" in order:
        for pid in [pid for pid, name in children.items() if name == order["kill"]]:
            os.kill(pid, signal.SIGKILL)
        return
    job = Job(**order)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(job, player, parent)
    children[pid] = job.name


def reap(children: dict[int, str]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        ended = {"job": children.pop(pid), "status": os.waitstatus_to_exitcode(status)}
        os.write(1, json.dumps(ended).encode() + b"\n")


def become(job: Job, player: ModuleType, parent: int) -> None:
    """The forked child: do the job and exit without the interpreter's clean-up. Never returns."""
    status = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            player.play(job)
            status = 0
    except BaseException:  # noqa: BLE001 - the harness reports every error
        (Path(job.folder) / f"{job.name}.error").write_text(traceback.format_exc())
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
