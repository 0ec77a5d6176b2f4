"""Why a model call may not leave. Nothing was sent, and nothing is wrong with the ticket: its run waits."""

from datetime import datetime

from agentops.llm.prices import Worst


class Held(Exception):
    """`told` says in a sentence what is missing, `when` ("when …") what would bring it; `reason` is both, of a run."""

    def __init__(self, model: str, told: str, when: str) -> None:
        self.model = model
        self.told = told
        self.when = when
        self.reason = f"{told} It goes on {when}."
        super().__init__(self.reason)


class Exhausted(Held):
    """A budget (per `per`) has no room for the call's worst case. `budget` is its id, `as_of` when its cap was set."""

    def __init__(
        self, model: str, told: str, when: str, *, per: str, budget: int, as_of: datetime, worst: Worst
    ) -> None:
        super().__init__(model, told, when)
        self.per = per
        self.budget = budget
        self.as_of = as_of
        self.worst = worst


class Unpriced(Held):
    """The model has no price, so nobody knows what the call would cost."""


class PassedOver(Held):
    """Every model of the route is passed over; calls are let through again, one at a time, as their probes come due."""
