"""What calls cost, and their maximum cost."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agentops.llm.prices import Price, cost, worst_case

GPT_5 = Price("gpt-5", Decimal("1.25"), Decimal("0.125"), Decimal(10), Decimal(10))
DOLLARS = st.decimals(0, 1000, places=6)
COUNTS = st.integers(0, 200_000)


def test_each_type_of_token_has_its_own_price() -> None:
    counts = {"input_tokens": 100, "cached_tokens": 60, "output_tokens": 20, "reasoning_tokens": 5}
    assert cost(GPT_5, **counts) == Decimal("0.000258")
    dear = Price("x", Decimal("1.25"), Decimal("0.125"), Decimal(10), Decimal(40))
    assert cost(dear, **counts) == Decimal("0.000408")


def test_fractions_of_a_millionth_are_rounded_up() -> None:
    cheap = Price("cheap", Decimal("0.000001"), Decimal(0), Decimal(0), Decimal(0))
    assert cost(cheap, input_tokens=1) == Decimal("0.000001")


def test_more_cached_than_input_tokens_never_lower_the_cost() -> None:
    assert cost(GPT_5, input_tokens=0, cached_tokens=1_000_000, reasoning_tokens=1_000_000) == Decimal("10.125")


@given(st.tuples(DOLLARS, DOLLARS, DOLLARS, DOLLARS), COUNTS, COUNTS, st.data())
def test_no_call_costs_more_than_its_worst_case(
    prices: tuple[Decimal, Decimal, Decimal, Decimal], request_bytes: int, max_tokens: int, data: st.DataObject
) -> None:
    price = Price("any", *prices)
    read, said = data.draw(st.integers(0, request_bytes)), data.draw(st.integers(0, max_tokens))
    cached, reasoned = data.draw(st.integers(0, read)), data.draw(st.integers(0, said))
    most = worst_case(price, request_bytes=request_bytes, max_tokens=max_tokens)
    paid = cost(price, input_tokens=read, cached_tokens=cached, output_tokens=said, reasoning_tokens=reasoned)
    assert paid <= most.usd
    assert read + said <= most.tokens
