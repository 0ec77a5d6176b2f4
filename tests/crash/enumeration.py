"""What the children of the enumeration's warm parent play: the story, which the parent has played completely before."""

import itertools
from functools import partial

from agentops.runs import steps
from tests.crash import cases, shop, story, warmup
from tests.crash.cases import SCENARIOS, Scenario

play = story.play


def prepare() -> None:
    story.prepare()
    numbers = range(shop.FIRST, shop.FIRST + cases.WARM_UPS)
    warmup.warm(
        partial(_through, SCENARIOS["cancellation" if shop.is_pending(number) else name], number)
        for number, name in zip(numbers, itertools.cycle(("refund", "approved_refund", "account_change")))
    )
    steps._stored.clear()  # each process stores the texts that it sends


def _through(scenario: Scenario, number: int) -> None:
    story.work([story.deliver(ticket) for ticket in cases.tickets_of(scenario, number)])
