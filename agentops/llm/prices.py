"""What a call of a language model costs. Pure: a price and counts in, US dollars out, rounded up to a millionth, so
that what is counted is never below what is billed."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

MILLION = 1_000_000
SMALLEST = Decimal("0.000001")


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens. `number` names the row that it comes from."""

    model: str
    input: Decimal
    cached: Decimal
    output: Decimal
    reasoning: Decimal
    number: int = 0


@dataclass(frozen=True)
class Worst:
    """What a call can cost at most: US dollars and tokens. `price` numbers the price that says so."""

    usd: Decimal
    tokens: int
    price: int = 0


def cost(
    price: Price, *, input_tokens: int, cached_tokens: int = 0, output_tokens: int = 0, reasoning_tokens: int = 0
) -> Decimal:
    """Cached tokens are a part of the input's, reasoning tokens of the output's, as Chat Completions counts them. Where
    a server says otherwise (more of the part than of the whole) the part is believed."""
    fresh = max(input_tokens - cached_tokens, 0)
    said = max(output_tokens - reasoning_tokens, 0)
    per_million = (
        fresh * price.input + cached_tokens * price.cached + said * price.output + reasoning_tokens * price.reasoning
    )
    return (per_million / MILLION).quantize(SMALLEST, ROUND_UP)


def worst(price: Price, *, request_bytes: int, max_tokens: int) -> Worst:
    """No token is shorter than a byte, and an answer has at most the `max_tokens` that are sent along."""
    per_million = request_bytes * max(price.input, price.cached) + max_tokens * max(price.output, price.reasoning)
    usd = (per_million / MILLION).quantize(SMALLEST, ROUND_UP)
    return Worst(usd, request_bytes + max_tokens, price.number)
