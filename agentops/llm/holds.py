"""Reasons why a model call may not be sent. Nothing was sent and the ticket is fine: its run waits."""

from datetime import datetime

from agentops.llm.prices import WorstCase


class Held(Exception):
    """A model call is on hold.

    `problem` is a sentence that says what is missing, `when` ("when …") what would resolve it; `reason` joins both for
    the run's page.
    """

    def __init__(self, model: str, problem: str, when: str) -> None:
        self.model = model
        self.problem = problem
        self.when = when
        self.reason = f"{problem} The run continues {when}."
        super().__init__(self.reason)


class Exhausted(Held):
    """A budget has no room for the call's worst case.

    `per` is the budget's period, `budget` its id and `as_of` the time its cap was set.
    """

    def __init__(
        self, model: str, problem: str, when: str, *, per: str, budget: int, as_of: datetime, worst: WorstCase
    ) -> None:
        super().__init__(model, problem, when)
        self.per = per
        self.budget = budget
        self.as_of = as_of
        self.worst = worst


class Unpriced(Held):
    """The model has no price, so the cost of a call is unknown."""


class PassedOver(Held):
    """Every model of the route has an open breaker. Calls resume one at a time as probes come due."""
