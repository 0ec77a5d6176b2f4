"""What one process of a random schedule does: it takes the help desk's deliveries, does the due work in its own
order, plays the people who decide, and dies as planned."""

import gc
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now

from agentops.lib.errors import ProviderError, Refused
from approvals.decisions import decide as deciding
from approvals.decisions import expiry
from approvals.models import Action, ApprovalRequest
from tests.crash import mutations, plans, story, warmup
from tests.crash.boundaries import Boundaries
from tests.crash.plans import Life, Schedule
from tests.crash.worker import Job
from tests.world import at_once
from tickets.models import Ticket

LEADS = ("lead", "second_lead")
# Possible answers to a person whose decision came too late, or who has to look again.
TOO_LATE = (deciding.AlreadyDecided, deciding.ChangedSinceShown, Refused, ProviderError)


@dataclass
class Fated(Boundaries):
    """Boundaries of which the process dies at, or is suspended at, the nth that it passes, whichever that is."""

    life: Life = field(default_factory=lambda: Life(0.0))
    _count: int = 0

    def arrive(self, boundary: str) -> None:
        with self._lock:
            self._count += 1
            number = self._count
        self.write({"boundary": boundary, "number": number})
        if number == self.life.passage:
            self.die(boundary)
        # A process suspended inside a transaction blocks everyone, and proves nothing.
        if number == self.life.stall and not boundary.endswith("commit before"):
            self.write({"stalled": boundary})
            time.sleep(plans.STALL_SECONDS)

    def die(self, where: str) -> None:
        self.write({"killed": where})
        os.kill(os.getpid(), signal.SIGKILL)


def prepare() -> None:
    """Play a few schedules to their end in the warm parent."""
    story.prepare()
    warmup.warm(partial(live, plans.warm_up(place)) for place in range(plans.WARM_UPS))


def live(schedule: Schedule) -> None:
    mine = [story.deliver(ticket) for ticket in schedule.deliveries()]
    worker = Worker(schedule, mine, False, random.Random(0))
    worker.work(seconds=60)


def play(job: Job) -> None:
    schedule = plans.plan(job.seed, job.mutation)
    life = schedule.lives[job.life]
    boundaries = Fated(trace=Path(job.folder) / f"{job.name}.trace", life=life)
    boundaries.install()
    gc.disable()
    if life.moment:
        signal.signal(signal.SIGPROF, lambda *_: boundaries.die("the clock"))
        signal.setitimer(signal.ITIMER_PROF, life.moment)
    if job.mutation:
        mutations.BY_NAME[job.mutation].apply()
    mine: list[str] = []
    for _ in range(life.deliveries):
        mine = [story.deliver(ticket) for ticket in schedule.deliveries()]
    worker = Worker(schedule, mine, life.twice, random.Random(f"life {job.seed} {job.life}"))
    worker.work(seconds=job.seconds)
    if life.killed:
        boundaries.die("done")


@dataclass
class Worker:
    """Does the work due on the tickets `mine`, in an order chosen by `dice`."""

    schedule: Schedule
    mine: list[str]
    twice: bool
    dice: random.Random

    def work(self, *, seconds: float) -> None:
        story.continue_work(
            self.mine, seconds=seconds, do_what_is_due=self.do_what_is_due, decide=self.let_people_decide
        )

    def do_what_is_due(self) -> bool:
        """Run one round of the sweep on these tickets, in random order."""
        due = story.due_on(self.mine)
        self.dice.shuffle(due)
        for do, pk in due:
            if self.twice:
                _unforeseen(at_once(*[lambda do=do, pk=pk: do(pk)] * 2))
            else:
                do(pk)
        return bool(due)

    def let_people_decide(self) -> None:
        """Decide every open request. Called once the agent can't continue."""
        waiting = ApprovalRequest.objects.filter(action__ticket_id__in=self.mine, closed_at=None)
        requests = list(waiting.select_related("action").order_by("pk"))
        self.dice.shuffle(requests)
        for request in requests:
            self.decide(request)

    # --- people -----------------------------------------------------------------------------------------

    def decide(self, request: ApprovalRequest) -> None:
        if request.action.kind == "reply":
            word = plans.REJECT if request.snapshot.get("ungrounded") else plans.APPROVE
        elif ApprovalRequest.objects.filter(action=request.action, pk__lt=request.pk).exists():
            word = plans.APPROVE  # it came back changed
        else:
            word = self._asks(request.action).answer
        works = _works(word, request)
        answers = at_once(*works) if len(works) > 1 else [_tried(works[0])]
        _unforeseen([answer for answer in answers if not isinstance(answer, TOO_LATE)])
        if all(isinstance(answer, Refused) for answer in answers):
            refused = answers[0]
            _unforeseen([_tried(lambda: _reject(request, LEADS[0], f"No longer possible: {refused.message}"))])

    def _asks(self, action: Action) -> plans.Asks:
        external_id = Ticket.objects.values_list("external_id", flat=True).get(pk=action.ticket_id)
        return self.schedule.tickets[int(external_id.rpartition("-")[2])]


def _works(word: str, request: ApprovalRequest) -> list[Callable[[], object]]:
    """Apply everything that people do to a request, all at once."""
    lead, second = LEADS
    works: dict[str, list[Callable[[], object]]] = {
        plans.APPROVE: [lambda: _approve(request, lead)],
        plans.EDIT: [lambda: _edit(request, lead)],
        plans.REJECT: [lambda: _reject(request, lead)],
        plans.EXPIRE: [lambda: _expire(request)],
        plans.DOUBLE: [
            lambda: _approve(request, lead),
            lambda: _approve(request, lead),
            lambda: _approve(request, second),
        ],
        plans.CONTRADICT: [lambda: _approve(request, lead), lambda: _reject(request, second)],
        plans.EDIT_RACE: [lambda: _edit(request, lead), lambda: _approve(request, second)],
        plans.EXPIRY_RACE: [lambda: _approve(request, lead), lambda: _expire(request)],
    }
    return works[word]


def _approve(request: ApprovalRequest, name: str) -> object:
    return deciding.approve(request_id=request.pk, by=User.objects.get(username=name), seen=deciding.seen_now(request))


def _edit(request: ApprovalRequest, name: str) -> object:
    by = User.objects.get(username=name)
    return deciding.edit(
        request_id=request.pk, by=by, seen=deciding.seen_now(request), changes={"amount": plans.EDITED}
    )


def _reject(request: ApprovalRequest, name: str, reason: str = "That is not how it was.") -> object:
    by = User.objects.get(username=name)
    return deciding.reject(request_id=request.pk, by=by, seen=deciding.seen_now(request), reason=reason)


def _expire(request: ApprovalRequest) -> object:
    ApprovalRequest.objects.filter(pk=request.pk, closed_at=None).update(expires_at=Now())
    return expiry.expire(request.pk)


def _tried(work: Callable[[], object]) -> Any:
    try:
        return work()
    except TOO_LATE as answer:
        return answer


def _unforeseen(answers: list[Any]) -> None:
    """An error that is not an answer is a bug of ours."""
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, TOO_LATE):
            raise answer
