"""Plays random schedules, many at once, on one database: starts every process in its time, and records how it ended."""

import heapq
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash import lives
from tests.crash.harness import Warm
from tests.crash.plans import Schedule
from tests.crash.worker import Job
from tests.live import Simulator

PROCESSES = 20
LIFE_SECONDS = 90.0  # unfinished work after that is stuck
KILLED = -9


@dataclass
class Played:
    """The results of one schedule's processes: what they passed, where each died, and what they ran into."""

    passed: set[str] = field(default_factory=set)
    killed: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.statuses.count(KILLED)

    @property
    def idle(self) -> int:
        """Deaths of processes that had nothing left to do."""
        return self.killed.count("done")


@dataclass
class Player:
    """`_begin`: when which process of which schedule starts."""

    warm: Warm
    simulator: Simulator
    folder: Path
    _begin: list[tuple[float, int, int]] = field(default_factory=list)
    _running: dict[str, tuple[int, int]] = field(default_factory=dict)
    _round: int = 0

    def play(self, schedules: Sequence[Schedule]) -> list[Played]:
        """Play every schedule to its end, and return the results in their order."""
        self._round += 1
        self._put_faults(schedules)
        played = [Played() for _ in schedules]
        waiting = list(range(len(schedules)))[::-1]
        while waiting or self._begin or self._running:
            self._begin_due(schedules, waiting)
            time.sleep(0.005)
            self.warm.look()
            for name in [name for name in self._running if name in self.warm.ended]:
                place, life = self._running.pop(name)
                played[place].statuses.append(self.warm.ended[name])
                self._read(name, played[place])
                self._follow(schedules[place], place, life, beside=False)
        return played

    def _put_faults(self, schedules: Sequence[Schedule]) -> None:
        table: dict[str, list[dict[str, object]]] = {}
        for schedule in schedules:
            for endpoint, rule in schedule.rules():
                table.setdefault(endpoint, []).append(rule)
        self.simulator.faults(endpoints=table)

    def _begin_due(self, schedules: Sequence[Schedule], waiting: list[int]) -> None:
        """Processes of started schedules come before new schedules."""
        now = time.monotonic()
        while len(self._running) < PROCESSES:
            if self._begin and self._begin[0][0] <= now:
                _, place, life = heapq.heappop(self._begin)
            elif waiting:
                place, life = waiting.pop(), 0
            else:
                return
            self._start(schedules[place], place, life)

    def _start(self, schedule: Schedule, place: int, life: int) -> None:
        name = f"round-{self._round}-seed-{schedule.seed}-{schedule.mutation}-{life}"
        job = Job(
            name,
            "life",
            str(self.folder),
            mutation=schedule.mutation,
            seconds=LIFE_SECONDS,
            seed=schedule.seed,
            life=life,
        )
        self.warm.start(job)
        self._running[name] = place, life
        self._follow(schedule, place, life, beside=True)

    def _follow(self, schedule: Schedule, place: int, life: int, *, beside: bool) -> None:
        """Make the next process due, if it is one that starts now."""
        after = schedule.lives[life + 1 : life + 2]
        if after and after[0].beside == beside:
            heapq.heappush(self._begin, (time.monotonic() + after[0].pause, place, life + 1))

    def _read(self, name: str, played: Played) -> None:
        """Read the process's notes: the boundaries it passed, and anything it should not have done."""
        trace, error = self.folder / f"{name}.trace", self.folder / f"{name}.error"
        if error.exists():
            played.troubles.append(f"unexpected error: {error.read_text().strip().splitlines()[-1]}")
        lines = [json.loads(line) for line in trace.read_text().splitlines()] if trace.exists() else []
        played.passed.update(line["boundary"] for line in lines if "boundary" in line)
        played.troubles += [line["violation"] for line in lines if "violation" in line]
        last = lines[-1] if lines else {}
        if played.statuses[-1] == KILLED:
            played.killed.append(last.get("killed") or f"after {last.get('boundary', 'its start')}")
        if trace.exists():
            os.unlink(trace)


def parent(environment: dict[str, str], folder: Path) -> Warm:
    return Warm(environment, folder, plays=lives.__name__)
