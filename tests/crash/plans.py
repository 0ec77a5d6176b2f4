"""A random schedule: everything that happens to one order's tickets, and how every process that works on them ends.
It is a function of the seed alone, so a failing seed can be played again."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.crash import shop
from tests.crash.cases import EFFECTS, LEASE_SECONDS, PROVIDER_TIMEOUT_SECONDS

FIRST_NUMBER = 8_000_000  # of the order and the customer of seed 0
WARM_UPS = 9  # and the numbers below that
LEAST_KILLS = 3
# How far a process gets before it dies: a plain ticket passes about forty boundaries from its delivery to its end.
FURTHEST_PASSAGE, LONGEST_LIFE = 24, 0.25
STALL_SECONDS = LEASE_SECONDS + 1.0

REFUND = "Please refund {amount} USD for my order {order}{word}."
CANCEL = "Please cancel my order {order}."
CHANGE = "Please change my e-mail address to {email}."
FALSE_CLAIM = "[[misbehave:claim_without_action]] "
WORDS = ("", ", thank you", ", as agreed")  # no two of three tickets about one order have the same text

# People's decisions on a request. Those of the second row are two at once, and either may win.
APPROVE, EDIT, REJECT, EXPIRE = "approve", "edit", "reject", "expire"
DOUBLE, CONTRADICT, EDIT_RACE, EXPIRY_RACE = "double", "contradict", "edit_race", "expiry_race"
ANSWERS = {APPROVE: 30, EDIT: 10, REJECT: 12, EXPIRE: 8, DOUBLE: 14, CONTRADICT: 10, EDIT_RACE: 8, EXPIRY_RACE: 8}
NEVER = (REJECT, EXPIRE)
PERHAPS = (CONTRADICT, EXPIRY_RACE)
EDITED = 2_500

READS = ("GET /orders", "GET /orders/{order_id}", "GET /customers/{customer_id}")
MODEL = "POST /v1/chat/completions"
ENDPOINTS = (*EFFECTS, *EFFECTS, *READS, MODEL)
# Each occurs once per request to the endpoint.
ONCE: dict[str, dict[str, Any]] = {
    "lost_answer": {},
    "error_500_before": {},
    "error_500_after": {},
    "unavailable": {},
    "rate_limited": {},
    "reset": {},
    "garbage": {},
    "truncated": {},
    "timeout_before": {"seconds": PROVIDER_TIMEOUT_SECONDS * 1.5},
    "timeout_after": {"seconds": PROVIDER_TIMEOUT_SECONDS * 1.5},
    "slow": {"seconds": LEASE_SECONDS * 1.25},
}
REFUSED_BY_BANK = "refused_by_bank"


@dataclass(frozen=True)
class Asks:
    """A ticket: its text, the effect it asks for, the amount in minor units, and people's decision."""

    body: str
    kind: str
    amount: int | None
    answer: str


@dataclass(frozen=True)
class Life:
    """A process. It starts `pause` seconds after the previous one has ended or, `beside` it, has started. It is
    killed at its `passage`-th boundary, or after `moment` seconds of CPU time; with neither it lives to the end. At
    its `stall`-th boundary it is suspended for longer than a lease. `deliveries`: how often the help desk delivers
    to it. `twice`: two threads do the due work at once, as by a message and the sweep."""

    pause: float
    beside: bool = False
    passage: int = 0
    moment: float = 0.0
    stall: int = 0
    deliveries: int = 1
    twice: bool = False

    @property
    def killed(self) -> bool:
        return bool(self.passage or self.moment)


@dataclass(frozen=True)
class Schedule:
    seed: int
    tickets: tuple[Asks, ...]
    faults: tuple[tuple[str, str], ...]  # endpoint, name
    lives: tuple[Life, ...]
    mutation: str = ""

    @property
    def number(self) -> int:
        return FIRST_NUMBER + self.seed

    @property
    def email(self) -> str:
        return shop.EMAIL.format(self.number)

    @property
    def refused(self) -> bool:
        """Return whether the bank refuses the refund."""
        return ("POST /refunds", REFUSED_BY_BANK) in self.faults

    def deliveries(self) -> list[dict[str, str]]:
        """Return the tickets as the help desk sends them."""
        return [
            {
                "source": "crash",
                "external_id": f"delivery-{self.number}-{place}",
                "customer_email": self.email,
                "customer_name": "Kim Doe",
                "subject": "My order",
                "body": asks.body,
            }
            for place, asks in enumerate(self.tickets)
        ]

    def rules(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the simulator's rules, by endpoint."""
        return [
            (endpoint, {"fault": name, "rate": 1.0, "where": str(self.number), **_times(name), **ONCE.get(name, {})})
            for endpoint, name in self.faults
        ]

    def __str__(self) -> str:
        asked = "; ".join(f"{asks.kind} {asks.amount or ''} ({asks.answer})" for asks in self.tickets)
        bug = f" with {self.mutation}" if self.mutation else ""
        faults = ", ".join(f"{name} at {endpoint}" for endpoint, name in self.faults) or "no fault"
        return f"seed {self.seed}{bug}: {asked}; {faults}; {len(self.lives)} lives"


def plan(seed: int, mutation: str = "") -> Schedule:
    dice = Random(f"schedule {seed}")
    return Schedule(seed, _tickets(dice, FIRST_NUMBER + seed), _faults(dice), _lives(dice), mutation)


def numbers(seeds: Iterable[int]) -> list[int]:
    """Return the order and customer numbers that the shop needs, including those of the warm-up."""
    return [FIRST_NUMBER + seed for seed in (*range(-WARM_UPS, 0), *seeds)]


def warm_up(place: int) -> Schedule:
    """Return a schedule of one process without a death, for the warm parent itself: one of each kind in turn."""
    seed = -1 - place
    number = FIRST_NUMBER + seed
    kinds = ("cancel_order",) if shop.is_pending(number) else ("refund", "account_change")
    dice = Random(f"warm up {place}")
    asks = (_ticket(dice, kinds[place % len(kinds)], number, 0),)
    return Schedule(seed, asks, (), (Life(0.0),))


def _tickets(dice: Random, number: int) -> tuple[Asks, ...]:
    sorts = ("cancel_order", "refund", "account_change") if shop.is_pending(number) else ("refund", "account_change")
    count = dice.choices((1, 2, 3), (82, 15, 3))[0]
    return tuple(
        _ticket(dice, dice.choices(sorts, (6, 4, 1)[-len(sorts) :])[0], number, place) for place in range(count)
    )


def _ticket(dice: Random, kind: str, number: int, place: int) -> Asks:
    answer = dice.choices(list(ANSWERS), list(ANSWERS.values()))[0]
    filled = {"order": shop.order_id(number), "email": shop.NEW_EMAIL.format(number), "word": WORDS[place]}
    if kind == "refund":
        # Up to 50.00 is refunded without a person, if the order has that much.
        amount = dice.choice((1_500, 2_000, 3_000, *(() if shop.is_pending(number) else (5_500, 6_000, 8_000))))
        body = REFUND.format(amount=f"{amount / 100:.2f}", **filled)
        return Asks((FALSE_CLAIM if dice.random() < 0.1 else "") + body, kind, amount, answer)
    if answer in (EDIT, EDIT_RACE):
        answer = APPROVE
    if kind == "cancel_order":
        return Asks(CANCEL.format(**filled), kind, shop.captured(number), answer)
    return Asks(CHANGE.format(**filled), kind, None, answer)


def _faults(dice: Random) -> tuple[tuple[str, str], ...]:
    drawn = {
        dice.choice(ENDPOINTS): dice.choice(list(ONCE)) for _ in range(dice.choices((0, 1, 2, 3), (2, 4, 3, 1))[0])
    }
    if dice.random() < 0.04:
        drawn["POST /refunds"] = REFUSED_BY_BANK
    return tuple(drawn.items())


def _lives(dice: Random) -> tuple[Life, ...]:
    kills = dice.choices((LEAST_KILLS, LEAST_KILLS + 1, LEAST_KILLS + 2), (7, 2, 1))[0]
    killed = [_life(dice, first=place == 0, killed=True) for place in range(kills)]
    return (*killed, _life(dice, first=False, killed=False))


def _life(dice: Random, *, first: bool, killed: bool) -> Life:
    beside = not first and dice.random() < 0.25
    pause = dice.uniform(0.0, 0.3) if beside or dice.random() < 0.3 else LEASE_SECONDS + dice.uniform(0.0, 0.3)
    by_the_clock = dice.random() < 0.35
    passage, moment = dice.randint(1, FURTHEST_PASSAGE), dice.uniform(0.03, LONGEST_LIFE)
    return Life(
        pause=0.0 if first else pause,
        beside=beside,
        passage=passage if killed and not by_the_clock else 0,
        moment=moment if killed and by_the_clock else 0.0,
        stall=dice.randint(1, FURTHEST_PASSAGE) if dice.random() < 0.06 else 0,
        deliveries=dice.choices((1, 2, 3), (6, 3, 1))[0],
        twice=dice.random() < 0.15,
    )


def _times(name: str) -> dict[str, int]:
    return {"times": 0 if name == REFUSED_BY_BANK else 1}
