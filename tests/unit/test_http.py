"""What an answer means (docs/design.md, 8), without a network. integration/test_providers.py makes real calls."""

import json

import pytest

from agentops.lib.errors import (
    EffectUnknown,
    IdempotencyMismatch,
    ProviderError,
    ReplayedFailure,
    Terminal,
    Transient,
    Unauthorized,
)
from agentops.lib.http import MAX_BODY_KEPT, failure


def body(code: str, message: str = "Something.", **details: object) -> str:
    return json.dumps({"error": {"code": code, "message": message, "details": details}})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (302, "moved", Terminal),
        (400, "invalid_request", Terminal),
        (401, "unauthorized", Unauthorized),
        (402, "refused_by_bank", Terminal),
        (403, "forbidden", Terminal),
        (404, "not_found", Terminal),
        (408, "timeout", EffectUnknown),
        (409, "idempotency_in_progress", Transient),
        (409, "not_cancellable", Terminal),
        (422, "amount_exceeds_refundable", Terminal),
        (422, "idempotency_mismatch", IdempotencyMismatch),
        (425, "too_early", Transient),
        (429, "rate_limited", Transient),
        (500, "internal", EffectUnknown),
        (502, "bad_gateway", EffectUnknown),
        (503, "unavailable", Transient),
        (504, "gateway_timeout", EffectUnknown),
        (599, "unheard_of", EffectUnknown),
    ],
)
def test_each_status_is_classified(status: int, code: str, kind: type[ProviderError]) -> None:
    error = failure(status, body(code))
    assert type(error) is kind
    assert (error.code, error.http_status) == (code, status)


@pytest.mark.parametrize("status", [101, 301, 302, 304, 307])
def test_an_unexpected_status_leaves_the_effect_of_a_write_unknown(status: int) -> None:
    assert type(failure(status, "", write=True)) is EffectUnknown
    assert type(failure(status, "", write=True, replayed=True)) is ReplayedFailure
    assert type(failure(status, "")) is Terminal


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_replayed_server_error_is_not_retried(status: int) -> None:
    assert type(failure(status, body("internal"), replayed=True)) is ReplayedFailure


@pytest.mark.parametrize("status", [402, 422])
def test_a_replayed_refusal_is_a_refusal(status: int) -> None:
    assert type(failure(status, body("refused"), replayed=True)) is Terminal


def test_an_unexplained_conflict_is_treated_as_in_progress() -> None:
    assert type(failure(409, "")) is Transient


def test_the_error_keeps_the_providers_message() -> None:
    error = failure(422, body("amount_exceeds_refundable", "Only 500.", refundable=500))
    assert error.message == "Only 500."
    assert error.details == {"refundable": 500}
    assert json.loads(error.body)["error"]["code"] == "amount_exceeds_refundable"


@pytest.mark.parametrize(
    "text",
    ["", "<html>Bad gateway</html>", "null", "[]", "42", '{"error": "text"}', '{"error": {"message": "no code"}}'],
)
def test_an_error_body_of_any_shape_is_readable(text: str) -> None:
    error = failure(502, text)
    assert error.code == "http_502"
    assert error.details == {}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("99999", 3600.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("soon", None),
        ("nan", None),
        ("inf", 3600.0),
    ],
)
def test_retry_after_is_read_in_seconds_and_bounded(header: str | None, seconds: float | None) -> None:
    assert failure(429, "", retry_after=header).retry_after == seconds


def test_only_the_beginning_of_a_huge_body_is_kept() -> None:
    assert len(failure(500, "x" * 10 * MAX_BODY_KEPT).body) == MAX_BODY_KEPT
