import json

import pytest

from agentops.lab.simulator.faults import (
    BadTable,
    FaultName,
    Faults,
    Misbehaviour,
    Rule,
    Table,
    default_table,
    read_table,
)

REFUNDS = "POST /refunds"


def faults(**rule: object) -> Faults:
    return Faults(1, read_table(json.dumps({"endpoints": {REFUNDS: [rule]}})))


def struck(table: Faults, keys: int = 1000, endpoint: str = REFUNDS) -> list[str]:
    names = [f"key-{number}" for number in range(keys)]
    return [name for name in names if table.pick(endpoint, name, name)]


def test_a_rate_affects_that_share_of_requests() -> None:
    assert 30 <= len(struck(faults(fault="lost_answer", rate=0.04), keys=1000)) <= 55


def test_the_same_requests_are_affected_in_any_order() -> None:
    first, second = faults(fault="slow", rate=0.3), faults(fault="slow", rate=0.3)
    names = [f"key-{number}" for number in range(200)]
    forwards = {name for name in names if first.pick(REFUNDS, name, name)}
    backwards = {name for name in reversed(names) if second.pick(REFUNDS, name, name)}
    assert forwards == backwards


def test_another_seed_affects_other_requests() -> None:
    table = read_table(json.dumps({"endpoints": {REFUNDS: [{"fault": "slow", "rate": 0.3}]}}))
    assert struck(Faults(1, table)) != struck(Faults(2, table))


def test_an_answer_is_spoiled_once_per_key() -> None:
    table = faults(fault="timeout_after", rate=1)
    assert table.pick(REFUNDS, "a", "a")
    assert table.pick(REFUNDS, "a", "a") is None
    assert table.pick(REFUNDS, "b", "b")


def test_a_refusal_lasts_unless_times_is_set() -> None:
    lasting, twice = faults(fault="unavailable", rate=1), faults(fault="unavailable", rate=1, times=2)
    assert all(lasting.pick(REFUNDS, "a", "a") for _ in range(5))
    assert [twice.pick(REFUNDS, "a", "a") is not None for _ in range(3)] == [True, True, False]


def test_where_limits_a_fault_to_requests_containing_the_text() -> None:
    table = faults(fault="lost_answer", rate=1, where="#W1")
    assert table.pick(REFUNDS, "a", '{"order_id": "#W1"}')
    assert table.pick(REFUNDS, "b", '{"order_id": "#W2"}') is None


def test_a_star_means_every_endpoint_except_the_monitoring_ones() -> None:
    table = Faults(1, Table(endpoints={"*": [Rule(fault=FaultName.SLOW, rate=1.0)]}))
    assert table.pick("GET /orders", "a", "a")
    assert table.pick("GET /ledger", "a", "a") is None


def test_hits_are_counted_by_endpoint_and_fault() -> None:
    table = faults(fault="slow", rate=1)
    struck(table, keys=3)
    assert table.hits() == {"POST /refunds slow": 3}


def test_seconds_have_a_sensible_default() -> None:
    assert Rule(fault=FaultName.TIMEOUT_AFTER, rate=1.0).seconds == 30
    assert Rule(fault=FaultName.SLOW, rate=1.0).seconds == 2
    assert Rule(fault=FaultName.SLOW, rate=1.0, seconds=0.5).seconds == 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "Invalid JSON"),
        ('{"endpoints": {"POST /refunds": [{"fault": "flood", "rate": 1}]}}', "timeout_before"),
        ('{"endpoints": {"POST /money": []}}', "unknown endpoint 'POST /money'"),
        ('{"endpoints": {"POST /refunds": [{"fault": "slow", "rate": 2}]}}', "less than or equal to 1"),
        ('{"endpoints": {"POST /refunds": [{"fault": "slow", "rate": "1"}]}}', "valid number"),
        ('{"model": {"daydream": 0.1}}', "invented_order_id"),
        ('{"chaos": true}', "Extra inputs"),
    ],
)
def test_an_invalid_table_is_refused_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(BadTable) as refused:
        read_table(text)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_default_faults_always_hit_the_demo_tickets() -> None:
    table = Faults(1, default_table(["#W7"]))
    assert table.pick(REFUNDS, "any", '{"order_id": "#W7"}')
    assert 30 <= len(struck(table)) <= 55
    assert set(table.table.model) <= set(Misbehaviour)
