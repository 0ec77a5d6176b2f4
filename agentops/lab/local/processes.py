"""Child processes: started with a name and a log, watched, stopped in order."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LocalError
from .privileges import Servant

HEAL_SECONDS = 2.0  # the pause before restarting a process that can't start yet (its predecessor may still be exiting)
REPORT_SECONDS = 10.0  # between two progress lines about a process that is not ready yet
LAUNCHER = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `restart`: after an unexpected exit it is started again; otherwise everything ends.
    `orphan_signal` is what the kernel sends it when we are killed, by default `stop_signal`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    user: Servant | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals | None = None
    stop_seconds: float = 10.0
    restart: bool = False


class Process:
    """A running Program, in a session of its own, so that Ctrl-C reaches only us; the kernel ends it when we end.

    It must be started from a thread that lives as long as the process should (the kernel watches the thread).
    """

    def __init__(self, program: Program, *, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._start = output.tell()
            self._child = subprocess.Popen(
                launch(program),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if program.environment is None else dict(program.environment),
                cwd=program.folder,
                start_new_session=True,  # Ctrl-C reaches only us, and `kill` reaches its whole session
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()

    def output(self) -> str:
        """Return its output since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._start)
            return log.read().decode(errors="replace")

    def tail(self, lines: int = 12) -> str:
        return "\n".join(self.output().splitlines()[-lines:])

    def wait_until[T](self, ready: Callable[[], T | None], *, report_seconds: float = REPORT_SECONDS) -> T:
        """Return the first answer of `ready` that is not None. Reports every `report_seconds` what it waits for.

        There is no deadline: a slow machine may need any time. The wait lasts as long as the process runs and is
        reported on standard error. Raises LocalError, with the end of the log, when the process ends first.
        """
        started = reported = time.monotonic()
        while True:
            ended = self.exit_code is not None
            if (answer := ready()) is not None:
                return answer
            if ended:
                raise LocalError(f"{self.program.name} ended ({self.exit_code}); see {self.log}\n{self.tail()}")
            now = time.monotonic()
            if now - reported >= report_seconds:
                reported = now
                last = self.tail(1) or "nothing yet"
                report(f"Waiting for {self.program.name} ({now - started:.0f} s so far). {self.log}: {last}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to stop, and kill it when its time is up or the person presses Ctrl-C again."""
        if self.exit_code is None:
            self._child.send_signal(self.program.stop_signal)
        try:
            self._child.wait(self.program.stop_seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.kill()

    def kill(self) -> None:
        """Kill it and its whole session with SIGKILL."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._child.wait()


@dataclass
class Supervisor:
    """The processes of one stack, in the order in which they were started. `healed` is when each was restarted."""

    logs: Path
    processes: list[Process] = field(default_factory=list)
    healed: dict[str, float] = field(default_factory=dict)

    def start(self, program: Program) -> Process:
        process = Process(program, logs=self.logs)
        self.processes.append(process)
        return process

    def heal(self) -> list[str]:
        """Restart exited processes that may be restarted, and return a line for each. Raises LocalError for any
        other."""
        lines = []
        for place, process in enumerate(self.processes):
            if process.exit_code is None:
                continue
            name = process.program.name
            if not process.program.restart:
                raise LocalError(f"{name} ended ({process.exit_code}); see {process.log}\n{process.tail()}")
            if time.monotonic() < self.healed.get(name, 0.0) + HEAL_SECONDS:
                continue
            self.healed[name] = time.monotonic()
            lines.append(f"{name} ended ({process.exit_code}); started again. See {process.log}\n{process.tail()}")
            self.processes[place] = Process(process.program, logs=self.logs)
        return lines

    def stop(self) -> None:
        """Stop all, in reverse order."""
        while self.processes:
            self.processes.pop().stop()


def launch(program: Program) -> list[str]:
    """Return the command line that becomes `program`; see child.py."""
    options = ["--parent", str(os.getpid()), "--signal", str(int(program.orphan_signal or program.stop_signal))]
    if program.user is not None:
        options += ["--user", program.user.name]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--", *program.command]


def report(text: str) -> None:
    """Report to the waiting person."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(program: Program, *, logs: Path) -> None:
    """Run `program` to its end. Raises LocalError if it fails."""
    process = Process(program, logs=logs)
    code = process.wait_until(lambda: process.exit_code)
    if code != 0:
        command = shlex.join(program.command)
        raise LocalError(f"{program.name} failed ({code}): {command}\n{process.tail()}")
