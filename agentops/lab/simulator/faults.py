"""The fault table: what may go wrong, how often, and whether it goes wrong for this request. No I/O."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from threading import Lock
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class FaultName(StrEnum):
    """`*_before` and the refusals leave no effect; the others happen after the effect."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    LOST_ANSWER = "lost_answer"
    RESET = "reset"
    RATE_LIMITED = "rate_limited"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_AFTER = "error_500_after"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    UNAUTHORIZED = "unauthorized"
    TOO_EARLY = "too_early"
    IN_PROGRESS = "in_progress"
    KEY_MISMATCH = "key_mismatch"
    ALREADY_REFUNDED = "already_refunded"
    REFUSED_BY_BANK = "refused_by_bank"


class Misbehaviour(StrEnum):
    """How a language model misbehaves. `undeclared_claim` is claim_without_action with a hidden claim.
    `obey_injection` obeys the ticket's text, `obey_everything` whatever it reads anywhere."""

    INVENTED_ORDER_ID = "invented_order_id"
    TRACKING_AS_ORDER_ID = "tracking_as_order_id"
    MALFORMED_ARGUMENTS = "malformed_arguments"
    UNKNOWN_TOOL = "unknown_tool"
    WRONG_TYPES = "wrong_types"
    CLAIM_WITHOUT_ACTION = "claim_without_action"
    UNDECLARED_CLAIM = "undeclared_claim"
    LOOP = "loop"
    OBEY_INJECTION = "obey_injection"
    OBEY_EVERYTHING = "obey_everything"
    TWO_CALLS = "two_calls"
    EMPTY_ANSWER = "empty_answer"
    CUT_OFF = "cut_off"
    REFUSAL = "refusal"
    OVER_REFUND = "over_refund"


# After these the effect exists and only the answer is spoiled, so by default a retry gets an answer.
SPOILT_ANSWERS = frozenset(
    {
        FaultName.TIMEOUT_AFTER,
        FaultName.LOST_ANSWER,
        FaultName.ERROR_500_AFTER,
        FaultName.GARBAGE,
        FaultName.TRUNCATED,
        FaultName.ALREADY_REFUNDED,
    }
)
DEFAULT_SECONDS = {FaultName.TIMEOUT_BEFORE: 30.0, FaultName.TIMEOUT_AFTER: 30.0, FaultName.SLOW: 2.0}

ENDPOINTS = frozenset(
    {
        "GET /orders",
        "GET /orders/{order_id}",
        "POST /orders/{order_id}/cancel",
        "GET /customers/{customer_id}",
        "PATCH /customers/{customer_id}",
        "POST /refunds",
        "GET /refunds",
        "POST /replies",
        "POST /v1/chat/completions",
        "GET /v1/models",
    }
)
Rate = Annotated[float, Field(ge=0, le=1)]


class BadTable(Exception):
    """The table has an unknown name or an invalid value. The message is one line for a person."""


class Rule(BaseModel):
    """A fault of an endpoint. `times`: how many requests of one identity get it (0: all). `seconds`: how long a
    timeout hangs or a slow answer takes. `where`: only requests with this text in path, key or body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    fault: FaultName
    rate: Rate
    times: int = Field(default=-1, ge=-1)
    seconds: float = Field(default=-1.0, le=600)
    where: str = ""

    @model_validator(mode="after")
    def _fill_defaults(self) -> Self:
        filled = {
            "times": (1 if self.fault in SPOILT_ANSWERS else 0) if self.times < 0 else self.times,
            "seconds": DEFAULT_SECONDS.get(self.fault, 0.0) if self.seconds < 0 else self.seconds,
        }
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        return self


class Table(BaseModel):
    """Faults per endpoint (`"*"`: every endpoint of the contracts and the model), and rates of misbehaviour."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    endpoints: dict[str, list[Rule]] = Field(default_factory=dict)
    model: dict[Misbehaviour, Rate] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _endpoints_exist(self) -> Self:
        for name in self.endpoints:
            if name != "*" and name not in ENDPOINTS:
                raise ValueError(f"unknown endpoint {name!r}; known: *, {', '.join(sorted(ENDPOINTS))}")
        return self


def read_table(text: str | bytes) -> Table:
    """Parse a table from JSON. Raises BadTable with all problems in one line."""
    try:
        return Table.model_validate_json(text)
    except ValidationError as refused:
        problems = (
            f"{'.'.join(str(part) for part in problem['loc']) or 'table'}: {problem['msg']}"
            for problem in refused.errors(include_url=False)
        )
        raise BadTable("; ".join(problems)) from refused


def default_table(lost_orders: Iterable[str] = ()) -> Table:
    """Return the default: 4% lost answers on refunds, and a model with small flaws.

    The answers for `lost_orders` (ids) are always lost, so that a demo shows at least one.
    """
    lost = [Rule(fault=FaultName.LOST_ANSWER, rate=1.0, where=order_id) for order_id in lost_orders]
    rates = {
        Misbehaviour.INVENTED_ORDER_ID: 0.03,
        Misbehaviour.TRACKING_AS_ORDER_ID: 0.03,
        Misbehaviour.MALFORMED_ARGUMENTS: 0.03,
        Misbehaviour.UNKNOWN_TOOL: 0.02,
        Misbehaviour.WRONG_TYPES: 0.03,
        Misbehaviour.CLAIM_WITHOUT_ACTION: 0.02,
        Misbehaviour.LOOP: 0.01,
        # A small model obeys what it reads: nothing downstream may rely on it to resist.
        Misbehaviour.OBEY_INJECTION: 1.0,
        Misbehaviour.TWO_CALLS: 0.05,
        Misbehaviour.EMPTY_ANSWER: 0.02,
        Misbehaviour.CUT_OFF: 0.02,
        Misbehaviour.REFUSAL: 0.01,
        Misbehaviour.OVER_REFUND: 0.02,
    }
    refunds = [*lost, Rule(fault=FaultName.LOST_ANSWER, rate=0.04)]
    return Table(endpoints={"POST /refunds": refunds}, model=rates)


def chance(*parts: object) -> float:
    """Return a number in [0, 1) that depends only on `parts`, whatever runs before or at the same time."""
    digest = sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class Faults:
    """The table in force, and how often each rule has hit each request identity."""

    def __init__(self, seed: int, table: Table) -> None:
        self.seed = seed
        self._lock = Lock()
        self._table = table
        self._struck: Counter[tuple[str, str, str]] = Counter()

    @property
    def table(self) -> Table:
        return self._table

    def replace(self, table: Table) -> None:
        with self._lock:
            self._table = table
            self._struck.clear()

    def hits(self) -> dict[str, int]:
        """Return the number of requests hit by each fault, as {"POST /refunds lost_answer": 3}."""
        totals: Counter[str] = Counter()
        with self._lock:
            for (endpoint, rule, _), count in self._struck.items():
                totals[f"{endpoint} {rule.split(' ')[0]}"] += count
        return dict(totals)

    def pick(self, endpoint: str, identity: str, text: str) -> Rule | None:
        """Return the first rule that hits this request, if any, and count it."""
        if endpoint not in ENDPOINTS:
            return None
        for rule in self._table.endpoints.get(endpoint, []) + self._table.endpoints.get("*", []):
            if rule.where not in text:
                continue
            if chance(self.seed, endpoint, identity, rule.fault) >= rule.rate:
                continue
            mark = (endpoint, f"{rule.fault} {rule.where}", identity)
            with self._lock:
                if rule.times and self._struck[mark] >= rule.times:
                    continue
                self._struck[mark] += 1
            return rule
        return None
