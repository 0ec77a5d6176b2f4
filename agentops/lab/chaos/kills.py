"""Kills processes with SIGKILL at moments chosen by a seed, and restarts them immediately."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agentops.lab.local.processes import Process, Supervisor


@dataclass
class Victim:
    """Processes of which one is killed at random intervals in seconds, once all of them are `up`. `revive` starts a
    replacement."""

    processes: list[Process]
    every: tuple[float, float]
    revive: Callable[[Process], Process]
    up: Callable[[Process], bool] = lambda process: True
    killed: int = 0


@dataclass
class Kills:
    """A schedule of kills. The caller's loop calls `tick`, because processes must be started by a thread that stays
    alive."""

    victims: list[Victim]
    seed: int
    _due: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(f"kills {self.seed}")  # noqa: S311 - a schedule, not a secret
        for place, victim in enumerate(self.victims):
            self._plan(place, victim)

    def tick(self) -> None:
        """Kill what is due, and restart whatever has exited."""
        now = time.monotonic()
        for place, victim in enumerate(self.victims):
            if now >= self._due[place] and all(map(victim.up, victim.processes)):
                self._random.choice(victim.processes).kill()
                victim.killed += 1
                self._plan(place, victim)
        self.heal()

    def heal(self) -> None:
        for victim in self.victims:
            for place, process in enumerate(victim.processes):
                if process.exit_code is not None:
                    victim.processes[place] = victim.revive(process)

    @property
    def killed(self) -> int:
        return sum(victim.killed for victim in self.victims)

    def _plan(self, place: int, victim: Victim) -> None:
        self._due[place] = time.monotonic() + self._random.uniform(*victim.every)


def restart(supervisor: Supervisor) -> Callable[[Process], Process]:
    """Return a function that starts the same program again in place of the exited process."""

    def revive(ended: Process) -> Process:
        process = Process(ended.program, logs=supervisor.logs)
        supervisor.processes[supervisor.processes.index(ended)] = process
        return process

    return revive
