"""The cost of language model calls.

Pure: takes a price and token counts, returns US dollars rounded up to a millionth, so the result is never below the
bill.
"""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

_MILLION = 1_000_000
_SMALLEST = Decimal("0.000001")


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens. `number` is the id of the ModelPrice row."""

    model: str
    input: Decimal
    cached: Decimal
    output: Decimal
    reasoning: Decimal
    number: int = 0


@dataclass(frozen=True)
class WorstCase:
    """The most that a call can cost, in US dollars and tokens. `price` is the id of the ModelPrice row behind it."""

    usd: Decimal
    tokens: int
    price: int = 0


def cost(
    price: Price, *, input_tokens: int, cached_tokens: int = 0, output_tokens: int = 0, reasoning_tokens: int = 0
) -> Decimal:
    """Return the cost of a call in US dollars.

    Cached tokens are part of the input tokens and reasoning tokens part of the output tokens, as Chat Completions
    counts them. If a server reports a part that exceeds its total, the part is used.
    """
    uncached = max(input_tokens - cached_tokens, 0)
    visible = max(output_tokens - reasoning_tokens, 0)
    per_million = (
        uncached * price.input
        + cached_tokens * price.cached
        + visible * price.output
        + reasoning_tokens * price.reasoning
    )
    return (per_million / _MILLION).quantize(_SMALLEST, ROUND_UP)


def worst_case(price: Price, *, request_bytes: int, max_tokens: int) -> WorstCase:
    """Return the worst case of a call.

    A token is at least one byte long, and an answer has at most `max_tokens` tokens.
    """
    per_million = request_bytes * max(price.input, price.cached) + max_tokens * max(price.output, price.reasoning)
    usd = (per_million / _MILLION).quantize(_SMALLEST, ROUND_UP)
    return WorstCase(usd, request_bytes + max_tokens, price.number)
