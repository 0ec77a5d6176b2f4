"""Plays cases on one database: kills processes, lets the rest finish, and collects the results to judge."""

import heapq
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from agentops.lab.local.programs import ROOT
from approvals import states
from approvals.effects import lookup, reservations
from approvals.effects.kinds import KINDS
from approvals.models import Action, ApprovalRequest
from approvals.reconciliation import comparison
from tests.crash import people, story
from tests.crash.cases import ALONE, LEASE_SECONDS, OVERTAKEN, PROVIDER_TIMEOUT_SECONDS, SWEEP_SECONDS, Case
from tests.crash.registry import SWEEP_ALONE
from tests.crash.worker import Job
from tests.live import Simulator
from tests.services import child_environment
from tickets.models import Ticket

AT_ONCE = 16
SWEEPS = 2
WEBHOOK_SECRET = "whsec_of_the_crash_harness"
LONGEST_LOOK = 2.0  # seconds between two looks that count
PATIENCE = LEASE_SECONDS + SWEEP_SECONDS + 10


def environment(database: str, simulator: Simulator) -> dict[str, str]:
    """The environment of every process that is killed: short leases, short timeouts."""
    short = {
        "PROVIDER_TIMEOUT_SECONDS": PROVIDER_TIMEOUT_SECONDS,
        "ACTION_LEASE_SECONDS": LEASE_SECONDS,
        "RUN_LEASE_SECONDS": LEASE_SECONDS,
        "RETRY_BASE_SECONDS": 0.05,
        "SWEEP_SECONDS": SWEEP_SECONDS,
        "DATABASE_POOL": 10,
        # Cases share the model: faults of one case must not open its breaker for the others.
        "LLM_BREAKER_FAILURES": 1_000_000,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    given = {name: str(value) for name, value in short.items()}
    return child_environment(DATABASE_URL=database, **simulator.settings(), **given)


@dataclass
class Warm:
    """The warm parent (tests.crash.worker) as seen by its starter. `plays` is the module that its children play."""

    environment: dict[str, str]
    folder: Path
    plays: str = story.__name__
    ended: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = (self.folder / "worker.log").open("ab")
        command = [sys.executable, "-m", "tests.crash.worker", self.plays]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._read = b""

    def start(self, job: Job) -> None:
        self._say(job.line())

    def kill(self, name: str) -> None:
        self._say(json.dumps({"kill": name}).encode() + b"\n")

    def look(self) -> None:
        """Record which jobs have ended."""
        assert self._process.stdout is not None
        assert self._process.poll() is None, f"the warm parent ended; see {self.log.name}"
        self._read += self._process.stdout.read() or b""
        *lines, self._read = self._read.split(b"\n")
        for line in map(json.loads, lines):
            self.ended[line["job"]] = line["status"]

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.log.close()

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()


@dataclass
class Played:
    """The results of a batch, besides the records: the boundaries that each process passed, where processes died, in
    order, and what else they ran into."""

    passed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    died: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    troubles: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unfinished: set[str] = field(default_factory=set)
    seconds: float = 0.0


@dataclass
class Fate:
    """The planned deaths of the processes of a case: how often one must still die at each boundary, and where the
    running ones will die."""

    case: Case
    left: Counter[str]
    running: dict[str, tuple[str, ...]] = field(default_factory=dict)
    processes: int = 0

    @classmethod
    def of(cls, case: Case) -> "Fate":
        return cls(case, Counter(dict.fromkeys(case.deaths, case.attempt)))

    def next(self) -> tuple[str, ...]:
        """Return where the next process dies: where no other does, or else at the same places."""
        still = [place for place in self.case.deaths if self.left[place] > 0]
        taken = set(itertools.chain.from_iterable(self.running.values()))
        return tuple(place for place in still if place not in taken) or tuple(still)

    @property
    def over(self) -> bool:
        return not +self.left


@dataclass
class Harness:
    warm: Warm
    simulator: Simulator
    folder: Path
    patience: float = PATIENCE
    _jobs: int = 0
    # Sweeps still to be killed, in whichever batch they pass, so that the work there is taken over twice.
    _sweep_deaths: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SWEEP_ALONE, 2)))

    def play(self, batch: Sequence[Case], mutation: str = "") -> Played:
        """Play every case to its end, all together. A case is stuck if nothing has moved for `patience` seconds."""
        began = time.monotonic()
        played = Played()
        self._put_faults(batch)
        self._act([Fate.of(case) for case in batch], played)
        self._survive(batch, mutation, played, began)
        played.seconds = time.monotonic() - began
        return played

    def _put_faults(self, batch: Iterable[Case]) -> None:
        table: dict[str, list[Any]] = defaultdict(list)
        # Our reference does not identify the case; the first look-up of each finds the records closed.
        table["GET /refunds"].append({"fault": "unavailable", "rate": 1.0, "times": 1, "where": ":refund:"})
        for case in batch:
            for endpoint, rules in case.fault.rules(str(case.number)).items():
                table[endpoint] += rules
        self.simulator.faults(endpoints=table)

    def _act(self, fates: Sequence[Fate], played: Played) -> None:
        """Play the deaths. A successor starts once the lease has expired; a twin is replaced immediately."""
        waiting = [(0.0, place) for place in range(len(fates))]
        running: dict[str, int] = {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE and waiting[0][0] <= time.monotonic():
                place = heapq.heappop(waiting)[1]
                for job in self._begin(fates[place]):
                    running[job] = place
            time.sleep(0.01)
            self.warm.look()
            for name in [name for name in running if name in self.warm.ended]:
                place = running.pop(name)
                fate = fates[place]
                died = self._end(name, fate, played)
                if died and not fate.over:
                    pause = 0.0 if fate.running else LEASE_SECONDS + 0.1
                    heapq.heappush(waiting, (time.monotonic() + pause, place))

    def _begin(self, fate: Fate) -> list[str]:
        """Start the case's next process, or the first one with its rival. Each twin dies at every second place. A
        process that overtakes is suspended at the same place, only longer, so that both hold the same work for a
        while."""
        deaths, race = fate.case.deaths, fate.case.race
        places = [fate.next()]
        if fate.processes == 0 and race != ALONE:
            places = [deaths, deaths] if race == OVERTAKEN else [deaths[::2], deaths[1::2]]
        jobs = [self._job(fate, there) for there in places]
        for job in jobs:
            self.warm.start(job)
        return [job.name for job in jobs]

    def _job(self, fate: Fate, deaths: tuple[str, ...]) -> Job:
        self._jobs += 1
        case = fate.case
        job = Job(
            name=f"{case.name}-{self._jobs}",
            role="story",
            folder=str(self.folder),
            tickets=case.tickets(),
            deaths=deaths,
            stall=case.stall,
            mutation=case.mutation,
            backwards=fate.processes % 2 == 1,
            compares=fate.processes == 0 or any("comparison" in place for place in deaths),
            fault="" if case.fault.endpoints else case.fault.name,
            also=case.scenario.also,
            number=case.number,
        )
        fate.running[job.name] = deaths
        fate.processes += 1
        return job

    def _end(self, job: str, fate: Fate, played: Played) -> bool:
        """Return whether it died as planned."""
        del fate.running[job]
        died = self._read_trace(job, fate.case.name, played)
        fate.left.subtract(died)
        return bool(died)

    def _survive(self, batch: Sequence[Case], mutation: str, played: Played, began: float) -> None:
        """Run real sweeps, a help desk that delivers again, and people who do their part."""
        sweeps: list[str] = []
        self._keep_sweeping(sweeps, mutation, played)
        for case in batch:
            people.write_again(case.scenario.also, [story.deliver(ticket) for ticket in case.tickets()])
        compared = comparison.compare_records(
            since=reservations.database_now() - timedelta(seconds=time.monotonic() - began)
        )
        assert not compared.error, compared.error
        emails = [case.tickets()[0]["customer_email"] for case in batch]
        theirs = mine = Ticket.objects.filter(customer__email__in=emails)
        waited, seen, looked = 0.0, (), time.monotonic()
        while left := _continue(mine) or _find_out(mine) or _round_off(batch, mine):
            # While the whole machine is suspended, nothing of ours is stuck.
            waited, looked = waited + min(time.monotonic() - looked, LONGEST_LOOK), time.monotonic()
            if left != seen or _to_be_asked(mine):
                waited, seen = 0.0, left
            if waited > self.patience:  # the others continue without them
                stuck = Ticket.objects.filter(pk__in=left[0])
                played.unfinished.update(stuck.values_list("customer__email", flat=True))
                mine = theirs.exclude(customer__email__in=played.unfinished)
            time.sleep(0.5)
            self._keep_sweeping(sweeps, mutation, played)
        for action in Action.objects.filter(ticket__in=theirs, kind="refund", status=states.SUCCEEDED):
            story.tell_of(action)
        for sweep in sweeps:
            self.warm.kill(sweep)
        while sweeps:
            time.sleep(0.01)
            self._bury(sweeps, played)

    def _keep_sweeping(self, sweeps: list[str], mutation: str, played: Played) -> None:
        """Replace each sweep that died. Their deaths do not help to hide a seeded bug."""
        self._bury(sweeps, played)
        while len(sweeps) < SWEEPS:
            self._jobs += 1
            deaths = () if mutation else tuple(+self._sweep_deaths)
            job = Job(f"sweep-{self._jobs}", "sweep", str(self.folder), deaths=deaths, mutation=mutation)
            self.warm.start(job)
            sweeps.append(job.name)

    def _bury(self, sweeps: list[str], played: Played) -> None:
        self.warm.look()
        for sweep in [sweep for sweep in sweeps if sweep in self.warm.ended]:
            sweeps.remove(sweep)
            self._sweep_deaths.subtract(self._read_trace(sweep, "", played))

    def _read_trace(self, job: str, case: str, played: Played) -> list[str]:
        """Return where it was killed, if it was."""
        trace, error = self.folder / f"{job}.trace", self.folder / f"{job}.error"
        if error.exists():
            played.troubles[case].append(f"unexpected error: {error.read_text().strip().splitlines()[-1]}")
        died = []
        for line in map(json.loads, trace.read_text().splitlines()):
            if "boundary" in line:
                played.passed[case].append(line["boundary"])
            elif "violation" in line:
                played.troubles[case].append(line["violation"])
            elif "killed" in line:
                died.append(line["killed"])
        played.died[case] += died
        return died


# Unfinished work, and everything that would show progress; empty where nothing is left.
Left = tuple[list[str], list[str]] | tuple[()]


def _continue(mine: QuerySet[Ticket]) -> Left:
    """Return the work that continues automatically, and what waits for people to decide or resume."""
    left = list(story.unfinished().filter(pk__in=mine).order_by("pk").values_list("pk", flat=True))
    people.resume_held_work(left)
    if not left:
        return ()
    for request in ApprovalRequest.objects.filter(closed_at__isnull=True, action__ticket__in=left):
        people.decide(request)
    fences = Ticket.objects.filter(pk__in=left).values_list(
        "pk", "runs__status", "runs__fence", "runs__steps__attempts", "actions__status", "actions__fence"
    )
    return left, sorted(map(str, fences))


def _to_be_asked(mine: QuerySet[Ticket]) -> bool:
    """Return whether a look-up of one of them is scheduled soon.

    Look-ups of replies never succeed, so people resolve them; anything else that doesn't move meanwhile is stuck.
    """
    limit = Now() + timedelta(seconds=lookup.ASK_AGAIN_SECONDS)
    later = Action.objects.filter(ticket__in=mine, not_before__gt=Now(), not_before__lte=limit)
    asked = [name for name, kind in KINDS.items() if kind.can_be_looked_up]
    return later.filter(status=states.UNRESOLVED, kind__in=asked).exists()


def _find_out(mine: QuerySet[Ticket]) -> Left:
    """Return the replies whose delivery only people can confirm."""
    unknown = list(people.unknown_replies().filter(ticket__in=mine).order_by("pk"))
    people.find_out(unknown)
    return ([action.ticket_id for action in unknown], []) if unknown else ()


def _round_off(batch: Sequence[Case], mine: QuerySet[Ticket]) -> Left:
    """Do what people do at the end."""
    stands: dict[str, str] = {}
    for also in {case.scenario.also for case in batch}:
        emails = [case.tickets()[0]["customer_email"] for case in batch if case.scenario.also == also]
        theirs = mine.filter(customer__email__in=emails).values_list("pk", flat=True)
        stands |= people.round_off(also, list(theirs))
    return (sorted(stands), sorted(stands.values())) if stands else ()
